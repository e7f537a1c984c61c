"""List what a settling study's machine has to do: the series whose metadata object does not hold all they have."""

from dicomlake.domain.events import CompactSeries, SettleStudy, StudyPlan
from dicomlake.domain.study import StudyState
from dicomlake.ports import Datastore


def plan_study(command: SettleStudy, store: Datastore) -> StudyPlan:
    """Return the series to work through; none where the generation is no longer settling (a late second start)."""
    study = store.studies.study(command.study_uid)
    if study is None or study.generation != command.generation or study.state is not StudyState.SETTLING:
        return StudyPlan(command.datastore, command.study_uid, command.generation)
    changed = (
        CompactSeries(command.datastore, command.study_uid, series.series_uid, command.generation)
        for series in store.studies.series(command.study_uid)
        if not series.metadata_key or series.metadata_instances != series.counts.instances
    )
    return StudyPlan(command.datastore, command.study_uid, command.generation, tuple(changed))

"""List what a settling study's machine has to do: the series whose metadata object does not hold all they have."""

from itertools import islice

from dicomlake.domain.events import CompactSeries, SettleStudy, StudyPlan
from dicomlake.domain.study import StudyState
from dicomlake.ports import Datastore

SERIES_A_PLAN = 400
"""A state of Step Functions holds 256 KiB; a series' command takes up to 300 bytes of it."""


def plan_study(command: SettleStudy | StudyPlan, store: Datastore) -> StudyPlan:
    """Return the series to work through, a part at a time: the plan before names where the next one goes on.

    There are none where the generation is no longer settling (a late second start).
    """
    study = store.studies.study(command.study_uid)
    if study is None or study.generation != command.generation or study.state is not StudyState.SETTLING:
        return StudyPlan(command.datastore, command.study_uid, command.generation)
    after = command.after if isinstance(command, StudyPlan) else ""
    changed = (
        CompactSeries(command.datastore, command.study_uid, series.series_uid, command.generation)
        for series in store.studies.series(command.study_uid)
        if series.series_uid > after and not series.has_metadata
    )
    some = tuple(islice(changed, SERIES_A_PLAN))
    following = some[-1].series_uid if len(some) == SERIES_A_PLAN else ""
    return StudyPlan(command.datastore, command.study_uid, command.generation, some, following)

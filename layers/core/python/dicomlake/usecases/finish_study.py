"""Close a generation: the study is ready, and says so once in effect, however often it is said."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.events import StudyPlan, StudyReady
from dicomlake.domain.findings import TRUNCATED
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.search_keys import open_key
from dicomlake.domain.study import Completeness, Series, Study, StudyState, become_ready, parse_time
from dicomlake.ports import Clock, Datastore, EventPublisher, Fold

TRIES = 5


@dataclass(frozen=True, slots=True)
class StudyFinished:
    """Fact: whether this call closed the generation or found it closed, or overtaken by late arrivals."""

    outcome: str
    instances: int = 0
    seconds_since_last: float = 0.0


def finish_study(plan: StudyPlan, store: Datastore, events: EventPublisher, clock: Clock) -> StudyFinished:
    """Publish StudyReady, then mark the generation ready: a crash in between publishes the same event again.

    A study that received something meanwhile is on its next generation, which will tell everything: nothing to close.
    """
    for _ in range(TRIES):
        study = store.studies.study(plan.study_uid)
        if study is None or study.generation != plan.generation or study.state is StudyState.RECEIVING:
            return StudyFinished("overtaken")
        if study.state is StudyState.READY:
            return StudyFinished("ready-before", study.counts.instances)
        now = clock.now()
        if study.counts.instances > 0:  # of a study without any, its deletion was told
            events.publish(_ready_event(plan.datastore, study, store, now))
        closed = replace(become_ready(study, now), version=study.version + 1)
        try:
            store.studies.fold(Fold(closed, expected_version=study.version, drop_keys=(open_key(study),)))
        except LostRaceError:
            continue
        since_last = max(0.0, (now - parse_time(study.last_stored_at)).total_seconds())
        return StudyFinished("ready", study.counts.instances, since_last)
    raise LostRaceError("closing a generation lost its race every time")


def _ready_event(datastore: DatastoreId, study: Study, store: Datastore, now: datetime) -> StudyReady:
    series = store.studies.series(study.study_uid)
    declared = study.declared is not None and study.counts.instances >= study.declared
    return StudyReady(
        datastore=datastore,
        study_uid=study.study_uid,
        generation=study.generation,
        completeness=Completeness.DECLARED if declared else Completeness.QUIET,
        expected=study.declared,
        instances=study.counts.instances,
        series=study.series_count,
        added=study.since_ready,
        pending=store.studies.pending(study.study_uid, now),
        findings=_findings(study, series),
        truncated=study.truncated,
        seconds=max(0.0, (now - parse_time(study.generation_started_at)).total_seconds()),
        sop_classes=study.sop_classes,
        modalities=study.modalities,
    )


def _findings(study: Study, series: Iterable[Series]) -> tuple[str, ...]:
    """What is odd in the study: what its series say, and that pixels ended before they should."""
    codes = {code for one in series for code in one.findings} | ({TRUNCATED} if study.truncated else set())
    return tuple(sorted(codes))

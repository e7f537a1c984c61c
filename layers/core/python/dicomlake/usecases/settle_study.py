"""Decide whether a study's generation settles now; start the study machine, or look again later."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.events import SettleStudy
from dicomlake.domain.study import (
    SettlePolicy,
    Study,
    StudyState,
    begin_settling,
    decide_settle,
    format_time,
    parse_time,
)
from dicomlake.ports import Clock, Datastore, Fold, Workflows, WorkQueue

LARGE_STUDY = 2000
"""Instances above which a study goes to the Standard machine: the Express one ends after five minutes."""

LARGE_BYTES = 4 * 1000**3
"""Stored bytes above which it goes there too, in however few instances: compaction copies what lies in small packs, at
some 40 MB/s a series, so 12 GB of one series take the Express machine's five minutes."""

RESTART_AFTER = timedelta(minutes=30)
"""How long a Standard machine's name stands for one execution: it takes a name once, whether it ended well or not."""


@dataclass(frozen=True, slots=True)
class SettleChecked:
    """Fact: what came of looking: `stale`, `waiting` or `settling`."""

    outcome: str
    wait_seconds: int = 0


def settle_study(
    command: SettleStudy,
    execution_name: str,
    store: Datastore,
    timers: WorkQueue,
    workflows: Workflows,
    policy: SettlePolicy,
    clock: Clock,
) -> SettleChecked:
    """Look whether a generation may settle; its winner owns it, everyone else finds it settled.

    A generation already settling is started again: its first starter may have died between the write and the start,
    and the machine's every step may run twice. `execution_name` makes a second start of a Standard machine none, but
    for half an hour only: a generation that is still settling then has a machine that failed, or one that goes on.
    """
    study = store.studies.study(command.study_uid)
    if study is None or study.generation != command.generation or study.state is StudyState.READY:
        return SettleChecked("stale")
    now = clock.now()
    if study.state is StudyState.RECEIVING:
        decision = decide_settle(study, policy, store.studies.pending(study.study_uid, now), now)
        if not decision.settle:
            return _wait(command, study, decision.wait_seconds, store, timers, clock)
        _win(study, store)
    name = f"{execution_name}-{_period(study, now)}"
    workflows.settle_study(name, command, large=is_large(study))
    return SettleChecked("settling")


def is_large(study: Study) -> bool:
    """Whether compacting a study may take longer than the Express machine runs."""
    return study.counts.instances > LARGE_STUDY or study.counts.stored_bytes > LARGE_BYTES


def _period(study: Study, now: datetime) -> int:
    return (now - parse_time(study.generation_started_at)) // RESTART_AFTER


def _win(study: Study, store: Datastore) -> None:
    """Take the generation; LostRaceError sends the message back, and its next look finds what happened."""
    settling = replace(begin_settling(study), version=study.version + 1)
    store.studies.fold(Fold(settling, expected_version=study.version))


def _wait(
    command: SettleStudy, study: Study, seconds: int, store: Datastore, timers: WorkQueue, clock: Clock
) -> SettleChecked:
    """Re-arm the one live timer. Losing the note to a fold is harmless: a fold re-arms only what is overdue."""
    timers.send([command], seconds)
    due = format_time(clock.now() + timedelta(seconds=seconds))
    try:
        store.studies.fold(
            Fold(replace(study, timer_due=due, version=study.version + 1), expected_version=study.version)
        )
    except LostRaceError:
        return SettleChecked("waiting", seconds)
    return SettleChecked("waiting", seconds)

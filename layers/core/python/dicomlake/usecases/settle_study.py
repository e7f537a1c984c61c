"""Decide whether a study's generation settles now; start the study machine, or look again later.

The look counts what no fold has counted yet, without writing: only a look that settles writes, all of it at once.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dicomlake.domain.commit import CommitRow
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.events import SettleStudy
from dicomlake.domain.study import (
    SettleDecision,
    SettlePolicy,
    Study,
    StudyState,
    begin_settling,
    decide_settle,
    fold_study,
    parse_time,
)
from dicomlake.ports import Clock, Datastore, Fold, Workflows, WorkQueue
from dicomlake.usecases.track_study import ROWS_A_FOLD, fitting, plan_fold, track_study

TRIES = 8
"""How often a look that lost its race is made again before the message goes back to its queue."""

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


class Rearmed:
    """The timers of a batch of looks, kept back until all have been taken: ten are one request.

    A look that waits wrote nothing, so a batch that dies before `send` comes back and looks again.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[object, int]] = []

    def add(self, command: SettleStudy, seconds: int) -> None:
        """Look again after so many seconds."""
        self._waiting.append((command, seconds))

    def send(self, timers: WorkQueue) -> None:
        """Arm them all."""
        timers.send_timed(self._waiting)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one generation, and what it takes."""

    command: SettleStudy
    store: Datastore
    timers: WorkQueue
    policy: SettlePolicy
    clock: Clock

    def count_now(self) -> None:
        """Fold everything that is not counted; this keeps a timer alive where it opens a generation."""
        command = self.command
        track_study(
            command.datastore, command.study_uid, self.store, self.timers, self.policy, self.clock, lambda: False
        )

    def decide(self, study: Study, now: datetime) -> SettleDecision:
        """Decide; what is under way is asked after only where nothing else holds the study back."""
        decision = decide_settle(study, self.policy, 0, now)
        if not decision.settle:
            return decision
        return decide_settle(study, self.policy, self.store.studies.pending(study.study_uid, now), now)


def settle_study(
    command: SettleStudy,
    execution_name: str,
    store: Datastore,
    timers: WorkQueue,
    workflows: Workflows,
    policy: SettlePolicy,
    clock: Clock,
    rearmed: Rearmed,
) -> SettleChecked:
    """Look whether a generation may settle; its winner owns it, everyone else finds it settled.

    A generation already settling is started again: its first starter may have died between the write and the start,
    and the machine's every step may run twice. `execution_name` makes a second start of a Standard machine none, but
    for half an hour only: a generation that is still settling then has a machine that failed, or one that goes on.
    A look that waits adds itself to `rearmed`, which the caller sends.
    """
    look = _Look(command, store, timers, policy, clock)
    for _ in range(TRIES):
        study = store.studies.study(command.study_uid)
        if study is None or study.generation != command.generation or study.state is StudyState.READY:
            return SettleChecked("stale")
        rows = store.studies.unfolded(command.study_uid, ROWS_A_FOLD)
        if study.state is StudyState.SETTLING and not rows:
            name = f"{execution_name}-{_period(study, clock.now())}"
            workflows.settle_study(name, command, large=is_large(study))
            return SettleChecked("settling")
        if study.state is StudyState.SETTLING or len(rows) == ROWS_A_FOLD or fitting(rows) != rows:
            look.count_now()
            continue
        decision = look.decide(fold_study(study, rows, ()) if rows else study, clock.now())
        if not decision.settle:
            rearmed.add(command, decision.wait_seconds)
            return SettleChecked("waiting", decision.wait_seconds)
        _try_to_win(study, rows, store)
    raise LostRaceError("looking at a generation lost its race every time")


def _try_to_win(study: Study, rows: tuple[CommitRow, ...], store: Datastore) -> None:
    """Take the generation with all that was found, unless another writer was faster: the next look tells.

    That look finds, too, what was committed just before the generation was taken: whoever was to fold it may have read
    the study as receiving and left it to this timer. What comes later meets a settling study and is folded at once.
    """
    fold = plan_fold(study, rows, store) if rows else Fold(replace(study, version=study.version + 1), study.version)
    with suppress(LostRaceError):
        store.studies.fold(replace(fold, study=begin_settling(fold.study)))


def is_large(study: Study) -> bool:
    """Whether compacting a study may take longer than the Express machine runs."""
    return study.counts.instances > LARGE_STUDY or study.counts.stored_bytes > LARGE_BYTES


def _period(study: Study, now: datetime) -> int:
    return (now - parse_time(study.generation_started_at)) // RESTART_AFTER

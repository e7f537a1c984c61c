"""Fold what was committed into the study, and see to it that one settle timer is alive.

A fold costs the same for one commit as for many. So a receiving study is folded when its newest counted image is
two quiet periods old; what comes between is counted by the next fold, or by the settle timer before it decides.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from dicomlake.domain.change import corrections
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.correction import held_at
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.events import SettleStudy
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import DatastoreId, JsonObject, SeriesUid, StudyUid
from dicomlake.domain.search_keys import SearchKey, open_key, search_keys
from dicomlake.domain.study import (
    Series,
    SettlePolicy,
    Study,
    StudyState,
    fold_series,
    fold_study,
    format_time,
    has_timer,
    may_wait,
    overlaid,
    timer_until,
)
from dicomlake.ports import Clock, Datastore, Fold, WorkQueue

TRIES = 8
"""How often a fold that lost its race is read and tried again before the message goes back to its queue."""

ROWS_A_FOLD = 28
SERIES_A_FOLD = 40
"""Commit rows a fold consumes, series and modalities it touches: with the study, 28 other search rows added and 2
dropped, 99 actions. One row alone always fits: its commit has 33 instances at most."""


@dataclass(frozen=True, slots=True)
class StudyTracked:
    """Fact: how many commit rows were folded, the study as it is now, and whether no row was left."""

    folded: int
    study: Study | None
    complete: bool = True


def studies_to_fold(
    study_uids: Sequence[StudyUid], store: Datastore, policy: SettlePolicy, clock: Clock
) -> tuple[StudyUid, ...]:
    """Return those of the studies whose new commits have to be folded now, not by the settle timer.

    To be asked after the commits: a study that is read as receiving then has a settle look ahead that sees them.
    """
    held, now = store.studies.studies(study_uids), clock.now()
    return tuple(uid for uid in study_uids if uid not in held or not may_wait(held[uid], policy, now))


def track_study(
    datastore_id: DatastoreId,
    study_uid: StudyUid,
    store: Datastore,
    timers: WorkQueue,
    policy: SettlePolicy,
    clock: Clock,
    out_of_time: Callable[[], bool],
) -> StudyTracked:
    """Fold commit rows of a study into its counts while there is time, and arm its settle timer if none is alive.

    One fold is made whatever the time, so that a study of any number of rows gets on.
    """
    folded = 0
    while True:
        rows, study, complete = _fold_once(study_uid, store)
        folded += rows
        if complete or out_of_time():
            break
    if study is not None and study.state is StudyState.RECEIVING:
        study = _arm_timer(datastore_id, study, store, timers, policy, clock)
    return StudyTracked(folded, study, complete)


def count_now(study_uid: StudyUid, store: Datastore, out_of_time: Callable[[], bool]) -> None:
    """Fold what is not counted yet, while there is time: for who wants a change to be seen at once."""
    while not _fold_once(study_uid, store)[2]:
        if out_of_time():
            return


def _fold_once(study_uid: StudyUid, store: Datastore) -> tuple[int, Study | None, bool]:
    """Fold what one transaction takes; say how many rows, and whether they were all: what comes later is told of."""
    for _ in range(TRIES):
        study = store.studies.study(study_uid)
        found = store.studies.unfolded(study_uid, ROWS_A_FOLD)
        rows = fitting(found)
        complete = len(rows) == len(found) < ROWS_A_FOLD
        if not rows:
            return 0, study, complete
        fold = plan_fold(study, rows, store)
        try:
            store.studies.fold(fold)
        except LostRaceError:
            continue
        return len(rows), fold.study, complete
    raise LostRaceError("folding a study lost its race every time")


def fitting(rows: tuple[CommitRow, ...]) -> tuple[CommitRow, ...]:
    """As many rows as touch no more series and modalities than one transaction takes; always at least one."""
    touched: set[str] = set()
    for count, row in enumerate(rows):
        touched |= {name for share in row.series for name in (share.series_uid, share.modality)}
        if count and len(touched) > SERIES_A_FOLD:
            return rows[:count]
    return rows


def plan_fold(study: Study | None, rows: tuple[CommitRow, ...], store: Datastore) -> Fold:
    """Return the fold of rows that were read after the study: the other way round they may be counted already."""
    known = store.studies.series(rows[0].study_uid) if study and rows[0].study_uid else ()
    touched = fold_series(known, rows)
    updated = {series.series_uid: series for series in (*known, *touched)}
    after = fold_study(study, rows, tuple(updated.values()))
    if study is not None and _refills(study, known, touched):
        after, touched = _corrected(after, touched, store)
    before_keys = _found_by(study) if study else set()
    after_keys = _found_by(after)
    return Fold(
        study=replace(after, version=after.version + 1),
        expected_version=study.version if study else 0,
        series=touched,
        consumed=tuple(row.commit_id for row in rows),
        add_keys=_sorted(after_keys - before_keys),
        drop_keys=_sorted(before_keys - after_keys),
    )


def _refills(study: Study, known: Sequence[Series], touched: Sequence[Series]) -> bool:
    """Whether something comes in where all was deleted: its attributes are as it was packed, without corrections."""
    empty = {series.series_uid for series in known if series.counts.instances <= 0}
    return study.counts.instances <= 0 or any(series.series_uid in empty for series in touched)


def _corrected(study: Study, touched: tuple[Series, ...], store: Datastore) -> tuple[Study, tuple[Series, ...]]:
    """Return study and series with the corrections that stand over them."""
    over: dict[SeriesUid | None, JsonObject] = defaultdict(dict)
    for one in corrections(store.changes.history(study.study_uid)):
        if one.scope.instance_uid is None:
            level = QueryLevel.STUDY if one.scope.series_uid is None else QueryLevel.SERIES
            over[one.scope.series_uid] |= held_at(one.values, level)
    series = (replace(one, attributes=overlaid(one.attributes, over[one.series_uid])) for one in touched)
    return replace(study, attributes=overlaid(study.attributes, over[None])), tuple(series)


def _found_by(study: Study) -> set[SearchKey]:
    """The rows a study is found by: none where all it had was deleted. One that is not ready is also listed as open,
    for who looks after stuck ones."""
    keys = set(search_keys(study)) if study.counts.instances > 0 else set()
    return keys if study.state is StudyState.READY else keys | {open_key(study)}


def _sorted(keys: set[SearchKey]) -> tuple[SearchKey, ...]:
    return tuple(sorted(keys, key=lambda key: (key.partition, key.sort)))


def _arm_timer(
    datastore_id: DatastoreId,
    study: Study,
    store: Datastore,
    timers: WorkQueue,
    policy: SettlePolicy,
    clock: Clock,
) -> Study:
    """Send first, then note it: a crash in between costs a second timer, never a study without one."""
    now = clock.now()
    if has_timer(study, now) and not _declared_reached(study):
        return study
    delay = 0 if _declared_reached(study) else max(1, round(policy.quiet_seconds))
    timers.send([SettleStudy(datastore_id, study.study_uid, study.generation)], min(900, delay))
    until = timer_until(study, policy, now + timedelta(seconds=delay))
    armed = replace(study, timer_due=format_time(until), version=study.version + 1)
    try:
        store.studies.fold(Fold(armed, expected_version=study.version))
    except LostRaceError:
        return study
    return armed


def _declared_reached(study: Study) -> bool:
    return study.declared is not None and study.counts.instances >= study.declared

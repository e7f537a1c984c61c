"""Laws of the index: whatever the order, the repetition and the number of writers, the result is the same."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from dicomlake.domain.commit import Commit, CommitRow
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import Outcome, StudyUid
from dicomlake.ports import Datastore, all_instances
from tests.builders import Builder, counts_of, recommitted
from tests.contract.test_study_index import fold_all

WRITERS = 4


def deliveries(commits: Sequence[Commit], builder: Builder, seed: int) -> list[Commit]:
    """Every commit two or three times, each delivery under a commit id of its own, shuffled."""
    order = random.Random(seed)  # noqa: S311
    found = [recommitted(commit, builder.hex()) for commit in commits for _ in range(order.choice((2, 3)))]
    order.shuffle(found)
    return found


def in_parallel(work: Sequence[Commit], act: object) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(act, work))  # type: ignore[arg-type]


def persistently(store: Datastore, commit: Commit) -> None:
    """Commit as a queue would: until it stands or is decided."""
    while True:
        try:
            store.instances.commit(commit)
        except LostRaceError:
            continue
        return


def fold_until_done(store: Datastore, study_uid: StudyUid) -> None:
    while store.studies.unfolded(study_uid):
        try:
            fold_all(store, study_uid)
        except LostRaceError:
            continue


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_doubled_parallel_commits_give_the_same_index_and_counts(store: Datastore, seed: int) -> None:
    builder = Builder(seed)
    study_uid = builder.study_uid()
    commits = [builder.commit(builder.slices(4, study_uid, series=2)) for _ in range(6)]
    records = [record for commit in commits for record in commit.records]

    in_parallel(deliveries(commits, builder, seed), lambda commit: persistently(store, commit))

    assert sorted(all_instances(store.instances, study_uid, None), key=lambda r: r.key) == sorted(
        records, key=lambda r: r.key
    )
    rows = store.studies.unfolded(study_uid)
    assert len(rows) == len(commits)
    assert sum((row.counts for row in rows), counts_of([])) == counts_of(records)


@pytest.mark.parametrize("seed", range(3))
def test_parallel_redelivered_folds_count_to_the_unit(store: Datastore, seed: int) -> None:
    builder = Builder(seed)
    study_uid = builder.study_uid()
    commits = [builder.commit(builder.slices(3, study_uid)) for _ in range(6)]

    def commit_and_fold(commit: Commit) -> None:
        persistently(store, commit)
        fold_until_done(store, study_uid)

    in_parallel(deliveries(commits, builder, seed), commit_and_fold)

    study = store.studies.study(study_uid)
    assert study is not None
    assert study.counts == counts_of([record for commit in commits for record in commit.records])
    assert study.tally == Tally(stored=18)
    assert study.series_count == 6


@pytest.mark.parametrize("seed", range(3))
def test_parallel_redelivered_appends_leave_no_gap_and_number_nothing_twice(store: Datastore, seed: int) -> None:
    builder = Builder(seed)
    commits = [builder.ended(Outcome.QUARANTINED) for _ in range(20)]
    order = random.Random(seed)  # noqa: S311
    batches: list[list[CommitRow]] = [order.sample([c.row for c in commits], 7) for _ in range(12)]
    wanted = {row.commit_id for batch in batches for row in batch}

    def append(batch: list[CommitRow]) -> None:
        while True:
            try:
                store.feed.append(batch)
            except LostRaceError:
                continue
            return

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(append, batches))

    changes = store.feed.read(0, 1000)
    assert [change.number for change in changes] == list(range(1, len(wanted) + 1))
    assert {change.row.commit_id for change in changes} == wanted
    assert store.feed.head().tally == Tally(quarantined=len(wanted))


@pytest.mark.parametrize("seed", range(3))
def test_two_writers_of_the_same_instances_store_them_once(store: Datastore, seed: int) -> None:
    builder = Builder(seed)
    records = builder.slices(5)
    rivals = [builder.commit(records[:3]), builder.commit(records[2:]), builder.commit(records)]

    with ThreadPoolExecutor(WRITERS) as pool:
        results = list(pool.map(store.instances.commit, rivals))

    stood = [commit for commit, clashes in zip(rivals, results, strict=True) if not clashes]
    stored = {record.key for commit in stood for record in commit.records}
    found = list(all_instances(store.instances, records[0].key.study_uid, None))
    assert {record.key for record in found} == stored
    assert sum(row.tally.stored for row in store.studies.unfolded(records[0].key.study_uid)) == len(found)

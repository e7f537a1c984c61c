"""What every StudyIndex promises: exact folds, rows to find studies by, and marks of what is under way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dicomlake.adapters.dynamodb import dynamodb_datastore
from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.errors import InvalidRequestError, LostRaceError
from dicomlake.domain.model import Counts, Outcome, SeriesUid, StudyUid
from dicomlake.domain.study import Series, Study, StudyState, fold_series, fold_study
from dicomlake.ports import Datastore, Fold, SearchHit, SearchKey
from tests.builders import Builder, study_attributes
from tests.contract.conftest import Aws

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def fold_all(store: Datastore, study_uid: StudyUid) -> Study:
    """Fold what is unfolded, as track_study does; another writer may have been faster."""
    study, rows = store.studies.study(study_uid), store.studies.unfolded(study_uid)
    if not rows:
        raise LostRaceError("nothing is left to fold")
    known = store.studies.series(study_uid)
    touched = fold_series(known, rows)
    merged = {series.series_uid: series for series in (*known, *touched)}
    after = fold_study(study, rows, tuple(merged.values()))
    version = study.version if study else 0
    fold = Fold(replace(after, version=version + 1), version, touched, tuple(row.commit_id for row in rows))
    store.studies.fold(fold)
    return fold.study


def saved(store: Datastore, study: Study, *keys: SearchKey) -> Study:
    """Write a study with its search rows."""
    following = replace(study, version=study.version + 1)
    store.studies.fold(Fold(following, study.version, add_keys=keys))
    return following


def test_a_fold_consumes_its_rows_and_counts_them_once(store: Datastore, builder: Builder) -> None:
    study_uid = builder.study_uid()
    for count in (3, 4):
        store.instances.commit(builder.commit(builder.slices(count, study_uid, series=2)))

    study = fold_all(store, study_uid)

    assert store.studies.study(study_uid) == study
    assert (study.counts.instances, study.tally.stored, study.series_count) == (7, 7, 4)
    assert study.attributes == study_attributes(study_uid)
    assert store.studies.unfolded(study_uid) == ()
    series = store.studies.series(study_uid)
    assert [one.series_uid for one in series] == sorted(one.series_uid for one in series)
    assert sum((one.counts for one in series), Counts()) == study.counts


def test_a_fold_under_an_old_version_is_a_lost_race_and_writes_nothing(store: Datastore, builder: Builder) -> None:
    study = saved(store, Study(builder.study_uid()))
    stale = Fold(
        replace(study, version=1, state=StudyState.READY),
        0,
        (Series(builder.series_uid()),),
        (),
        (SearchKey("p", "s"),),
    )

    with pytest.raises(LostRaceError):
        store.studies.fold(stale)

    assert store.studies.study(study.study_uid) == study
    assert store.studies.series(study.study_uid) == ()
    assert store.studies.search("p").items == ()


def test_a_fold_of_rows_that_are_gone_is_a_lost_race(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(2))
    store.instances.commit(commit)
    study = fold_all(store, commit.records[0].key.study_uid)

    with pytest.raises(LostRaceError):
        store.studies.fold(Fold(replace(study, version=2), 1, consumed=(commit.row.commit_id,)))

    assert store.studies.study(study.study_uid) == study


def test_a_fold_that_skips_a_version_is_refused(store: Datastore, builder: Builder) -> None:
    with pytest.raises(ValueError, match="plus one"):
        store.studies.fold(Fold(Study(builder.study_uid(), version=2), 0))


def test_a_fold_takes_100_actions_and_no_more(store: Datastore, builder: Builder) -> None:
    study = Study(builder.study_uid(), version=1)
    keys = tuple(SearchKey("p", f"{number:03d}") for number in range(100))

    store.studies.fold(Fold(study, 0, add_keys=keys[:99]))

    assert len(store.studies.search("p").items) == 99
    with pytest.raises(ValueError, match="100 actions"):
        store.studies.fold(Fold(replace(study, version=2), 1, add_keys=keys))


def test_unfolded_rows_come_as_many_as_asked_for(store: Datastore, builder: Builder) -> None:
    study_uid = builder.study_uid()
    rows = {(c := builder.commit(builder.slices(1, study_uid))).row.commit_id: c for _ in range(4)}
    for commit in rows.values():
        store.instances.commit(commit)

    found = store.studies.unfolded(study_uid, 3)

    assert len(found) == 3
    assert all(row == rows[row.commit_id].row for row in found)


def test_a_row_without_a_study_waits_in_no_study(store: Datastore, builder: Builder) -> None:
    store.instances.commit(builder.ended(Outcome.QUARANTINED))

    assert store.studies.unfolded(StudyUid("")) == ()


def test_metadata_of_a_series_and_its_counts_do_not_undo_each_other(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(2))
    store.instances.commit(commit)
    study = fold_all(store, commit.records[0].key.study_uid)
    (read,) = store.studies.series(study.study_uid)
    late = builder.record(builder.instance_key(study.study_uid, read.series_uid))
    store.instances.commit(builder.commit([late]))

    store.studies.save_series(
        study.study_uid, replace(read, metadata_key="meta/1", metadata_instances=2, packs=("p",), findings=("gap",))
    )
    fold_all(store, study.study_uid)
    (after,) = store.studies.series(study.study_uid)
    store.studies.save_series(study.study_uid, replace(read, metadata_key="meta/2", metadata_instances=3, packs=("q",)))

    assert (after.counts.instances, after.metadata_key, after.packs, after.findings) == (3, "meta/1", ("p",), ("gap",))
    assert store.studies.series(study.study_uid) == (
        replace(after, metadata_key="meta/2", metadata_instances=3, packs=("q",), findings=()),
    )


def test_metadata_of_a_series_without_a_fold_makes_its_row(store: Datastore, builder: Builder) -> None:
    study_uid, series_uid = builder.study_uid(), builder.series_uid()

    store.studies.save_series(study_uid, Series(series_uid, metadata_key="meta", metadata_instances=1))

    assert store.studies.series(study_uid) == (Series(series_uid, metadata_key="meta", metadata_instances=1),)


def test_studies_are_looked_up_many_at_a_time(store: Datastore, builder: Builder) -> None:
    studies = [saved(store, Study(builder.study_uid())) for _ in range(3)]

    found = store.studies.studies([*(study.study_uid for study in studies), builder.study_uid()])

    assert found == {study.study_uid: study for study in studies}


def test_a_search_lists_a_partition_in_sort_order_both_ways(store: Datastore, builder: Builder) -> None:
    texts = ["20260301", "20260302", "2026", "", "A B", "A", "A#", "ÄB", "山田", "A"]
    studies = [saved(store, Study(builder.study_uid()), SearchKey("p", text)) for text in texts]
    saved(store, Study(builder.study_uid()), SearchKey("p2", "A"), SearchKey("", "A"))

    up, down = store.studies.search("p"), store.studies.search("p", newest_first=True)

    expected = sorted((text, study.study_uid) for text, study in zip(texts, studies, strict=True))
    assert [(hit.key.sort, hit.study_uid) for hit in up.items] == expected
    assert list(down.items) == list(reversed(up.items))
    assert up.read == len(texts)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("B", "", ["B", "B1", "C"]),
        ("", "B", ["A", "B"]),
        ("B", "B", ["B"]),
        ("A1", "B~", ["B", "B1"]),
        ("D", "", []),
        ("C", "A", []),
    ],
)
def test_a_search_range_includes_both_ends(
    store: Datastore, builder: Builder, low: str, high: str, expected: list[str]
) -> None:
    for text in ["A", "B", "B1", "C"]:
        saved(store, Study(builder.study_uid()), SearchKey("p", text))

    assert [hit.key.sort for hit in store.studies.search("p", low, high).items] == expected


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_a_search_hold_every_hit_once(store: Datastore, builder: Builder, newest_first: bool) -> None:
    for number in range(7):
        saved(store, Study(builder.study_uid()), SearchKey("p", f"2026030{number // 2}"))
    whole = store.studies.search("p", newest_first=newest_first).items

    found: list[SearchHit] = []
    after = ""
    while True:
        page = store.studies.search("p", newest_first=newest_first, after=after, limit=2)
        found += page.items
        after = page.after
        if not after:
            break

    assert tuple(found) == whole


def test_a_continuation_of_another_listing_is_refused(moto_aws: Aws, builder: Builder) -> None:
    store = dynamodb_datastore(moto_aws.table("index"), "index", MemoryObjectStore("lake"))

    for wrong in ("A", "Z", "20260301"):
        with pytest.raises(InvalidRequestError, match="continuation"):
            store.studies.search("p", "B", "C", after=wrong)


def test_search_rows_are_dropped_and_one_both_dropped_and_added_stays(store: Datastore, builder: Builder) -> None:
    old, kept, new = SearchKey("p", "old"), SearchKey("p", "kept"), SearchKey("p", "new")
    study = saved(store, Study(builder.study_uid()), old, kept)

    store.studies.fold(Fold(replace(study, version=2), 1, add_keys=(kept, new), drop_keys=(old, kept)))

    assert [hit.key for hit in store.studies.search("p").items] == [kept, new]


def test_a_sort_text_longer_than_a_key_takes_is_refused(store: Datastore, builder: Builder) -> None:
    with pytest.raises(ValueError, match="900 bytes"):
        saved(store, Study(builder.study_uid()), SearchKey("p", "山" * 301))


def test_objects_under_way_count_until_they_end_or_expire(store: Datastore, builder: Builder) -> None:
    study_uid, works = builder.study_uid(), [builder.ledger_key() for _ in range(3)]
    for work, minutes in zip(works, (1, 2, 3), strict=True):
        store.studies.begin_pending(study_uid, work, NOW + timedelta(minutes=minutes))
    store.studies.begin_pending(study_uid, works[2], NOW + timedelta(minutes=4))
    store.studies.begin_pending(builder.study_uid(), works[0], NOW + timedelta(minutes=9))

    store.studies.end_pending(study_uid, works[1])
    store.studies.end_pending(study_uid, works[1])

    assert store.studies.pending(study_uid, NOW) == 2
    assert store.studies.pending(study_uid, NOW + timedelta(minutes=1)) == 1
    assert store.studies.pending(study_uid, NOW + timedelta(minutes=4)) == 0


def test_a_study_comes_back_with_every_field(store: Datastore, builder: Builder) -> None:
    study = Study(
        builder.study_uid(),
        StudyState.SETTLING,
        generation=3,
        attributes=study_attributes(builder.study_uid()),
        counts=Counts(2**40, 2**33, 2**62, 1),
        modalities=("CT", "SR"),
        sop_classes=("1.2", "1.3"),
        declared=0,
        timer_due="2026-03-01T10:00:00.000Z",
    )

    written = saved(store, study)

    assert store.studies.study(study.study_uid) == written
    assert store.studies.study(StudyUid(SeriesUid("1.2.3"))) is None


def test_a_study_link_is_kept_until_it_expires_or_is_dropped(store: Datastore, builder: Builder) -> None:
    first, second = "a" * 32, "b" * 32
    for link in (first, second):
        store.studies.keep_link(link, NOW + timedelta(minutes=5))

    store.studies.drop_link(first)
    store.studies.drop_link(first)

    assert not store.studies.is_link_kept(first, NOW)
    assert store.studies.is_link_kept(second, NOW + timedelta(minutes=4))
    assert not store.studies.is_link_kept(second, NOW + timedelta(minutes=5))
    assert not store.studies.is_link_kept("c" * 32, NOW)

"""What every InstanceIndex promises: the commit is the point at which readers see instances."""

from dataclasses import replace

import pytest

from dicomlake.domain.commit import ClashKind, Commit, Location
from dicomlake.domain.model import (
    InstanceKey,
    InstanceRecord,
    JsonObject,
    Outcome,
    PackPointer,
    SeriesUid,
    Visibility,
    Warned,
)
from dicomlake.ports import Datastore, all_instances
from tests.builders import Builder, recommitted


def test_a_commit_shows_in_index_ledger_and_unfolded_rows(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(3, series=2))

    clashes = store.instances.commit(commit)

    assert clashes == ()
    assert [store.instances.instance(r.key) for r in commit.records] == list(commit.records)
    assert store.ledger.entries([e.key for e in commit.entries]) == {e.key: e for e in commit.entries}
    assert store.studies.unfolded(commit.records[0].key.study_uid) == (commit.row,)


def test_the_same_commit_twice_is_decided_and_changes_nothing(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(3))
    store.instances.commit(commit)

    clashes = store.instances.commit(recommitted(commit, builder.hex()))

    assert [(c.position, c.kind) for c in clashes] == [(i, ClashKind.DECIDED) for i in range(3)]
    assert store.studies.unfolded(commit.records[0].key.study_uid) == (commit.row,)


def test_a_commit_with_one_clash_writes_nothing(store: Datastore, builder: Builder) -> None:
    first = builder.commit(builder.slices(2))
    store.instances.commit(first)
    fresh = builder.slices(2, first.records[0].key.study_uid)
    second = builder.commit([fresh[0], replace(first.records[1], ledger=builder.ledger_key()), fresh[1]])

    clashes = store.instances.commit(second)

    assert [(c.position, c.kind, c.held) for c in clashes] == [(1, ClashKind.HELD, first.records[1])]
    assert store.instances.instance(fresh[0].key) is None
    assert store.instances.locate(fresh[1].key.instance_uid) is None
    assert store.ledger.entries([e.key for e in second.entries]) == {}
    assert len(store.studies.unfolded(first.records[0].key.study_uid)) == 1


def test_every_clash_of_a_commit_is_told(store: Datastore, builder: Builder) -> None:
    held = builder.commit(builder.slices(3))
    store.instances.commit(held)
    decided, same_key, elsewhere = held.records
    other_study = InstanceKey(builder.study_uid(), builder.series_uid(), elsewhere.key.instance_uid)
    commit = builder.commit(
        [
            decided,
            builder.record(),
            replace(same_key, ledger=builder.ledger_key()),
            replace(elsewhere, key=other_study, ledger=builder.ledger_key()),
        ]
    )

    clashes = store.instances.commit(commit)

    assert [(c.position, c.kind) for c in clashes] == [
        (0, ClashKind.DECIDED),
        (2, ClashKind.HELD),
        (3, ClashKind.ELSEWHERE),
    ]
    assert clashes[2].held == elsewhere


def test_a_sop_instance_in_another_series_of_the_study_is_elsewhere(store: Datastore, builder: Builder) -> None:
    held = builder.commit(builder.slices(1))
    store.instances.commit(held)
    key = replace(held.records[0].key, series_uid=builder.series_uid())
    moved = replace(held.records[0], key=key, ledger=builder.ledger_key())

    (clash,) = store.instances.commit(builder.commit([moved]))

    assert (clash.kind, clash.held) == (ClashKind.ELSEWHERE, held.records[0])


def test_a_pending_entry_is_no_clash(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(1))
    store.ledger.note_pending(replace(commit.entries[0], outcome=Outcome.PENDING, instance=None, steps=()))

    assert store.instances.commit(commit) == ()
    assert store.ledger.entry(commit.entries[0].key) == commit.entries[0]


def test_a_commit_of_33_instances_fits_one_transaction(store: Datastore, builder: Builder) -> None:
    commit = builder.commit(builder.slices(33))

    assert store.instances.commit(commit) == ()
    assert len(store.instances.instances(commit.records[0].key.study_uid).items) == 33


def test_objects_may_end_without_a_record_beside_those_with_one(store: Datastore, builder: Builder) -> None:
    stored, duplicates = builder.commit(builder.slices(2)), builder.ended(Outcome.DUPLICATE, 2)
    commit = Commit(stored.row, stored.entries + duplicates.entries, stored.records)

    assert store.instances.commit(commit) == ()
    assert [c.kind for c in store.instances.commit(commit)] == [ClashKind.DECIDED] * 4


@pytest.mark.parametrize("twice", ["object", "instance"])
def test_a_commit_that_names_something_twice_is_refused(store: Datastore, builder: Builder, twice: str) -> None:
    record = builder.record()
    other = builder.record(record.key) if twice == "instance" else replace(builder.record(), ledger=record.ledger)

    with pytest.raises(ValueError, match="once"):
        store.instances.commit(builder.commit([record, other]))


def test_instances_come_in_key_order_page_by_page(store: Datastore, builder: Builder) -> None:
    records = builder.slices(12, series=3)
    study_uid, series_uid = records[0].key.study_uid, records[0].key.series_uid
    store.instances.commit(builder.commit(records))
    store.instances.commit(builder.commit(builder.slices(2)))

    first = store.instances.instances(study_uid, limit=5)
    second = store.instances.instances(study_uid, after=first.after, limit=5)
    third = store.instances.instances(study_uid, after=second.after, limit=5)

    keys = [r.key for page in (first, second, third) for r in page.items]
    assert keys == sorted(r.key for r in records)
    assert (first.read, third.read, third.after) == (5, 2, "")
    own = [r.key for r in all_instances(store.instances, study_uid, series_uid)]
    assert own == sorted(r.key for r in records if r.key.series_uid == series_uid)


def test_a_series_whose_uid_begins_another_lists_only_its_own(store: Datastore, builder: Builder) -> None:
    study_uid = builder.study_uid()
    short = builder.record(builder.instance_key(study_uid, SeriesUid("1.2.3")))
    long = builder.record(builder.instance_key(study_uid, SeriesUid("1.2.34")))
    store.instances.commit(builder.commit([short, long]))

    assert store.instances.instances(study_uid, short.key.series_uid).items == (short,)


def test_nothing_is_found_where_nothing_was_committed(store: Datastore, builder: Builder) -> None:
    key = builder.instance_key()

    assert store.instances.instance(key) is None
    assert store.instances.locate(key.instance_uid) is None
    assert store.instances.instances(key.study_uid).items == ()


def test_a_sop_instance_is_located_by_its_uid_alone(store: Datastore, builder: Builder) -> None:
    record = builder.record()
    store.instances.commit(builder.commit([record]))

    found = store.instances.locate(record.key.instance_uid)

    assert found == Location(record.key.study_uid, record.key.series_uid, record.key.instance_uid)


def test_moving_a_pointer_changes_the_pointer_and_nothing_else(store: Datastore, builder: Builder) -> None:
    record = replace(builder.record(), warnings=(Warned("odd-length", "0010,0010"),))
    store.instances.commit(builder.commit([record]))
    to = PackPointer("packs/compacted.dlp", 149, (7, 11), 13, 17)

    assert store.instances.move([(record, to)])
    assert store.instances.instance(record.key) == replace(record, pointer=to)


def test_a_pointer_moves_only_if_pack_and_version_stand_as_read(store: Datastore, builder: Builder) -> None:
    record = builder.record()
    store.instances.commit(builder.commit([record]))
    first, second = builder.pointer(), builder.pointer()

    assert store.instances.move([(record, first)])
    assert not store.instances.move([(record, second)])
    assert not store.instances.move([(replace(record, pointer=first, version=2), second)])
    assert not store.instances.move([(builder.record(), second)])
    assert store.instances.instance(record.key) == replace(record, pointer=first)


def test_what_is_hard_to_write_down_is_read_back_exactly(store: Datastore, builder: Builder) -> None:
    attributes: JsonObject = {
        "00281053": {"vr": "DS", "Value": [0.1, 1e-300, 123456789012345678, -0.0, 2**53 + 1, 1e22]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Ångström^Å", "Ideographic": "山田^太郎\x1b\ud800"}]},
        "00080005": {"vr": "CS"},
        "00081140": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [None, ""]}}]},
    }
    record = replace(builder.record(), attributes=attributes, instance_number=None)
    store.instances.commit(builder.commit([record]))

    found = store.instances.instance(record.key)

    assert found is not None
    assert found == record
    assert repr(found.attributes) == repr(attributes)


def beside(builder: Builder, record: InstanceRecord) -> InstanceRecord:
    """Other content under the same key, to be kept beside."""
    return replace(record, ledger=builder.ledger_key(), content_digest=builder.hex(), visibility=Visibility.NON_PRIMARY)


def test_a_record_beside_clashes_with_its_own_content_only_and_is_not_listed(
    store: Datastore, builder: Builder
) -> None:
    primary = builder.record()
    store.instances.commit(builder.commit([primary]))
    first, second = beside(builder, primary), beside(builder, primary)

    assert store.instances.commit(builder.commit([first])) == ()
    assert store.instances.commit(builder.commit([second])) == ()
    (clash,) = store.instances.commit(builder.commit([replace(first, ledger=builder.ledger_key())]))
    assert (clash.position, clash.kind, clash.held) == (0, ClashKind.HELD, first)
    assert store.instances.instance(primary.key) == primary
    assert store.instances.instances(primary.key.study_uid).items == (primary,)
    assert store.instances.standing([second, builder.record(), first, primary]) == (second, first, primary)


def test_one_commit_may_hold_the_primary_record_and_one_beside_it(store: Datastore, builder: Builder) -> None:
    primary, other = builder.record(), builder.record()
    kept = beside(builder, primary)
    store.instances.commit(builder.commit([other]))
    rival = replace(other, ledger=builder.ledger_key())

    assert store.instances.commit(builder.commit([kept, primary])) == ()
    assert store.instances.standing([kept, primary]) == (kept, primary)
    (clash,) = store.instances.commit(builder.commit([beside(builder, other), rival]))
    assert (clash.position, clash.kind, clash.held) == (1, ClashKind.HELD, other)


def test_a_record_beside_is_decided_by_its_ledger_entry(store: Datastore, builder: Builder) -> None:
    commit = builder.commit([beside(builder, builder.record())])
    store.instances.commit(commit)

    assert [clash.kind for clash in store.instances.commit(commit)] == [ClashKind.DECIDED]
    assert store.instances.locate(commit.records[0].key.instance_uid) is None


def test_a_pointer_beside_moves_without_the_primary_one(store: Datastore, builder: Builder) -> None:
    primary = builder.record()
    kept = beside(builder, primary)
    store.instances.commit(builder.commit([primary, kept]))
    to = builder.pointer()

    assert store.instances.move([(kept, to)])
    assert store.instances.standing([primary, kept]) == (primary, replace(kept, pointer=to))


def test_of_many_moves_those_whose_record_changed_meanwhile_are_left_out(store: Datastore, builder: Builder) -> None:
    study, series = builder.study_uid(), builder.series_uid()
    records = [builder.record(builder.instance_key(study, series)) for _ in range(33)]
    store.instances.commit(builder.commit(records))
    stale = [replace(record, version=7) for record in records[:5]]

    moved = store.instances.move([(record, builder.pointer("new")) for record in [*stale, *records[5:]]])

    assert moved == 28
    packs = [record.pointer.pack for record in store.instances.instances(study).items]
    assert packs.count("new") == 28

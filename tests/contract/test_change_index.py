"""What a change index promises, on every adapter: one change a study, steps that stand whole or not at all."""

from dataclasses import replace

import pytest

from dicomlake.domain.change import ChangeKind, Scope, StudyChange, hidden, shown
from dicomlake.domain.commit import ClashKind, Commit
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.model import InstanceRecord, PackPointer, Visibility
from dicomlake.ports import ChangeStep, Datastore, RowChange
from tests.builders import AT, Builder

LATER = "2026-11-22T12:00:00.000Z"


def change_of(record: InstanceRecord, kind: ChangeKind = ChangeKind.DELETE, name: str = "a") -> StudyChange:
    return StudyChange(name * 32, kind, Scope(record.key.study_uid), AT, "arn:aws:iam::1:role/x", "because")


def stored(store: Datastore, builder: Builder, count: int = 2) -> tuple[InstanceRecord, ...]:
    records = tuple(builder.slices(count))
    assert store.instances.commit(builder.commit(records)) == ()
    return records


def deletion(change: StudyChange, *records: InstanceRecord) -> ChangeStep:
    rows = tuple(RowChange(one, hidden(one, AT)) for one in records)
    return ChangeStep(change, rows, (records[0].key.series_uid,), written=change.ended(1, len(rows)))


def test_a_study_is_under_one_change_at_a_time(store: Datastore, builder: Builder) -> None:
    (record,) = stored(store, builder, 1)
    change = change_of(record)

    store.changes.begin(change)

    with pytest.raises(LostRaceError):
        store.changes.begin(change_of(record, name="b"))
    assert store.changes.under_way(record.key.study_uid) == change


def test_the_last_step_hides_rows_ends_the_change_and_stands_in_the_history(store: Datastore, builder: Builder) -> None:
    one, two = stored(store, builder)
    change = change_of(one)
    store.changes.begin(change)

    store.changes.carry(deletion(change, one, two))

    assert store.changes.under_way(one.key.study_uid) is None
    assert store.changes.history(one.key.study_uid) == (change.ended(1, 2),)
    assert store.instances.instance(one.key) == hidden(one, AT)
    (series,) = store.studies.series(one.key.study_uid)
    assert series.changes == 1


def test_a_step_is_made_once(store: Datastore, builder: Builder) -> None:
    one, two = stored(store, builder)
    change = change_of(one)
    store.changes.begin(change)
    step = ChangeStep(change, (RowChange(one, hidden(one, AT)),), following=change.continued("x", 1))

    store.changes.carry(step)

    with pytest.raises(LostRaceError):
        store.changes.carry(step)
    assert store.changes.under_way(one.key.study_uid) == change.continued("x", 1)
    assert store.instances.instance(two.key) == two


def test_a_step_on_a_row_that_was_changed_meanwhile_changes_nothing(store: Datastore, builder: Builder) -> None:
    one, two = stored(store, builder)
    change = change_of(one)
    store.changes.begin(change)

    with pytest.raises(LostRaceError):
        store.changes.carry(deletion(change, two, replace(one, version=7)))

    assert store.instances.instance(two.key) == two
    assert store.changes.history(one.key.study_uid) == ()


def test_a_hidden_row_keeps_the_place_that_compaction_gave_it_meanwhile(store: Datastore, builder: Builder) -> None:
    (one,) = stored(store, builder, 1)
    change, moved = change_of(one), PackPointer("packs/other.pack", 3)
    store.changes.begin(change)
    assert store.instances.move([(one, moved)]) == 1

    store.changes.carry(deletion(change, one))

    assert store.instances.instance(one.key) == replace(hidden(one, AT), pointer=moved)
    assert store.instances.move([(one, PackPointer("packs/third.pack", 1))]) == 0


def deleted(store: Datastore, record: InstanceRecord) -> InstanceRecord:
    change = change_of(record)
    store.changes.begin(change)
    store.changes.carry(deletion(change, record))
    return hidden(record, AT)


def test_a_new_instance_takes_the_place_of_a_tombstone(store: Datastore, builder: Builder) -> None:
    (one,) = stored(store, builder, 1)
    gone = deleted(store, one)
    again = replace(builder.record(one.key), version=gone.version + 1)
    (clash,) = store.instances.commit(builder.commit([again]))

    stands = store.instances.commit(replace(builder.commit([again]), replaces=(gone,)))

    assert (clash.kind, clash.held, stands) == (ClashKind.HELD, gone, ())
    assert store.instances.instance(one.key) == again


def test_a_new_instance_of_another_study_takes_the_claim_of_a_tombstone(store: Datastore, builder: Builder) -> None:
    (one,) = stored(store, builder, 1)
    gone = deleted(store, one)
    elsewhere = builder.record(replace(one.key, study_uid=builder.study_uid()))
    (clash,) = store.instances.commit(builder.commit([elsewhere]))

    stands = store.instances.commit(replace(builder.commit([elsewhere]), replaces=(gone,)))

    place = store.instances.locate(one.key.instance_uid)
    assert (clash.kind, clash.held, stands) == (ClashKind.ELSEWHERE, gone, ())
    assert place is not None
    assert place.study_uid == elsewhere.key.study_uid
    assert store.instances.instance(one.key) == gone


def test_a_tombstone_gives_way_only_as_it_was_read_and_while_no_change_is_under_way(
    store: Datastore, builder: Builder
) -> None:
    (one,) = stored(store, builder, 1)
    gone = deleted(store, one)
    again = replace(builder.record(one.key), version=gone.version + 1)
    commit = replace(builder.commit([again]), replaces=(gone,))

    (clash,) = store.instances.commit(replace(commit, replaces=(replace(gone, version=9),)))
    store.changes.begin(change_of(one, name="b"))
    with pytest.raises(LostRaceError):
        store.instances.commit(commit)

    assert clash.kind is ClashKind.HELD
    assert store.instances.instance(one.key) == gone


def test_a_row_is_shown_again_only_while_its_uid_is_its_own(store: Datastore, builder: Builder) -> None:
    (one,) = stored(store, builder, 1)
    gone = deleted(store, one)
    elsewhere = builder.record(replace(one.key, study_uid=builder.study_uid()))
    commit: Commit = replace(builder.commit([elsewhere]), replaces=(gone,))
    assert store.instances.commit(commit) == ()
    undo = change_of(one, ChangeKind.UNDELETE, "b")
    store.changes.begin(undo)

    with pytest.raises(LostRaceError):
        store.changes.carry(ChangeStep(undo, (RowChange(gone, shown(gone, LATER)),), written=undo.ended(2, 1)))

    held = store.instances.instance(one.key)
    assert held is not None
    assert held.visibility is Visibility.DELETED


def test_bytes_are_given_up_only_where_they_still_lie(store: Datastore, builder: Builder) -> None:
    (one,) = stored(store, builder, 1)
    gone = deleted(store, one)
    purge, nowhere = change_of(one, ChangeKind.PURGE, "b"), PackPointer("", 0)
    released = replace(gone, pointer=nowhere, version=gone.version + 1)
    store.changes.begin(purge)
    elsewhere = replace(gone, pointer=PackPointer("packs/elsewhere.pack", 0))

    with pytest.raises(LostRaceError):
        store.changes.carry(ChangeStep(purge, (RowChange(elsewhere, released),), written=purge.ended(2, 1)))
    store.changes.carry(ChangeStep(purge, (RowChange(gone, released),), written=purge.ended(2, 1)))

    assert store.instances.instance(one.key) == released


def test_a_restored_change_is_written_once(store: Datastore, builder: Builder) -> None:
    (one,) = stored(store, builder, 1)
    change = change_of(one).ended(1, 1)

    store.changes.restore(change)
    store.changes.restore(replace(change, reason="another"))

    assert store.changes.history(one.key.study_uid) == (change,)

"""Deletion, undoing and purge beside ingest and compaction: any order, any death, the same lake in the end."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dicomlake.domain.change import ChangeKind, Scope
from dicomlake.domain.errors import HeldError
from dicomlake.domain.model import InstanceRecord, SeriesUid, StudyUid, Visibility
from dicomlake.domain.study import StudyState
from dicomlake.usecases.delete_instances import Author
from dicomlake.usecases.hold_study import set_hold
from dicomlake.usecases.purge_instances import order_purge
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import MemoryLake
from tests.usecases.test_failing_ports import check_readable
from tests.usecases.test_rebuild_index import TimedLake, picture

STUDY, OTHER = StudyUid(f"{ROOT}.1"), StudyUid(f"{ROOT}.2")
SERIES = SeriesUid(f"{STUDY}.1")


def visible(lake: MemoryLake) -> list[InstanceRecord]:
    return [one for one in lake.store.state.instances.values() if one.visibility is Visibility.PRIMARY]


def purge(lake: MemoryLake, study: StudyUid = STUDY) -> None:
    lake.change(lambda ports: order_purge(Scope(study), Author("somebody"), ports))
    lake.pump()


def two_studies() -> TimedLake:
    """Two studies whose slices came in the same packs."""
    lake = TimedLake()
    lake.batch(*[(f"{study}/{n}", ct_slice(study, 1, n)) for study in (1, 2) for n in (1, 2, 3)])
    lake.clock.advance(5)
    return lake


@pytest.mark.parametrize("call", range(1, 21))
def test_a_deletion_that_dies_before_any_call_is_made_in_the_end(call: int) -> None:
    lake = two_studies()

    with lake.dying_at(call):
        lake.delete(STUDY)
    lake.pump()
    lake.delete(STUDY)  # where it died before it had begun, the caller asks again
    lake.pump()

    assert {one.key.study_uid for one in visible(lake)} == {OTHER}
    assert lake.store.state.studies[STUDY].counts.instances == 0
    assert [one.instances for one in lake.store.changes.history(STUDY)] == [3]
    assert not lake.store.state.under_way
    check_readable(lake)


@pytest.mark.parametrize("call", range(1, 40, 2))
def test_a_purge_that_dies_before_any_call_gives_up_the_bytes_and_nothing_else(call: int) -> None:
    lake = two_studies()
    lake.delete(STUDY, SERIES, f"{SERIES}.1")
    lake.pump()

    with lake.dying_at(call):
        purge(lake)
    purge(lake)
    lake.clock.advance(25 * 3600)
    lake.sweep_packs()
    lake.clock.advance(25 * 3600)
    lake.sweep_packs()

    gone = lake.store.state.instances
    assert [one.pointer.pack for one in gone.values() if one.visibility is Visibility.DELETED] == [""]
    assert set(lake.packs()) == {one.pointer.pack for one in visible(lake)}
    assert len(visible(lake)) == 5
    check_readable(lake)


def test_what_a_pack_holds_of_others_outlives_the_purge_of_one_before_anything_was_compacted() -> None:
    lake = TimedLake()
    lake.clock.advance(5)
    for study in (1, 2):
        lake.land(f"{study}", ct_slice(study, 1, 1))
    lake.land("other content", ct_slice(2, 1, 1, seed=9))
    batch, lake.in_flight = lake.in_flight, []
    lake.ingest(batch)
    lake.clock.advance(5)
    lake.delete(STUDY)
    purge(lake)

    lake.clock.advance(50 * 3600)
    lake.sweep_packs()

    (kept,) = visible(lake)
    (beside,) = lake.store.state.beside.values()
    assert set(lake.packs()) == {kept.pointer.pack, beside.pointer.pack}
    check_readable(lake)


def test_a_purge_takes_the_content_kept_beside_along_and_the_metadata_objects() -> None:
    lake = TimedLake()
    lake.batch(("one", ct_slice(1, 1, 1)))
    lake.batch(("other", ct_slice(1, 1, 1, seed=9)))
    lake.delete(STUDY)
    lake.batch()

    purge(lake)
    lake.clock.advance(50 * 3600)
    lake.sweep_packs()
    before = picture(lake)
    lake.lose_index()
    lake.recover()

    assert lake.packs() == []
    (beside,) = lake.store.state.beside.values()
    assert beside.pointer.pack == ""
    assert picture(lake) == before


def test_what_was_purged_cannot_be_brought_back_and_what_was_not_can() -> None:
    lake = two_studies()
    lake.delete(STUDY, SERIES, f"{SERIES}.1")
    lake.delete(STUDY, SERIES, f"{SERIES}.2")
    lake.pump()
    lake.undo(STUDY, 2)
    lake.pump()
    purge(lake)

    lake.undo(STUDY, 1)
    lake.pump()

    assert sorted(one.key.instance_uid for one in visible(lake) if one.key.study_uid == STUDY) == [
        f"{SERIES}.2",
        f"{SERIES}.3",
    ]
    check_readable(lake)


def test_a_held_study_is_neither_deleted_nor_purged() -> None:
    lake = two_studies()
    lake.delete(STUDY, SERIES, f"{SERIES}.1")
    lake.change(lambda ports: set_hold(STUDY, True, Author("counsel"), ports))

    with pytest.raises(HeldError):
        order_purge(Scope(STUDY), Author("somebody"), lake.change_ports())

    assert all(one.pointer.pack for one in lake.store.state.instances.values())


OBJECTS = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 2), st.sampled_from([0, 0, 9])), min_size=1, max_size=3)


class ChangingLake(RuleBasedStateMachine):
    """Landing, deleting, undoing, purging, settling and sweeping, with deaths, in any order."""

    @initialize()
    def begin(self) -> None:
        self.lake = TimedLake()
        self.landed = 0

    @rule(objects=OBJECTS, settled=st.booleans())
    def land(self, objects: list[tuple[int, int, int]], settled: bool) -> None:
        self.lake.clock.advance(1)
        for study, number, seed in objects:
            self.landed += 1
            self.lake.land(f"n{self.landed}", ct_slice(study, 1, number, seed=seed))
        if settled:
            self.lake.pump()

    @rule(study=st.integers(1, 2), number=st.integers(0, 2), death=st.integers(0, 12))
    def delete(self, study: int, number: int, death: int) -> None:
        self.lake.clock.advance(1)
        uids = (f"{ROOT}.{study}", f"{ROOT}.{study}.1", f"{ROOT}.{study}.1.{number}")
        with self.lake.dying_at(death):
            self.lake.delete(*uids[: 3 if number else 1])

    @rule(study=st.integers(1, 2), death=st.integers(0, 12))
    def undo(self, study: int, death: int) -> None:
        self.lake.clock.advance(1)
        done = self.lake.store.changes.history(StudyUid(f"{ROOT}.{study}"))
        with self.lake.dying_at(death):
            for one in [one for one in done if one.kind is ChangeKind.DELETE][-1:]:
                self.lake.undo(one.scope.study_uid, one.number)

    @rule(study=st.integers(1, 2))
    def purge(self, study: int) -> None:
        purge(self.lake, StudyUid(f"{ROOT}.{study}"))

    @rule()
    def night(self) -> None:
        self.lake.pump()
        self.lake.clock.advance(timedelta(hours=25).total_seconds())
        self.lake.sweep_packs()

    @rule()
    def rest(self) -> None:
        self.lake.pump()
        before = picture(self.lake)

        assert all(study.state is StudyState.READY for study in self.lake.store.state.studies.values())
        assert not self.lake.store.state.under_way
        self.lake.lose_index()
        self.lake.recover()
        assert picture(self.lake) == before

    @invariant()
    def nothing_visible_is_lost(self) -> None:
        if hasattr(self, "lake"):
            there = set(self.lake.packs())
            assert {one.pointer.pack for one in visible(self.lake)} <= there

    def teardown(self) -> None:
        if hasattr(self, "lake"):
            self.lake.pump()
            state = self.lake.store.state
            for uid, study in state.studies.items():
                assert study.counts.instances == sum(1 for one in visible(self.lake) if one.key.study_uid == uid)
            assert self.lake.store.feed.head().tally.landed == self.landed
            check_readable(self.lake)


ChangingLake.TestCase.settings = settings(
    max_examples=10, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestChangingLake = ChangingLake.TestCase

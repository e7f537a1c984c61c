"""Commits of a study that are counted together: late at most by two quiet periods, never twice, never forgotten."""

import pytest

from dicomlake.domain.events import SettleStudy
from dicomlake.domain.model import StudyUid
from dicomlake.domain.study import Study, StudyState
from dicomlake.ports import Fold
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE, SETTLE, MemoryLake

STUDY = StudyUid(f"{ROOT}.1")
CALLS_OF_A_LOOK = 14


def arrive(lake: MemoryLake, *numbers: int) -> None:
    """Land images of the study, each in a batch and a message of its own."""
    for number in numbers:
        lake.land(f"n{number}", ct_slice(1, 1, number))
        taken, lake.in_flight = lake.in_flight, []
        lake.ingest(taken)
        lake.track(STUDY)
        lake.told = len(lake.events.events)


def held(lake: MemoryLake) -> Study:
    study = lake.store.studies.study(STUDY)
    assert study is not None
    return study


def uncounted(lake: MemoryLake) -> int:
    return len(lake.store.studies.unfolded(STUDY))


def test_what_comes_within_two_quiet_periods_is_counted_together() -> None:
    lake = MemoryLake()

    arrive(lake, 1, 2, 3, 4)
    at_first = held(lake).counts.instances, uncounted(lake)
    lake.clock.advance(2 * SETTLE.quiet_seconds)
    arrive(lake, 5)

    assert at_first == (1, 3)
    assert (held(lake).counts.instances, uncounted(lake)) == (5, 0)
    assert len(lake.timers.sent) == 1


def test_a_look_that_waits_writes_nothing_and_arms_the_timer_again() -> None:
    lake = MemoryLake()
    arrive(lake, 1)
    lake.clock.advance(20)
    arrive(lake, 2)
    before, _ = held(lake), lake.timers.take()

    lake.clock.advance(10)
    lake.settle(SettleStudy(DATASTORE, STUDY, 1))

    assert held(lake) == before
    assert lake.timers.take() == [(SettleStudy(DATASTORE, STUDY, 1), 20)]


def test_the_settle_timer_counts_what_no_fold_did() -> None:
    lake = MemoryLake()
    arrive(lake, 1, 2, 3)

    lake.pump()

    assert [(ready.generation, ready.instances, ready.added.stored) for ready in lake.ready] == [(1, 3, 3)]
    assert uncounted(lake) == 0


def test_more_commits_than_a_fold_takes_are_counted_before_a_generation_ends() -> None:
    lake = MemoryLake()
    arrive(lake, *range(1, 65))

    lake.pump()

    assert [(ready.generation, ready.instances) for ready in lake.ready] == [(1, 64)]


def test_commits_of_a_study_whose_count_was_declared_are_counted_at_once() -> None:
    lake = MemoryLake()
    study = Study(STUDY, declared=2, version=1)
    lake.store.studies.fold(Fold(study, expected_version=0))

    arrive(lake, 1)
    first = held(lake).counts.instances
    arrive(lake, 2)

    assert (first, held(lake).counts.instances) == (1, 2)
    assert lake.timers.sent[-1] == (SettleStudy(DATASTORE, STUDY, 1), 0)


def test_a_study_whose_timer_was_lost_gets_another_with_the_next_image_after_its_cap() -> None:
    lake = MemoryLake()
    arrive(lake, 1)
    lake.timers.take()

    lake.clock.advance(SETTLE.cap_seconds + 60)
    arrive(lake, 2)
    lake.pump()

    assert [(ready.generation, ready.instances) for ready in lake.ready] == [(1, 2)]


@pytest.mark.parametrize("call", range(1, CALLS_OF_A_LOOK))
def test_an_image_committed_at_any_moment_of_a_look_is_counted_without_a_sweep(call: int) -> None:
    lake = MemoryLake()
    arrive(lake, 1, 2)
    lake.timers.take()
    lake.clock.advance(SETTLE.quiet_seconds + 1)

    with lake.acting_at(call, lambda: arrive(lake, 3)):
        lake.settle(SettleStudy(DATASTORE, STUDY, 1))
    lake.pump()

    assert (held(lake).state, held(lake).counts.instances, uncounted(lake)) == (StudyState.READY, 3, 0)
    assert sum(ready.added.stored for ready in {one.event_id: one for one in lake.ready}.values()) == 3


@pytest.mark.parametrize("call", range(1, CALLS_OF_A_LOOK))
def test_an_image_committed_and_left_to_the_timer_at_any_moment_is_counted_without_a_sweep(call: int) -> None:
    lake = MemoryLake()
    arrive(lake, 1)
    lake.clock.advance(SETTLE.quiet_seconds - 1)
    arrive(lake, 2)
    lake.clock.advance(SETTLE.cap_seconds - SETTLE.quiet_seconds - 10)
    arrive(lake, 3)
    lake.timers.take()
    lake.clock.advance(15)

    with lake.acting_at(call, lambda: arrive(lake, 4)):
        lake.settle(SettleStudy(DATASTORE, STUDY, 1))
    lake.pump()

    assert (held(lake).state, held(lake).counts.instances, uncounted(lake)) == (StudyState.READY, 4, 0)


@pytest.mark.parametrize("call", range(1, CALLS_OF_A_LOOK))
def test_a_death_at_any_moment_of_a_look_loses_no_image_and_no_generation(call: int) -> None:
    lake = MemoryLake()
    arrive(lake, 1, 2, 3)

    with lake.dying_at(call):
        lake.pump()
    lake.pump()

    assert (held(lake).state, held(lake).counts.instances, uncounted(lake)) == (StudyState.READY, 3, 0)
    assert {(ready.generation, ready.instances) for ready in lake.ready} == {(1, 3)}

"""Studies at the limits of what a transaction, a state, a message and a machine's name take."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dicomlake import wire
from dicomlake.adapters.memory import MemoryClock, MemoryDatastore, MemoryWorkflows, MemoryWorkQueue
from dicomlake.domain.commit import CommitRow, SeriesShare
from dicomlake.domain.events import CompactSeries, SettleStudy, StudyPlan
from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import Counts, SeriesAttributes, SeriesUid, StudyAttributes, StudyUid
from dicomlake.domain.search_keys import search_keys
from dicomlake.domain.study import Study, StudyState, format_time
from dicomlake.ports import Fold
from dicomlake.usecases.plan_study import plan_study
from dicomlake.usecases.settle_study import Rearmed, is_large, settle_study
from dicomlake.usecases.sweep_commits import sweep_commits
from dicomlake.usecases.track_study import track_study
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE, SETTLE, MemoryLake

STUDY = StudyUid("1." + "2" * 62)
STATE_LIMIT = 256 * 1024
NAMES = "Anna^Berta^Carla^Dora^Emma Frieda Gerta Hilde Ida Johanna Klara Lena"


def series_uid(number: int) -> SeriesUid:
    """A UID of the full 64 characters."""
    return SeriesUid(f"1.{number:05d}".ljust(64, "3"))


def row(number: int, series: int = 33, named: bool = True, modalities: int = 1) -> CommitRow:
    """A commit of one instance in each of so many series of its own."""
    study = {tag: {"vr": "PN", "Value": [{"Alphabetic": NAMES}]} for tag in ("00100010", "00080090")}
    study |= {tag: {"vr": "LO", "Value": ["x"]} for tag in ("00080050", "00100020", "00100021", "00200010")}
    study |= {"00080020": {"vr": "DA", "Value": ["20260102"]}}
    shares = (
        SeriesShare(
            SeriesAttributes(series_uid(number * 100 + one)), Counts(1, 1, 1, 1), modality(number, one, modalities)
        )
        for one in range(series)
    )
    return CommitRow(
        commit_id=f"{number:032x}",
        kind="stored",
        at=format_time(MemoryClock().now()),
        study_uid=STUDY,
        tally=Tally(stored=max(1, series)),
        counts=Counts(series, series, series, series),
        study=StudyAttributes(STUDY, study) if named else None,
        series=tuple(shares),
    )


def modality(number: int, series: int, modalities: int) -> str:
    """CT, or one of so many made up codes a commit."""
    return "CT" if modalities == 1 else f"M{number}X{series % modalities}"


def never() -> bool:
    """There is always time."""
    return False


def with_rows(rows: list[CommitRow]) -> MemoryDatastore:
    store = MemoryDatastore()
    store.state.unfolded[STUDY] = {one.commit_id: one for one in rows}
    return store


def settling(store: MemoryDatastore, instances: int = 1) -> Study:
    """Set the study settling, as the winner of its generation does."""
    held = store.studies.study(STUDY) or Study(STUDY, generation_started_at=format_time(MemoryClock().now()))
    study = replace(held, state=StudyState.SETTLING, counts=Counts(instances), version=held.version + 1)
    store.studies.fold(Fold(study, expected_version=held.version))
    return study


@pytest.mark.parametrize(("series", "modalities"), [(1, 2), (10, 10), (33, 33)])
def test_a_study_of_any_number_of_modalities_is_folded_and_found_by_each(series: int, modalities: int) -> None:
    store = with_rows([row(number, series, modalities=modalities) for number in range(60)])

    tracked = track_study(DATASTORE, STUDY, store, MemoryWorkQueue(), SETTLE, MemoryClock(), never)

    assert tracked.study is not None
    assert (tracked.folded, tracked.complete) == (60, True)
    assert {key.partition for key, _ in store.state.search} >= {f"modality#{one}" for one in tracked.study.modalities}
    assert len(tracked.study.modalities) == 60 * min(series, modalities)


def test_a_study_of_thousands_of_series_is_folded_and_planned_in_parts_that_fit() -> None:
    store = with_rows([row(number) for number in range(40)])

    tracked = track_study(DATASTORE, STUDY, store, MemoryWorkQueue(), SETTLE, MemoryClock(), never)
    settling(store)
    plans = [plan_study(SettleStudy(DATASTORE, STUDY, 1), store)]
    while plans[-1].after:
        plans.append(plan_study(plans[-1], store))

    assert tracked.study is not None
    assert tracked.study.series_count == 40 * 33
    listed = [series.series_uid for plan in plans for series in plan.series]
    assert listed == sorted(one.series_uid for one in store.studies.series(STUDY))
    for plan in plans:
        state = {**wire.encode(plan), "series": [wire.encode(command) for command in plan.series]}
        assert len(json.dumps(state)) < STATE_LIMIT


def test_a_fold_that_reopens_an_unnamed_study_and_names_it_fits_a_transaction() -> None:
    store = with_rows([row(0, series=0, named=False)])
    clock = MemoryClock()
    track_study(DATASTORE, STUDY, store, MemoryWorkQueue(), SETTLE, clock, never)
    settling(store)
    store.state.unfolded[STUDY] = {one.commit_id: one for one in (row(n, 1 + (n <= 10)) for n in range(1, 31))}

    clock.advance(60)
    tracked = track_study(DATASTORE, STUDY, store, MemoryWorkQueue(), SETTLE, clock, never)

    assert tracked.folded == 30
    assert len(search_keys(tracked.study)) == 28  # type: ignore[arg-type]


def test_a_large_study_whose_machine_failed_is_started_again() -> None:
    store, clock, workflows = MemoryDatastore(), MemoryClock(), MemoryWorkflows()
    settling(store, instances=3000)
    command = SettleStudy(DATASTORE, STUDY, 1)

    def look() -> int:
        settle_study(command, "name-1", store, MemoryWorkQueue(), workflows, SETTLE, clock, Rearmed())
        return len(workflows.studies)

    at_once, again = look(), look()
    clock.advance(timedelta(hours=1).total_seconds())
    later = look()

    assert (at_once, again, later) == (1, 1, 2)


@pytest.mark.parametrize(
    ("instances", "stored_bytes", "large"),
    [(2000, 4 * 1000**3, False), (2001, 1, True), (500, 4 * 1000**3 + 1, True), (1, 12 * 1000**3, True)],
)
def test_what_may_outlive_the_express_machine_goes_to_the_other_one(
    instances: int, stored_bytes: int, large: bool
) -> None:
    assert is_large(Study(STUDY, counts=Counts(instances, instances, stored_bytes, stored_bytes))) is large


def test_a_generation_that_was_overtaken_is_told_by_the_next_one() -> None:
    lake = MemoryLake()
    for number in (1, 2, 3):
        lake.land(f"n{number}", ct_slice(1, 1, number))
    lake.ingest(lake.in_flight)
    lake.in_flight = []
    study = StudyUid(f"{ROOT}.1")
    lake.track(study)
    held = lake.store.studies.study(study)
    assert held is not None
    lake.store.studies.fold(
        Fold(replace(held, state=StudyState.SETTLING, version=held.version + 1), expected_version=held.version)
    )

    lake.land("late", ct_slice(1, 1, 4))
    lake.pump()

    (ready,) = lake.ready
    assert (ready.generation, ready.instances, ready.added.stored) == (2, 4, 4)


@pytest.mark.parametrize("command", [SettleStudy(DATASTORE, STUDY, 1), StudyPlan(DATASTORE, STUDY, 1, (), "1.2")])
def test_a_plan_travels_and_goes_on(command: object) -> None:
    assert wire.loads(wire.dumps(command)) == command
    assert isinstance(plan_study(command, MemoryDatastore()), StudyPlan)  # type: ignore[arg-type]


def test_a_series_command_is_small() -> None:
    command = CompactSeries(DATASTORE, STUDY, series_uid(1), 1_000_000)

    assert len(wire.dumps(command)) < 300


def test_a_study_with_more_rows_than_time_is_folded_in_several_goes() -> None:
    store = with_rows([row(number) for number in range(3)])
    goes = 0

    complete = False
    while not complete:
        tracked = track_study(DATASTORE, STUDY, store, MemoryWorkQueue(), SETTLE, MemoryClock(), lambda: True)
        goes, complete = goes + 1, tracked.complete

    assert goes == 3
    assert store.studies.study(STUDY).counts.instances == 99  # type: ignore[union-attr]


def test_a_commit_that_nobody_was_told_of_is_found_and_folded() -> None:
    lake = MemoryLake()
    lake.land("one", ct_slice(1, 1, 1))
    lake.ingest(lake.in_flight)
    lake.in_flight, lake.told = [], len(lake.events.events)
    lake.pump()
    queue = MemoryWorkQueue()

    at_once = sweep_commits(DATASTORE, lake.store, queue, lake.clock, never)
    lake.clock.advance(3600)
    later = sweep_commits(DATASTORE, lake.store, queue, lake.clock, never)
    lake.events.events += queue.commands
    lake.pump()

    assert (at_once, later) == (0, 1)
    assert [ready.instances for ready in lake.ready] == [1]
    assert sweep_commits(DATASTORE, lake.store, queue, lake.clock, never) == 0

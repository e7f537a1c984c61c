"""Whatever happens between any two of compaction's calls: every mixture is readable, and counts are exact."""

import json
from collections.abc import Callable
from dataclasses import astuple

import pytest

from dicomlake.domain.events import CompactSeries
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid, Visibility
from dicomlake.domain.study import StudyState
from dicomlake.lake import copying
from dicomlake.lake.series_metadata import build_series_metadata
from dicomlake.usecases.compact_series import compact_series
from dicomlake.usecases.retrieve_metadata import series_metadata
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE, MemoryLake
from tests.usecases.test_failing_ports import check_readable
from tests.usecases.test_ingest_laws import packs_of

STUDY, SERIES = StudyUid(f"{ROOT}.1"), SeriesUid(f"{ROOT}.1.1")
SLICES = 2
READ, TAKEN = range(1, 34), range(1, 31)
"""Settling, compacting and finishing a study of two packs takes this many calls: where frames pass through the
function, and where the store copies them."""


def name(number: int) -> InstanceKey:
    return InstanceKey(STUDY, SERIES, InstanceUid(f"{SERIES}.{number}"))


def arrive(lake: MemoryLake) -> None:
    """One more slice lands, is committed and folded."""
    lake.land("late", ct_slice(1, 1, 9))
    batch, lake.in_flight = lake.in_flight, []
    lake.ingest(batch)
    lake.track(STUDY)


def arrive_untold(lake: MemoryLake) -> None:
    """One more slice is committed, and its fold comes later."""
    lake.land("late", ct_slice(1, 1, 9))
    batch, lake.in_flight = lake.in_flight, []
    lake.ingest(batch)


def delete(lake: MemoryLake) -> None:
    """One slice is hidden by a tombstone."""
    lake.fault.at = 0
    lake.delete(*astuple(name(2)))


def delete_all(lake: MemoryLake) -> None:
    """The whole study is deleted, and one slice is sent again."""
    lake.fault.at = 0
    lake.delete(STUDY)
    lake.clock.advance(1)
    lake.land("again", ct_slice(1, 1, 1))
    batch, lake.in_flight = lake.in_flight, []
    lake.ingest(batch)
    lake.track(STUDY)


def compact(lake: MemoryLake) -> None:
    """Another machine compacts the same series."""
    command = CompactSeries(DATASTORE, STUDY, SERIES, 1)
    compact_series(command, lake.store, lake.secret, lake.clock, lake.ids)


@pytest.mark.parametrize("act", [arrive, arrive_untold, delete, delete_all, compact])
@pytest.mark.parametrize(("call", "least"), [(call, copying.TAKEN) for call in READ] + [(call, 1) for call in TAKEN])
def test_any_mixture_is_readable_and_counts_are_exact(
    call: int, least: int, act: Callable[[MemoryLake], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "TAKEN", least)
    lake = with_slices()
    looks: list[int] = []

    with lake.acting_at(call, lambda: (act(lake), looks.append(seen(lake)))):  # type: ignore[arg-type]
        lake.pump()

    visible = {key for key, one in lake.store.state.instances.items() if one.visibility is Visibility.PRIMARY}
    study = lake.store.state.studies[STUDY]
    assert len(looks) == 1
    assert study.state is StudyState.READY
    assert study.counts.instances == len(visible) == seen(lake)
    (series,) = lake.store.studies.series(STUDY)
    assert series.metadata_instances == series.counts.instances == len(visible)
    assert {record.pointer.pack for key, record in lake.store.state.instances.items() if key in visible} == set(
        series.packs
    )
    check_readable(lake)
    assert lake.ready[-1].instances == len(visible)


@pytest.mark.parametrize("act", [arrive, delete, compact])
@pytest.mark.parametrize("call", READ[::4])
def test_what_the_sweep_deletes_after_a_race_nobody_needs(call: int, act: Callable[[MemoryLake], None]) -> None:
    lake = with_slices()
    with lake.acting_at(call, lambda: act(lake)):
        lake.pump()

    lake.clock.advance(25 * 3600)
    lake.sweep_packs()

    assert packs_of(lake) == {record.pointer.pack for record in lake.store.state.instances.values()}
    check_readable(lake)


def test_a_metadata_object_that_a_late_run_overwrote_is_not_taken_for_the_rows() -> None:
    lake = with_slices()
    lake.pump()
    (series,) = lake.store.studies.series(STUDY)
    (one, *_) = json.loads(series_metadata(STUDY, SERIES, lake.store).plain())

    lake.store.objects.put(series.metadata_key, build_series_metadata([json.dumps(one).encode()]))

    assert seen(lake) == SLICES


def with_slices() -> MemoryLake:
    """A lake with a study of two packs that is about to settle."""
    lake = MemoryLake()
    for number in range(1, SLICES + 1):
        lake.land(f"n{number}", ct_slice(1, 1, number))
        batch, lake.in_flight = lake.in_flight, []
        lake.ingest(batch)
    lake.track(STUDY)
    lake.told = len(lake.events.events)
    return lake


def seen(lake: MemoryLake) -> int:
    """How many instances a reader of the series' metadata sees now; every one of them distinct."""
    found = json.loads(series_metadata(STUDY, SERIES, lake.store).plain())
    assert len({one["00080018"]["Value"][0] for one in found}) == len(found)
    return len(found)

"""A port that fails once, anywhere, costs time and nothing else: no object lost, no byte misplaced, no count off."""

from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.errors import ThrottledError, UnavailableError
from dicomlake.domain.events import IngestObject, InstancesStored
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.routing import Received
from dicomlake.usecases import ingest_batch
from dicomlake.usecases.fetch_ahead import AHEAD
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.pack_session import PackSession
from tests.usecases.dicom_files import ct_slice
from tests.usecases.memory_lake import ALONE, HERE, Fault, MemoryLake, Watched
from tests.usecases.test_ingest_laws import CALM, JUNK, check_counts, fill, picture

slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def throttled() -> None:
    raise ThrottledError("asked to slow down")


def unavailable() -> None:
    raise UnavailableError("no answer")


def check_readable(lake: MemoryLake) -> None:
    """Every row but a purged one leads to an instance of its own name, whose frames have the bytes that their ids were
    made of."""
    for record in [one for one in lake.store.state.instances.values() if one.pointer.pack]:
        reader = open_pack(lake.store.objects, record.pointer.pack)
        held = reader.instance(record.pointer.ordinal)
        assert held.record.key == record.key
        assert held.record.landed_sha256 == record.landed_sha256
        for frame in reader.frames(record.pointer.ordinal):
            assert reader.frame_bytes(frame)[:4] == b"\xff\x4f\xff\x51"


@slow
@given(st.integers(1, 150), st.integers(1, 15), st.sampled_from([throttled, unavailable]))
def test_an_error_at_any_call_changes_nothing_in_the_end(call: int, batch: int, error: object) -> None:
    lake = MemoryLake()

    landed = fill(lake)
    with lake.acting_at(call, error):  # type: ignore[arg-type]
        lake.pump(batch)

    check_counts(lake, landed)
    check_readable(lake)
    assert picture(lake) == CALM


@pytest.mark.parametrize("call", range(1, 60))
def test_a_pack_that_could_not_be_written_holds_nothing_that_is_committed(
    call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_batch, "PackSession", partial(PackSession, limit=1))
    lake = MemoryLake()
    for number in (1, 2, 3):
        lake.land(f"n{number}", ct_slice(1, 1, number))

    with lake.acting_at(call, throttled):
        lake.pump()

    check_counts(lake, 3)
    check_readable(lake)


def test_objects_that_one_message_names_are_decided_each_for_itself() -> None:
    lake = MemoryLake()
    first, second = (lake.land(f"n{number}", ct_slice(1, 1, number), announce=0) for number in (1, 2))
    lake.ingest([Received(IngestObject(first), "another message")])

    lake.ingest([Received(IngestObject(landed), "one message", 2) for landed in (first, second)], ALONE)

    assert lake.store.ledger.entry(ledger_key(lake.secret, second)) is not None


def test_what_was_committed_is_announced_though_a_neighbour_cannot_be_quarantined() -> None:
    lake = MemoryLake()
    lake.land("good", ct_slice(1, 1, 1))
    lake.land("junk", JUNK)
    lake.quarantine = Refusing()  # type: ignore[assignment]

    lake.ingest(lake.in_flight)

    assert [type(event) for event in lake.events.events] == [InstancesStored]


def test_without_time_nothing_more_is_fetched_and_everything_goes_back() -> None:
    lake = MemoryLake()
    landed = [lake.land(f"n{number}", ct_slice(1, 1, number), announce=0) for number in range(1, 9)]
    fetched: list[str] = []
    time_left = iter([False, False])

    ports = replace(lake.ports(), landing=Noting(lake.landing, fetched))  # type: ignore[arg-type]
    batch = [Received(IngestObject(one), one.version_id) for one in landed]
    report = ingest_batch.ingest_batch(batch, ports, lake.queues(), HERE, lambda: next(time_left, True))

    assert report.tally.stored == 2
    assert len(fetched) <= 2 + AHEAD
    assert {command.landed for command, _ in lake.again.sent} == set(landed[2:])  # type: ignore[attr-defined]


class Refusing:
    """A bucket that takes nothing now."""

    def copy_in(self, *args: object) -> None:
        raise ThrottledError("asked to slow down")


class Noting:
    """A bucket that notes what is read of it."""

    def __init__(self, store: MemoryObjectStore, fetched: list[str]) -> None:
        self._store, self._fetched = store, fetched

    def get(self, key: str, version_id: str = "") -> bytearray:
        self._fetched.append(key)
        return self._store.get(key, version_id)


def test_a_pack_whose_write_failed_gives_nothing_to_commit_though_the_error_was_swallowed() -> None:
    fault = Fault(at=2, act=throttled)
    objects = Watched(MemoryLake().store.objects, fault)

    with PackSession(objects, lambda: "packs/one") as session:  # type: ignore[arg-type]
        with suppress(ThrottledError):
            session.writer()
        with suppress(ThrottledError):
            session.writer().begin_instance()

        with pytest.raises(UnavailableError):
            session.close()

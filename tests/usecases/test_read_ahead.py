"""Many packs are read at once, in order, and never more than a bounded number of bytes of them."""

from dataclasses import replace
from threading import Event, Lock

import pytest

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.errors import ThrottledError
from dicomlake.domain.model import InstanceRecord, PackPointer
from dicomlake.lake.compact import Copy, carry_out
from dicomlake.lake.pack import PackWriter
from dicomlake.usecases import read_ahead
from dicomlake.usecases.read_ahead import TAIL, TAIL_AN_INSTANCE, Wanted, all_of, in_order, metadata_of, sources
from tests.unit.lake.packs import Given, framed, packed, record


def held(offset: int, length: int, table: int, frames: int = 1) -> InstanceRecord:
    """A record of a pack whose frames lie there."""
    pointer = PackPointer("packs/a", 0, (offset, length) if frames == 1 else (0, 0), table, 128)
    return replace(record("1.1", frames=frames), pointer=pointer, stored_size=length)


def wanting(*sizes: int) -> list[Wanted]:
    return [Wanted(f"packs/{at}", (), size) for at, size in enumerate(sizes)]


def test_results_come_in_order_though_later_ones_are_there_first() -> None:
    last_is_read = Event()

    def read(one: Wanted) -> str:
        if one.pack == "packs/0":
            assert last_is_read.wait(30)
        if one.pack == "packs/9":
            last_is_read.set()
        return one.pack

    assert list(in_order(wanting(*[1] * 10), read)) == [f"packs/{at}" for at in range(10)]


@pytest.mark.parametrize(("size", "most"), [(1, read_ahead.AT_ONCE), (read_ahead.HELD // 3, 3), (read_ahead.HELD, 1)])
def test_what_waits_is_bounded_in_packs_and_in_bytes(size: int, most: int) -> None:
    lock, under_way, peaks = Lock(), [0], [0]

    def read(one: Wanted) -> int:
        with lock:
            under_way[0] += 1
            peaks[0] = max(peaks[0], under_way[0])
        return one.tail_size

    for _ in in_order(wanting(*[size] * 50), read):
        with lock:
            under_way[0] -= 1

    assert peaks[0] <= most


def test_an_error_comes_where_its_pack_would_and_nothing_more_is_read() -> None:
    read_packs: list[str] = []

    def read(one: Wanted) -> str:
        read_packs.append(one.pack)
        if one.pack == "packs/2":
            raise ThrottledError("asked to slow down")
        return one.pack

    got: list[str] = []
    with pytest.raises(ThrottledError):
        got.extend(in_order(wanting(*[1] * 100), read))

    assert len(read_packs) <= 3 + read_ahead.AT_ONCE


def test_no_pack_is_no_result() -> None:
    assert list(in_order([], lambda one: one)) == []


MIB = 1024 * 1024


def test_the_largest_source_is_copied_first() -> None:
    objects, records, copies = MemoryObjectStore("lake"), list[InstanceRecord](), list[Copy]()
    for name, size in (("a", 10), ("b", 3000), ("c", 200)):
        placed = replace(record(f"1.{name}", frames=1), stored_size=size)
        body, summary = packed(Given(placed, framed(b"x" * size)), key=f"packs/{name}")
        objects.put(f"packs/{name}", body)
        records += summary.records
        copies.append(Copy(f"packs/{name}", (0,)))

    found = sources(copies, records, objects, lambda pack, run: None)

    writer = PackWriter(bytearray().extend, "new")
    assert [copied.record.pointer.pack for copied in carry_out(found, writer)] == ["packs/b", "packs/c", "packs/a"]


def test_a_small_pack_that_is_wanted_whole_is_one_read() -> None:
    records = [held(16, MIB, 2 * MIB + 90_000), held(16 + MIB, MIB, 2 * MIB + 90_128)]

    wanted = all_of("packs/a", records)

    assert wanted.tail_size >= 2 * MIB + 90_112 + TAIL
    assert metadata_of("packs/a", records).tail_size == TAIL + 2 * TAIL_AN_INSTANCE


@pytest.mark.parametrize(
    "records",
    [
        [held(16, MIB, 3 * MIB + 100)],
        [held(16, 9 * MIB, 9 * MIB + 100)],
        [held(16, MIB, MIB + 100), held(0, 0, MIB + 500, frames=3)],
    ],
    ids=["a neighbour of the others", "a large one", "frames of which the index knows no place"],
)
def test_only_the_end_is_read_first_where_more_would_be_read_in_vain(records: list[InstanceRecord]) -> None:
    assert all_of("packs/a", records).tail_size == TAIL + len(records) * TAIL_AN_INSTANCE

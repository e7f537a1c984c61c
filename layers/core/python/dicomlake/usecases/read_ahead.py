"""Reading from many packs: a few at once, in bounded memory, results in order. Waiting for one pack is billed too."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from dicomlake.domain.model import InstanceRecord
from dicomlake.lake.compact import Copy
from dicomlake.lake.copying import GAP, WINDOW, PackSource, Take
from dicomlake.ports import ObjectStore
from dicomlake.usecases.open_pack import open_pack

AT_ONCE = 16
"""Packs read at the same time; also how many connections the clients keep."""

HELD = 64 * 1024 * 1024
"""The most bytes of packs that wait for their turn."""

TAIL, TAIL_AN_INSTANCE = 512 * 1024, 2048
"""What is read of a pack's end: heads, metadata and tables of a batch of 100, so that its frames are all that is left
to ask for. When many studies arrive at once each image lies in a pack of its own, and its requests are the bill."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records that lie in one pack, and how many bytes of it to read first."""

    pack: str
    records: tuple[InstanceRecord, ...]
    tail_size: int


def metadata_of(pack: str, records: Sequence[InstanceRecord]) -> Wanted:
    """Want the metadata of records."""
    return Wanted(pack, tuple(records), TAIL + TAIL_AN_INSTANCE * len(records))


def all_of(pack: str, records: Sequence[InstanceRecord]) -> Wanted:
    """Want everything of records: a tail that reaches to the first frame where most of what it holds is wanted."""
    tail = TAIL + TAIL_AN_INSTANCE * len(records)
    first = min(record.pointer.first_frame[0] for record in records)
    behind = max(record.pointer.table_offset for record in records) - first
    single = all(record.pointer.first_frame[1] for record in records)
    unwanted = behind - sum(record.pointer.first_frame[1] for record in records)
    return Wanted(pack, tuple(records), tail + behind if single and behind <= WINDOW and unwanted <= GAP else tail)


def in_order[T](wanted: Sequence[Wanted], read: Callable[[Wanted], T]) -> Iterator[T]:
    """Yield what is read of each pack, in order, while the ones behind it are under way."""
    waiting, started, held = deque(wanted), deque[tuple[int, Future[T]]](), 0
    pool = ThreadPoolExecutor(min(AT_ONCE, max(1, len(wanted))))
    try:
        while waiting or started:
            while waiting and len(started) < AT_ONCE and (not started or held + _size(waiting[0]) <= HELD):
                one = waiting.popleft()
                held += _size(one)
                started.append((_size(one), pool.submit(read, one)))
            size, future = started.popleft()
            yield future.result()
            held -= size
    finally:
        pool.shutdown(cancel_futures=True)


def _size(wanted: Wanted) -> int:
    return wanted.tail_size + min(WINDOW, _stored(wanted))


def _stored(wanted: Wanted) -> int:
    return sum(record.stored_size for record in wanted.records)


def sources(
    copies: Sequence[Copy], records: Sequence[InstanceRecord], objects: ObjectStore, take: Take
) -> Iterator[PackSource]:
    """Yield what a plan copies from, pack by pack, its tail and first frames read; `take` copies long runs.

    The largest come first: behind a small one, a part would have to be filled up before the store can copy the next.
    """
    by_place = {(record.pointer.pack, record.pointer.ordinal): record for record in records}
    wanted = [all_of(copy.pack, [by_place[copy.pack, ordinal] for ordinal in copy.ordinals]) for copy in copies]

    wanted.sort(key=_stored, reverse=True)

    def read(one: Wanted) -> PackSource:
        reader = open_pack(objects, one.pack, one.tail_size)
        source = PackSource(reader, [record.pointer.ordinal for record in one.records], take)
        source.read_ahead()
        return source

    return in_order(wanted, read)

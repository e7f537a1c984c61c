"""A body of any size is stored in bounded memory: what arrives goes on to the bucket."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.model import Outcome
from dicomlake.ports import ObjectInfo
from dicomlake.usecases.receive_instances import HELD
from dicomlake.web.store import store_stream
from tests.unit.web.stow_lake import BOUNDARY, StowLake

CHUNK = 256 * 1024
TOTAL = 256 * 1024 * 1024


class Sink(MemoryObjectStore):
    """A bucket that keeps of large objects how long they are; they read as zeros."""

    sizes: dict[str, int]

    @contextmanager
    def open_writer(self, key: str, content_type: str = "application/octet-stream") -> Iterator[Any]:
        sizes = self.__dict__.setdefault("sizes", {})

        class Counter:
            def write(self, data: bytes) -> int:
                sizes[key] = sizes.get(key, 0) + len(data)
                return len(data)

            def commit(self) -> int:
                return int(sizes[key])

        yield Counter()

    def info(self, key: str, version_id: str = "") -> ObjectInfo:
        return ObjectInfo(key, "v1", self.sizes[key], "2026-01-01T00:00:00.000Z")

    def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
        return bytes(max(0, min(length, self.sizes[key] - start)))


def test_a_part_of_256_mib_is_never_in_memory() -> None:
    lake = StowLake()
    lake.landing = Sink("landing")

    def chunks() -> Iterator[bytes]:
        yield f"--{BOUNDARY}\r\n\r\n".encode()
        for _ in range(TOTAL // CHUNK):
            yield bytes(CHUNK)
        yield f"\r\n--{BOUNDARY}--".encode()

    tracemalloc.start()
    response = store_stream(lake.call(), chunks())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert response.status == 409
    assert list(lake.landing.sizes.values()) == [TOTAL]
    assert [entry.outcome for entry in lake.store.ledger.quarantined().items] == [Outcome.QUARANTINED]
    assert peak < 6 * HELD

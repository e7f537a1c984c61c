"""Reading a large object by ranges: the same bytes, hashed once, few blocks held."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.model import LandedObject
from dicomlake.usecases import ranged_source
from dicomlake.usecases.ranged_source import RangedSource

BODY = random.Random(1).randbytes(1003)  # noqa: S311 - test data


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_source, "BLOCK", 64)


def source(body: bytes = BODY) -> RangedSource:
    store = MemoryObjectStore("landing")
    store.put("k", body)
    return RangedSource(store, LandedObject("landing", "k", store.info("k").version_id, len(body)))


@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 300)), max_size=12))
def test_any_reads_in_any_order_give_the_bytes_and_the_hash(reads: list[tuple[int, int]]) -> None:
    ranged = source()

    for start, length in reads:
        assert bytes(ranged.read(start, length)) == BODY[start : start + length]

    assert ranged.sha256() == hashlib.sha256(BODY).hexdigest()


def test_few_blocks_are_held_however_much_is_read() -> None:
    ranged = source()

    for start in range(0, len(BODY), 50):
        ranged.read(start, 50)

    assert len(ranged._blocks) == ranged_source.KEPT


def test_reading_forwards_fetches_every_block_once() -> None:
    class Counting(MemoryObjectStore):
        fetched = 0

        def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
            Counting.fetched += 1
            return super().read_range(key, start, length, version_id)

    store = Counting("landing")
    store.put("k", BODY)
    ranged = RangedSource(store, LandedObject("landing", "k", store.info("k").version_id, len(BODY)))

    for start in range(0, len(BODY), 10):
        ranged.read(start, 10)
    ranged.sha256()

    assert Counting.fetched == -(-len(BODY) // 64)

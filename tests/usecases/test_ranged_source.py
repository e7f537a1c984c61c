"""Reading a large object by ranges: the same bytes, hashed once, few blocks held."""

import hashlib
import io
import random
import tracemalloc

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate

from dicomlake.adapters.memory import MemoryClock, MemoryObjectStore
from dicomlake.dicom.header.parse import parse
from dicomlake.domain.model import LandedObject, LedgerKey
from dicomlake.lake.pack import PackWriter
from dicomlake.usecases import ranged_source
from dicomlake.usecases.ranged_source import RangedSource
from dicomlake.usecases.store_instance import StoreContext, store_parsed
from tests.usecases.dicom_files import ct_slice

KIB = 1024
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


def test_no_block_outlives_its_turn_while_fragments_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_source, "BLOCK", 64 * KIB)
    body = encapsulated_uncompressed(frames=96, frame=64 * KIB)
    large, context = source(body), StoreContext(b"k" * 32, MemoryClock())
    parsed = parse(large)
    writer = PackWriter(len, "pack")

    tracemalloc.start()
    record = store_parsed(parsed, len(body), large.sha256, LedgerKey("0" * 32, "v"), writer, context)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert record.frame_count == 96
    assert peak < len(body) / 3


def encapsulated_uncompressed(frames: int, frame: int) -> bytes:
    """An image in Encapsulated Uncompressed Explicit VR Little Endian: a fragment a frame, no offset table."""
    data = pydicom.dcmread(io.BytesIO(ct_slice()))
    data.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2.1.98")
    data.Rows, data.Columns, data.NumberOfFrames = 128, frame // 256, frames
    data.PixelData = encapsulate(
        [number.to_bytes(2, "little") * (frame // 2) for number in range(frames)], has_bot=False
    )
    data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()

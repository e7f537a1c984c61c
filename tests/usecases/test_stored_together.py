"""Small objects are parsed, encoded and proved together: what is stored is what each alone would have been."""

import hashlib
import io

import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from dicomlake.adapters.memory import MemoryClock
from dicomlake.dicom.codecs import verify
from dicomlake.domain.errors import PermanentError
from dicomlake.domain.model import InstanceRecord, LedgerKey
from dicomlake.lake.pack import PackSummary, PackWriter
from dicomlake.usecases.store_instance import Fetched, Prepared, StoreContext, prepare_together, store_instance
from tests.usecases.dicom_files import changed, ct_slice

LEDGER = LedgerKey("0" * 32, "v")
BEYOND = np.full((24, 24), 4096, "<u2").tobytes()


def context() -> StoreContext:
    return StoreContext(b"k" * 32, MemoryClock())


def fetched(file: bytes) -> Fetched:
    return Fetched(bytearray(file), hashlib.sha256(file).hexdigest())


def in_rle(file: bytes) -> bytes:
    data = pydicom.dcmread(io.BytesIO(file))
    data.compress(RLELossless, generate_instance_uid=False)
    out = io.BytesIO()
    pydicom.dcmwrite(out, data)
    return out.getvalue()


def multi_frame(file: bytes) -> bytes:
    pixels = pydicom.dcmread(io.BytesIO(file)).PixelData
    return changed(file, NumberOfFrames=2, PixelData=pixels + pixels)


GROUP = [
    fetched(ct_slice(1, 1, 1)),
    fetched(in_rle(ct_slice(1, 1, 2))),
    fetched(changed(ct_slice(1, 1, 3), PixelData=BEYOND)),
    fetched(multi_frame(ct_slice(1, 1, 4))),
    fetched(ct_slice(1, 2, 5)),
]
"""Native, compressed, with values beyond its Bits Stored, of two frames, and of another series."""


def packed(
    prepared: tuple[Prepared | None, ...], under: StoreContext
) -> tuple[list[InstanceRecord], PackSummary, bytes]:
    out: list[bytes] = []
    writer = PackWriter(out.append, "pack")
    records = [store_instance(one, LEDGER, writer, under, ready) for one, ready in zip(GROUP, prepared, strict=True)]
    return records, writer.close(), b"".join(out)


def test_objects_prepared_together_make_the_pack_that_they_make_alone() -> None:
    together, alone = context(), context()

    ready = packed(prepare_together(GROUP, together), together)

    assert ready == packed((None,) * len(GROUP), alone)
    assert together.not_exact == alone.not_exact == {"bits-stored-exceeded": 1}


def test_only_what_has_one_small_exact_frame_is_proved_ahead() -> None:
    found = prepare_together(GROUP, context())

    assert [one is not None and one.proved is not None for one in found] == [True, True, False, False, True]


def test_an_object_that_is_refused_leaves_its_neighbours_prepared() -> None:
    junk = fetched(b"a text that is no DICOM file " * 20)

    first, second, third = prepare_together([GROUP[0], junk, GROUP[1]], context())

    assert (first is not None and first.proved is not None, second) == (True, None)
    assert third is not None
    with pytest.raises(PermanentError):
        store_instance(junk, LEDGER, PackWriter(lambda _: None, "pack"), context(), second)


def test_a_frame_that_does_not_come_back_is_not_taken_as_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "decode_openjph", lambda stream, out=None, skip=0: out)
    under = context()

    (ready,) = prepare_together(GROUP[:1], under)
    record = store_instance(GROUP[0], LEDGER, PackWriter(lambda _: None, "pack"), under, ready)

    assert ready is not None
    assert ready.proved is None
    assert (record.stored_transfer_syntax, under.not_exact) == (record.source_transfer_syntax, {"verify-mismatch": 1})

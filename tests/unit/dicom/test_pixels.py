"""Stored values get the sign that the header says, or are refused where bits contradict it."""

import numpy as np

from dicomlake.dicom.frames.pixels import PixelLayout, as_stored
from tests.unit.dicom.frames_given import noise


def layout(bits: int, signed: bool = False) -> PixelLayout:
    """Return a layout of so many bits in two bytes."""
    return PixelLayout(20, 30, 1, 16, bits, signed)


def same(one: np.ndarray | None, other: np.ndarray) -> bool:
    """Whether there is an array and it is the other."""
    return one is not None and np.array_equal(one, other)


def test_an_unsigned_code_stream_of_signed_pixels_gets_its_sign_back() -> None:
    of = layout(13, signed=True)
    signed = noise(of)
    unsigned = signed.view(np.uint16) & 0x1FFF

    assert same(as_stored(unsigned, of), signed)
    assert same(as_stored(signed.view(np.uint16), of), signed)
    assert as_stored(unsigned | 0x2000, of) is None


def test_a_signed_code_stream_of_unsigned_pixels_loses_its_sign() -> None:
    of = layout(12)
    unsigned = noise(of)
    signed = ((unsigned.astype(np.int32) << 20) >> 20).astype(np.int16)

    assert same(as_stored(signed, of), unsigned)
    assert as_stored(np.full(of.shape, -4000, np.int16), of) is None

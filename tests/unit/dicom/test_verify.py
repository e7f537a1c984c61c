"""A frame is proved by all of its pixels, whatever was decoded into the same memory before."""

import numpy as np
import pytest

from dicomlake.dicom.codecs import verify
from dicomlake.dicom.codecs.lossless import encode
from dicomlake.dicom.frames.pixels import PixelArray, PixelLayout

LAYOUT = PixelLayout(rows=96, columns=80, samples=1, bits_allocated=16, bits_stored=12, signed=True)


def frame(seed: int) -> PixelArray:
    return np.random.default_rng(seed).integers(-2048, 2048, LAYOUT.shape).astype("<i2")


@pytest.mark.parametrize("kept", [verify.KEPT, 0])
def test_one_pixel_that_differs_is_found_wherever_it_is(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "KEPT", kept)
    source = frame(1)
    stream = encode(source, LAYOUT, colour_transform=False)

    for at in ((0, 0), (50, 41), (95, 79)):
        other = source.copy()
        other[at] ^= 1
        assert verify.decoded_equal(stream, other) is None

    decoded = verify.decoded_equal(stream, source)
    assert decoded is not None
    assert np.array_equal(decoded, source)


def test_what_was_decoded_before_proves_nothing() -> None:
    one, other = frame(1), frame(2)
    stream = encode(one, LAYOUT, colour_transform=False)

    assert verify.decoded_equal(stream, one) is not None
    assert verify.decoded_equal(b"no code stream", one) is None
    assert verify.decoded_equal(encode(other, LAYOUT, colour_transform=False), one) is None


def test_a_source_that_lies_anywhere_in_memory_is_compared() -> None:
    source = frame(3)
    odd = np.frombuffer(b"\0" + source.tobytes(), "<i2", offset=1, count=source.size).reshape(source.shape)

    assert verify.decoded_equal(encode(source, LAYOUT, colour_transform=False), odd) is not None


def test_a_stream_of_another_size_proves_nothing() -> None:
    wide = PixelLayout(rows=80, columns=96, samples=1, bits_allocated=16, bits_stored=12, signed=True)
    stream = encode(frame(4).reshape(wide.shape), wide, colour_transform=False)

    assert verify.decoded_equal(stream, frame(4)) is None

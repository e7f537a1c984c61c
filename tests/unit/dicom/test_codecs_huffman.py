"""A lossless JPEG stream that lacks bits is refused: libjpeg would fill in zeros and say nothing."""

import struct
from collections.abc import Iterable, Sequence

import imagecodecs
import numpy as np
import pytest

from dicomlake.dicom.codecs import huffman, lossless
from dicomlake.dicom.codecs.huffman import check_bits
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.frames.syntaxes import Decoder
from dicomlake.domain.errors import MalformedError
from tests.unit.dicom.frames_given import noise

EOI = b"\xff\xd9"
PREDICTORS = range(1, 8)


def smooth(bits: int, rows: int = 40, columns: int = 50) -> np.ndarray:
    """Return a frame whose differences take codes of many lengths."""
    y, x = np.mgrid[0:rows, 0:columns]
    wave = (np.sin(x / 9) * np.cos(y / 7) + 1) / 2.2 * ((1 << bits) - 1)
    grain = np.random.default_rng(3).integers(0, max(2, (1 << bits) // 60), (rows, columns))
    return (wave + grain).astype("u1" if bits <= 8 else "<u2")


def layout_of(frame: np.ndarray, bits: int) -> PixelLayout:
    """Return the layout of an unsigned frame."""
    samples = 3 if frame.ndim == 3 else 1
    return PixelLayout(frame.shape[0], frame.shape[1], samples, 8 * frame.itemsize, bits, signed=False)


def decode(stream: bytes, frame: np.ndarray, bits: int) -> np.ndarray:
    """Decode as an ingest does."""
    photometric = "RGB" if frame.ndim == 3 else "MONOCHROME2"
    return lossless.decode(Decoder.JPEG_LOSSLESS, stream, layout_of(frame, bits), photometric)


@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_predictor_and_depth_takes_the_bits_that_are_there(predictor: int, bits: int) -> None:
    for frame in (smooth(bits), noise(PixelLayout(17, 23, 1, 8 if bits == 8 else 16, bits, signed=False))):
        stream = bytes(imagecodecs.jpeg8_encode(frame, lossless=True, predictor=predictor, bitspersample=bits))

        assert np.array_equal(decode(stream, frame, bits), frame)


def test_colour_is_counted_by_component() -> None:
    frame = np.dstack([smooth(8), smooth(8)[::-1], smooth(8)[:, ::-1]])
    stream = bytes(imagecodecs.jpeg8_encode(frame, lossless=True, colorspace="rgb", outcolorspace="rgb"))

    assert np.array_equal(decode(stream, frame, 8), frame)
    with pytest.raises(MalformedError):
        decode(stream[:-40] + EOI, frame, 8)


@pytest.mark.parametrize("end", [b"", EOI])
@pytest.mark.parametrize("missing", [1, 2, 3, 10, 100, 1000])
@pytest.mark.parametrize("predictor", PREDICTORS)
def test_a_cut_stream_is_refused_where_libjpeg_fills_in_zeros(predictor: int, missing: int, end: bytes) -> None:
    frame = smooth(12)
    whole = bytes(imagecodecs.jpeg8_encode(frame, lossless=True, predictor=predictor, bitspersample=12))
    cut = whole[: -2 - missing] + end

    assert not np.array_equal(imagecodecs.jpeg8_decode(cut), frame)
    with pytest.raises(MalformedError):
        decode(cut, frame, 12)


def test_bytes_that_no_pixel_takes_are_damage_too() -> None:
    frame = smooth(12)
    whole = bytes(imagecodecs.jpeg8_encode(frame, lossless=True, bitspersample=12))

    with pytest.raises(MalformedError):
        decode(whole[:-2] + b"\x55" * 40 + EOI, frame, 12)


def coded(differences: Iterable[int], lengths: Sequence[int]) -> str:
    """Write differences by canonical codes of these lengths, one a category (Annex C, H.1.2.2)."""
    codes, code, length = {}, 0, 0
    for category in sorted(range(len(lengths)), key=lambda category: (lengths[category], category)):
        code <<= lengths[category] - length
        length = lengths[category]
        codes[category] = f"{code:0{length}b}"
        code += 1
    return "".join(codes[abs(d).bit_length()] + _extra(d) for d in differences)


def _extra(difference: int) -> str:
    size = abs(difference).bit_length()
    value = difference if difference > 0 else difference + (1 << size) - 1
    return f"{value:0{size}b}" if size else ""


def filled(bits: str) -> bytes:
    """Pad bits with ones to whole bytes and stuff a zero behind every FF (B.1.1.5)."""
    whole = bits + "1" * (-len(bits) % 8)
    return int(whole, 2).to_bytes(len(whole) // 8).replace(b"\xff", b"\xff\0")


LENGTHS = (2, 3, 3, 3, 3, 3, 4, 5, 6)
"""Code lengths of the categories 0 to 8."""


def with_restarts(frame: np.ndarray, lines: int) -> bytes:
    """Return an 8-bit stream of predictor 1 that begins anew after so many lines, written by hand."""
    rows, columns = frame.shape
    counts = bytes(LENGTHS.count(length) for length in range(1, 17))
    order = bytes(sorted(range(len(LENGTHS)), key=lambda category: (LENGTHS[category], category)))
    parts = [filled(coded(_differences(frame[at : at + lines]), LENGTHS)) for at in range(0, rows, lines)]
    body = parts[0] + b"".join(b"\xff" + bytes([0xD0 + at % 8]) + part for at, part in enumerate(parts[1:]))
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc3" + struct.pack(">HBHHB", 11, 8, rows, columns, 1) + bytes([1, 0x11, 0]),
            b"\xff\xc4" + struct.pack(">HB", 2 + 17 + len(order), 0) + counts + order,
            b"\xff\xdd" + struct.pack(">HH", 4, lines * columns),
            b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0, 1, 0, 0]),
            body,
            EOI,
        )
    )


def _differences(rows: np.ndarray) -> Iterable[int]:
    values = rows.astype(int)
    for at, row in enumerate(values):
        before = [128 if at == 0 else values[at - 1][0], *row[:-1]]
        yield from (int(one - last) for one, last in zip(row, before, strict=True))


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_restarts_begin_the_prediction_anew(lines: int) -> None:
    frame = smooth(8, 7, 11) // 2 + 64
    stream = with_restarts(frame, lines)

    assert np.array_equal(decode(stream, frame, 8), frame)
    with pytest.raises(MalformedError):
        check_bits(stream[:-6] + EOI, frame)


def test_a_point_transform_is_not_lossless() -> None:
    frame = smooth(8, 7, 11) // 2 + 64
    stream = with_restarts(frame, 1)
    at = stream.index(b"\xff\xda")
    shifted = stream[: at + 9] + b"\x01" + stream[at + 10 :]

    with pytest.raises(MalformedError, match="point transform"):
        check_bits(shifted, frame)


@pytest.mark.parametrize("marker", [b"\xff\xc3", b"\xff\xc4", b"\xff\xda"])
def test_a_stream_without_one_of_its_markers_is_refused(marker: bytes) -> None:
    frame = smooth(8, 7, 11) // 2 + 64
    stream = with_restarts(frame, 1)

    with pytest.raises(MalformedError):
        check_bits(stream.replace(marker, b"\xff\xe1", 1), frame)
    with pytest.raises(MalformedError):
        check_bits(stream[: stream.index(marker) + 3], frame)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("restarts_after", [0, 1, 2, 5])
@pytest.mark.parametrize("band", [1, 60, 171])
def test_looking_at_some_lines_at_a_time_sees_the_same_differences(
    predictor: int, restarts_after: int, band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = np.random.default_rng(predictor).integers(0, 1 << 16, (23, 19), np.uint16)
    scan = huffman._Scan(((1, 0),), {}, predictor, 0, 19 * restarts_after, b"")
    (whole,) = huffman._differences(plane, scan, 1 << 15)

    monkeypatch.setattr(huffman, "_BAND", band)
    bands = list(huffman._differences(plane, scan, 1 << 15))

    assert len(bands) > 1
    assert np.array_equal(np.concatenate(bands), whole)

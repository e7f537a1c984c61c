"""The codecs: exact at every shape, depth and sign, strict where a lenient decoder would invent pixels."""

import struct
import sys
import tracemalloc
import zlib
from collections.abc import Iterator

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import RLELossless

from dicomlake.dicom.codecs import lossless
from dicomlake.dicom.codecs.lossless import Encoder, decode_openjpeg, decode_openjph, decompositions, encode
from dicomlake.dicom.codecs.markers import bare_stream, read_header
from dicomlake.dicom.frames.pixels import PixelLayout, little_endian, narrowed
from dicomlake.dicom.frames.syntaxes import Decoder
from dicomlake.domain.errors import MalformedError
from tests.unit.dicom.frames_given import noise


def layout(rows: int = 70, columns: int = 66, bits: int = 12, signed: bool = False, samples: int = 1) -> PixelLayout:
    """Return a layout of so many bits stored, in one or two bytes."""
    return PixelLayout(rows, columns, samples, 8 if bits <= 8 else 16, bits, signed)


def encoded(of: PixelLayout, *, colour_transform: bool = False, seed: int = 7) -> tuple[np.ndarray, bytes]:
    """Return a frame of noise and its code stream."""
    frame = noise(of, seed)
    return frame, encode(narrowed(frame, of), of, colour_transform=colour_transform)


@pytest.fixture
def fresh_self_test() -> Iterator[None]:
    lossless.self_test.cache_clear()
    yield
    lossless.self_test.cache_clear()


layouts = st.builds(
    layout,
    rows=st.integers(1, 140),
    columns=st.integers(1, 140),
    bits=st.integers(2, 16),
    signed=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(layouts)
def test_every_shape_depth_and_sign_is_exact_through_both_decoders(of: PixelLayout) -> None:
    frame, stream = encoded(of)

    assert np.array_equal(decode_openjph(stream), frame)
    assert np.array_equal(decode_openjpeg(stream), frame)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4096), (4096, 1), (4096, 17), (17, 4096), (64, 64), (65, 64), (2, 3)])
@pytest.mark.parametrize("bits", [2, 8, 9, 12, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_the_longest_and_smallest_frames_are_exact_at_their_extremes(
    shape: tuple[int, int], bits: int, signed: bool
) -> None:
    of = layout(*shape, bits, signed)
    low, high = of.value_range
    checkers = np.where(np.indices(shape).sum(axis=0) % 2, low, high).astype(of.wide_dtype)

    for frame in (noise(of), np.full(shape, low, of.wide_dtype), np.full(shape, high, of.wide_dtype), checkers):
        stream = encode(narrowed(frame, of), of, colour_transform=False)
        assert np.array_equal(decode_openjph(stream), frame)
        assert np.array_equal(decode_openjpeg(stream), frame)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 100), st.integers(2, 100), st.integers(2, 16), st.booleans())
def test_colour_is_exact_with_and_without_transform(rows: int, columns: int, bits: int, transform: bool) -> None:
    frame, stream = encoded(layout(rows, columns, bits, samples=3), colour_transform=transform)

    assert np.array_equal(decode_openjph(stream), frame)
    assert np.array_equal(decode_openjpeg(stream), frame)
    assert read_header(stream).colour_transform is transform


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (3, 3), (3, 70)])
def test_three_rows_are_not_taken_for_three_planes(shape: tuple[int, int]) -> None:
    for transform in (False, True):
        frame, stream = encoded(layout(*shape, bits=8, samples=3), colour_transform=transform)

        assert np.array_equal(decode_openjph(stream), frame)


@pytest.mark.parametrize("transform", [True, False])
def test_a_colour_frame_of_one_line_is_refused_since_it_would_not_be_decomposed(transform: bool) -> None:
    with pytest.raises(ValueError, match="one line"):
        encoded(layout(1, 70, 8, samples=3), colour_transform=transform)


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [(1, 1, 1), (64, 64, 1), (65, 10, 1), (128, 1, 1), (129, 129, 2), (512, 512, 3), (1, 4096, 6), (3300, 4096, 6)],
)
def test_a_frame_is_halved_until_64_pixels_and_at_least_once(rows: int, columns: int, expected: int) -> None:
    assert decompositions(rows, columns) == expected


@pytest.mark.parametrize("signed", [False, True])
def test_a_small_frame_of_smallest_values_is_exact(signed: bool) -> None:
    of = layout(64, 64, 12, signed)
    frame = np.full(of.shape, of.value_range[0], of.dtype)

    stream = encode(frame, of, colour_transform=False)

    assert read_header(stream).decompositions == 1
    assert np.array_equal(decode_openjph(stream), frame)


def test_the_code_stream_is_what_the_transfer_syntax_asks_for() -> None:
    header = read_header(encoded(layout(300, 200, 12, signed=True))[1])

    assert (header.rows, header.columns, header.components, header.bits, header.signed) == (300, 200, 1, 12, True)
    assert header.high_throughput
    assert header.reversible
    assert header.rpcl
    assert len(header.tile_lengths) == header.decompositions + 1 == 4


def test_both_encoders_give_the_same_pixels_in_the_same_bytes_but_for_the_comment() -> None:
    of = layout(100, 90)
    frame = noise(of)

    one = lossless._ENCODERS[Encoder.OJPH](frame, 12, False)
    two = lossless._ENCODERS[Encoder.IMAGECODECS](frame, 12, False)

    assert read_header(one).tile_lengths == read_header(two).tile_lengths
    assert one[read_header(one).first_tile :] == two[read_header(two).first_tile :]


@pytest.mark.usefixtures("fresh_self_test")
def test_the_fast_encoder_is_in_use_where_it_works() -> None:
    assert lossless.self_test() is Encoder.OJPH


@pytest.mark.usefixtures("fresh_self_test")
def test_an_encoder_that_loses_a_pixel_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lossless._encode_ojph
    monkeypatch.setattr(lossless, "_encode_ojph", lambda array, bits, signed: whole(np.abs(array), bits, signed))

    assert lossless.self_test() is Encoder.IMAGECODECS


@pytest.mark.usefixtures("fresh_self_test")
def test_without_the_fast_encoder_frames_are_stored_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ojph.ojph_bindings", None)

    frame, stream = encoded(layout())

    assert lossless.self_test() is Encoder.IMAGECODECS
    assert np.array_equal(decode_openjpeg(stream), frame)


def test_a_read_only_frame_can_be_encoded() -> None:
    frame = np.frombuffer(noise(layout()).tobytes(), "<u2").reshape(70, 66)

    assert np.array_equal(decode_openjph(encode(frame, layout(), colour_transform=False)), frame)


@pytest.mark.parametrize("high_throughput", [True, False])
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.999])
def test_a_cut_code_stream_is_refused_where_openjph_would_fill_in_zeros(high_throughput: bool, kept: float) -> None:
    frame = noise(layout())
    whole = encoded(layout())[1] if high_throughput else imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k")
    cut = whole[: int(len(whole) * kept)]

    with pytest.raises(MalformedError):
        lossless.decode(Decoder.JPEG_2000, cut, layout(), "MONOCHROME2")


def test_an_irreversible_code_stream_in_a_lossless_syntax_is_refused() -> None:
    lossy = imagecodecs.jpeg2k_encode(noise(layout()), level=50, reversible=False, codecformat="j2k")

    with pytest.raises(MalformedError):
        lossless.decode(Decoder.JPEG_2000, lossy, layout(), "MONOCHROME2")


def test_a_colour_transform_under_ybr_full_is_refused() -> None:
    of = layout(bits=8, samples=3)
    stream = encoded(of, colour_transform=True)[1]

    assert lossless.decode(Decoder.JPEG_2000, stream, of, "YBR_RCT").shape == of.shape
    with pytest.raises(MalformedError):
        lossless.decode(Decoder.JPEG_2000, stream, of, "YBR_FULL")


def test_a_code_stream_inside_a_jp2_file_is_decoded() -> None:
    frame = noise(layout())
    file = imagecodecs.jpeg2k_encode(frame, level=0, codecformat="jp2", reversible=True)

    assert bytes(file[4:8]) == b"jP  "
    assert bytes(bare_stream(file)[:2]) == b"\xff\x4f"
    assert np.array_equal(lossless.decode(Decoder.JPEG_2000, file, layout(), "MONOCHROME2"), frame)
    with pytest.raises(MalformedError):
        bare_stream(file[:20])


@pytest.mark.parametrize("decoder", [Decoder.RLE, Decoder.JPEG_LOSSLESS, Decoder.JPEG_LS, Decoder.JPEG_2000])
@pytest.mark.parametrize("rubbish", [b"", b"\0", b"\xff\x4f\xff\x51", b"\xff\xd8\xff\xd9", bytes(range(256))])
def test_rubbish_is_refused_by_every_decoder(decoder: Decoder, rubbish: bytes) -> None:
    with pytest.raises(MalformedError):
        lossless.decode(decoder, rubbish, layout(), "MONOCHROME2")


def test_a_frame_of_another_size_than_its_header_says_is_refused() -> None:
    with pytest.raises(MalformedError, match="another shape"):
        lossless.decode(Decoder.JPEG_LS, imagecodecs.jpegls_encode(noise(layout())), layout(71, 66), "MONOCHROME2")


@pytest.mark.parametrize("decoder", [Decoder.JPEG_LOSSLESS, Decoder.JPEG_LS, Decoder.JPEG_2000])
def test_a_stream_that_claims_a_huge_frame_is_refused_before_memory_is_taken(decoder: Decoder) -> None:
    frame = noise(layout(bits=8))
    stream = bytearray(
        {
            Decoder.JPEG_LOSSLESS: lambda: imagecodecs.jpeg8_encode(frame, lossless=True),
            Decoder.JPEG_LS: lambda: imagecodecs.jpegls_encode(frame),
            Decoder.JPEG_2000: lambda: imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k"),
        }[decoder]()
    )
    whole = lossless.decode(decoder, stream, layout(bits=8), "MONOCHROME2")
    size = struct.pack(">II", 66, 70) if decoder is Decoder.JPEG_2000 else struct.pack(">HH", 70, 66)
    at = stream.index(size)
    stream[at : at + len(size)] = b"\x00\x00\xff\xff" * 2 if decoder is Decoder.JPEG_2000 else b"\xff" * 4

    tracemalloc.start()
    with pytest.raises(MalformedError, match="another shape"):
        lossless.decode(decoder, stream, layout(bits=8), "MONOCHROME2")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert np.array_equal(whole, frame)
    assert peak < 1_000_000


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_the_colours_of_jpeg_lossless_are_never_converted(photometric: str) -> None:
    of = layout(40, 30, 8, samples=3)
    frame = noise(of)
    space = "rgb" if photometric == "RGB" else "ycbcr"
    stream = imagecodecs.jpeg8_encode(frame, lossless=True, colorspace=space, outcolorspace=space)

    assert np.array_equal(lossless.decode(Decoder.JPEG_LOSSLESS, stream, of, photometric), frame)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("samples", [1, 3])
def test_rle_is_decoded_by_byte_planes(bits: int, samples: int) -> None:
    of = layout(20, 30, bits, samples=samples)
    frame = noise(of)
    stream = get_encoder(RLELossless).encode(
        frame,
        rows=20,
        columns=30,
        samples_per_pixel=samples,
        bits_allocated=bits,
        bits_stored=bits,
        pixel_representation=0,
        photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2",
        number_of_frames=1,
        planar_configuration=0,
    )

    assert np.array_equal(lossless.decode(Decoder.RLE, stream, of, ""), frame)


def rle(*segments: bytes) -> bytes:
    """Return an RLE frame of these segments."""
    starts = [64 + sum(map(len, segments[:index])) for index in range(len(segments))]
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)


def test_rle_segments_may_hold_padding_and_no_operations() -> None:
    of = PixelLayout(1, 6, 1, 8, 8, signed=False)

    frame = lossless.decode(Decoder.RLE, rle(bytes([2, 1, 2, 3, 128, 254, 9, 0])), of, "MONOCHROME2")

    assert frame.tolist() == [[1, 2, 3, 9, 9, 9]]


def test_an_rle_run_may_claim_more_than_its_segment_has_if_no_pixel_needs_it() -> None:
    of = PixelLayout(1, 6, 1, 8, 8, signed=False)

    frame = lossless.decode(Decoder.RLE, rle(bytes([254, 9, 40, 1, 2, 3])), of, "MONOCHROME2")

    assert frame.tolist() == [[9, 9, 9, 1, 2, 3]]
    with pytest.raises(MalformedError):
        lossless.decode(Decoder.RLE, rle(bytes([254, 9, 40, 1, 2])), of, "MONOCHROME2")


@pytest.mark.parametrize(
    "frame",
    [
        rle(bytes([2, 1, 2, 3])),
        rle(bytes([2, 1, 2])),
        rle(bytes([251, 1]), bytes([251, 1])),
        struct.pack("<16I", 1, 5000, *[0] * 14) + bytes([251, 1]),
        rle(bytes([129, 1]) * 100),
        bytes(63),
    ],
    ids=["short", "cut", "too many segments", "outside", "bomb", "no header"],
)
def test_rle_that_is_not_one_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(MalformedError):
        lossless.decode(Decoder.RLE, frame, PixelLayout(1, 6, 1, 8, 8, signed=False), "MONOCHROME2")


@pytest.mark.parametrize("installed", [True, False])
def test_checksums_are_zlibs_with_and_without_the_fast_library(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    lossless._crc32.cache_clear()
    if not installed:
        monkeypatch.setitem(sys.modules, "imagecodecs._isal", None)
    frame = noise(layout())

    assert lossless.crc32(frame) == zlib.crc32(frame.tobytes())
    lossless._crc32.cache_clear()


def test_eight_bits_stored_in_sixteen_allocated_are_widened_again() -> None:
    of = PixelLayout(10, 10, 1, 16, 8, signed=True)
    frame = noise(of)

    stream = encode(narrowed(frame, of), of, colour_transform=False)

    assert little_endian(decode_openjph(stream), of).tobytes() == frame.tobytes()

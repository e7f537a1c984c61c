"""What a user could pick instead of HTJ2K: size and time of every lossless syntax on the same frames, in one run.

    python benchmarks/bench_compression.py [--rounds 7] [--save]

Frames are the developers' corpus's (DICOMLAKE_CORPUS) and a synthetic mammogram. Ratio is native bytes to compressed
ones; times are CPU milliseconds of the calling thread, the best of the rounds, codecs in turn, so that they compare.
HTJ2K is what ingest does: ojph for gray, imagecodecs with the colour transform for RGB, decoded by OpenJPH. J2K is
OpenJPEG, JPEG-LS CharLS; deflate is zlib's level 6 over the native frame; RLE is pydicom's bytes (its encoder is
Python, so that its time is left out). `previews` tells what part of an HTJ2K frame a 64- or 128-pixel preview takes,
and what other lossless codecs would take for the 128 pixels by themselves.
"""

import argparse
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import result
from pydicom.data import get_testdata_file
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import RLELossless
from result import say

from dicomlake.dicom.codecs.lossless import decode, decode_openjph, encode
from dicomlake.dicom.codecs.markers import read_header, resolution_ends
from dicomlake.dicom.codecs.plain import decode_rle
from dicomlake.dicom.frames.locate import plan_frames, read_frame
from dicomlake.dicom.frames.pixels import PixelArray, PixelLayout, landed_to_array, narrowed
from dicomlake.dicom.frames.syntaxes import Decoder, plan_storage
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.source import BufferSource

CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
FILES = {
    "CT 512 s14": "files/pydicom-data/693_UNCR.dcm",
    "CT 512 s16": "files/cornerstonejs-dicomParser/CT1_UNC.explicit_little_endian.dcm",
    "MR 512 s16": "files/chafey-DICOMHTJ2K/MR3_UNC",
    "XA 1024 u10": "files/robyoung-dicom-test-files/XA1_JPLL",
    "US 768x1024 u8": "files/pydicom-data/JPGLosslessP14SV1_1s_1f_8b.dcm",
}
US = "US 640x480 RGB8"
"""A frame that comes with pydicom, as J2K."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame, as codecs take it."""

    name: str
    array: PixelArray
    layout: PixelLayout

    @property
    def native(self) -> int:
        """Its native bytes."""
        return self.layout.native_length


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to store a frame; `timed` says whether its encoder is worth timing."""

    name: str
    encode: Callable[[Picture], bytes]
    decode: Callable[[bytes, Picture], PixelArray]
    timed: bool = True


def pictures() -> Iterator[Picture]:
    """Yield the frames that are there."""
    for name, path in FILES.items():
        file = CORPUS / path
        if file.exists():
            yield _picture(name, file.read_bytes())
    ultrasound = get_testdata_file("examples_jpeg2k.dcm")
    if ultrasound is not None:
        yield _picture(US, Path(str(ultrasound)).read_bytes())
    mammogram = _mammogram()
    yield Picture("MG 4096x3300 u12", mammogram, PixelLayout(4096, 3300, 1, 16, 12, signed=False))


def _picture(name: str, data: bytes) -> Picture:
    parsed = parse(BufferSource(data))
    plan = plan_storage(parsed)
    layout, frame = plan.layout, read_frame(parsed.source, plan_frames(parsed), 0)
    if layout is None:
        raise SystemExit(f"{name} has no pixels")
    native = plan.decoder in (Decoder.NATIVE, Decoder.NONE)
    array = landed_to_array(frame, layout) if native else decode(plan.decoder, frame, layout, plan.photometric)
    return Picture(name, narrowed(array, layout), layout)


def _mammogram() -> PixelArray:
    """Make a breast against black: a smooth edge, tissue of several scales, 12 bits."""
    y, x = np.mgrid[0:4096, 0:3300]
    inside = ((y - 2048) / 1900) ** 2 + (x / 2300) ** 2
    random = np.random.default_rng(11)
    tissue = sum(
        np.kron(random.normal(0, 40, (4096 // size + 1, 3300 // size + 1)), np.ones((size, size)))[:4096, :3300]
        for size in (4, 16, 64)
    )
    values = np.where(inside < 1, 1200 + 1400 * (1 - inside) + tissue + random.normal(0, 6, y.shape), 20)
    return np.clip(values, 0, 4095).astype(np.uint16)


def _openjpeg(picture: Picture) -> bytes:
    bits = picture.layout.bits_stored
    return bytes(
        imagecodecs.jpeg2k_encode(
            picture.array, level=0, reversible=True, bitspersample=bits, codecformat="j2k", mct=picture.array.ndim == 3
        )
    )


def _rle(picture: Picture) -> bytes:
    layout = picture.layout
    wide = np.ascontiguousarray(picture.array, layout.wide_dtype)
    return bytes(
        get_encoder(RLELossless).encode(
            wide,
            rows=layout.rows,
            columns=layout.columns,
            samples_per_pixel=layout.samples,
            bits_allocated=layout.bits_allocated,
            bits_stored=layout.bits_allocated,
            pixel_representation=int(layout.signed),
            photometric_interpretation="RGB" if layout.samples == 3 else "MONOCHROME2",
            number_of_frames=1,
            planar_configuration=0,
        )
    )


def _unsigned(array: PixelArray) -> PixelArray:
    return array.view(f"u{array.itemsize}")


def _inflated(data: bytes, picture: Picture) -> PixelArray:
    return np.frombuffer(zlib.decompress(data), picture.layout.wide_dtype).reshape(picture.layout.shape)


CODECS = (
    Codec(
        "HTJ2K",
        lambda picture: encode(picture.array, picture.layout, colour_transform=picture.array.ndim == 3),
        lambda data, _: decode_openjph(data),
    ),
    Codec("J2K", _openjpeg, lambda data, _: imagecodecs.jpeg2k_decode(data)),
    Codec(
        "JPEG-LS",
        lambda picture: bytes(imagecodecs.jpegls_encode(_unsigned(picture.array))),
        lambda data, picture: imagecodecs.jpegls_decode(data).view(picture.array.dtype),
    ),
    Codec("RLE", _rle, lambda data, picture: decode_rle(data, picture.layout, ""), timed=False),
    Codec(
        "deflate",
        lambda picture: zlib.compress(np.ascontiguousarray(picture.array, picture.layout.wide_dtype).tobytes(), 6),
        _inflated,
    ),
)


def measure(picture: Picture, rounds: int) -> dict[str, Any]:
    """Return every codec's ratio and times on a frame; each is proved exact first."""
    streams = {codec.name: codec.encode(picture) for codec in CODECS}
    for codec in CODECS:
        if not np.array_equal(codec.decode(streams[codec.name], picture), picture.array):
            raise SystemExit(f"{codec.name} is not lossless on {picture.name}")
    best: dict[str, dict[str, float]] = {codec.name: {} for codec in CODECS}
    for _ in range(rounds):
        for codec in CODECS:
            times = best[codec.name]
            if codec.timed:
                times["encode_ms"] = min(times.get("encode_ms", 1e9), _milliseconds(codec.encode, picture))
            decoding = _milliseconds(codec.decode, streams[codec.name], picture)
            times["decode_ms"] = min(times.get("decode_ms", 1e9), decoding)
    return {name: {"ratio": round(picture.native / len(streams[name]), 2), **times} for name, times in best.items()}


def _milliseconds(work: Callable[..., object], *given: object) -> float:
    started = time.thread_time_ns()
    work(*given)
    return round((time.thread_time_ns() - started) / 1e6, 2)


def previews(picture: Picture) -> dict[str, float]:
    """Return which part of the frame's bytes previews take, in percent, by their longer side."""
    stream = encode(picture.array, picture.layout, colour_transform=picture.array.ndim == 3)
    ends = resolution_ends(stream, read_header(stream))
    side = max(picture.layout.rows, picture.layout.columns)
    sides = [-(-side // 2 ** (len(ends) - 1 - at)) for at in range(len(ends))]
    return {str(one): round(100 * end / len(stream), 1) for one, end in zip(sides, ends, strict=True) if one <= 256}


def previews_alone(picture: Picture) -> dict[str, float]:
    """Return what the 128-pixel preview of a frame of 512 takes as a picture of its own, in percent of the frame."""
    stream = encode(picture.array, picture.layout, colour_transform=False)
    ends = resolution_ends(stream, read_header(stream))
    small = decode_openjph(memoryview(stream)[: ends[1]], skip=2).astype(np.int32)
    values = (small - small.min()).astype(np.uint16)
    streams = {
        "HTJ2K": stream[: ends[1]],
        "J2K": imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat="j2k"),
        "JPEG-LS": imagecodecs.jpegls_encode(values),
        "JPEG XL": imagecodecs.jpegxl_encode(values, lossless=True, effort=9),
    }
    return {name: round(100 * len(one) / len(stream), 1) for name, one in streams.items()}


def main() -> None:
    """Measure, print, and save where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    table, small, alone = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    for picture in pictures():
        rounds = given.rounds if picture.native < 4_000_000 else max(2, given.rounds // 3)
        table[picture.name], small[picture.name] = measure(picture, rounds), previews(picture)
        if picture.array.shape == (512, 512):
            alone[picture.name] = previews_alone(picture)
        cells = (f"{name} {one['ratio']} {_times(one)}" for name, one in table[picture.name].items())
        say(f"{picture.name:18}" + " | ".join(cells))
    say(f"previews, percent of a frame's bytes: {small}; 128 pixels by themselves: {alone}")
    if given.save:
        result.save("compression", {"frames": table, "preview_percent": small, "preview_alone_percent": alone})


def _times(one: dict[str, float]) -> str:
    return "/".join(str(one[key]) for key in ("encode_ms", "decode_ms") if key in one)


if __name__ == "__main__":
    main()

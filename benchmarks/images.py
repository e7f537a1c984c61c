"""Series of landed objects to measure with: real headers, real pixels of the developers' corpus (DICOMLAKE_CORPUS).

Pixels that the corpus does not have in the size wanted are mirrored at their edges up to it (or cut), which keeps their
noise. Without the corpus there is one kind, CT, of pydicom's CT_small tiled to 512x512.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import UID

from dicomlake.dicom.frames.locate import plan_frames, read_frame
from dicomlake.dicom.frames.pixels import Bytes, PixelArray, PixelLayout
from dicomlake.dicom.frames.syntaxes import plan_storage
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.source import BufferSource

CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
GE_HEADER = "files/cornerstonejs-dicomParser/CT1_UNC.explicit_little_endian.dcm"
"""262 elements, 179 of them private."""
SLICES = 24


@dataclass(frozen=True, slots=True)
class Slice:
    """One landed object; its pixels as an array that is ready for the encoder; its frame's bytes as they landed."""

    landed: bytearray
    pixels: PixelArray
    layout: PixelLayout
    frame: Bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of image: whose header and pixels, what size and depth, how many low bits are noise, how many."""

    header: str
    pixels: str
    rows: int
    columns: int
    bits: int
    signed: bool = False
    noise: int = 0
    slices: int = SLICES


XA, MR = "files/robyoung-dicom-test-files/XA1_J2KR", "files/pydicom-deid/MR.dcm"
KINDS = {
    "CT 512 s14": Kind(GE_HEADER, "files/pydicom-data/693_UNCR.dcm", 512, 512, 14, signed=True),
    "MR 1024 u12": Kind(MR, MR, 1024, 1024, 12, slices=8),
    "CR 2000 u15": Kind("files/orthanc-mirrors-orthanc-tests/CR000000.dcm", XA, 2000, 2000, 15, noise=5, slices=4),
    "US 640x480 RGB": Kind("pydicom:examples_jpeg2k.dcm", "pydicom:examples_jpeg2k.dcm", 480, 640, 8, slices=8),
    "MG 4096x3300 u12": Kind("files/fo-dicom-fo-dicom/OutOfBoundsOverlay.dcm", XA, 4096, 3300, 12, noise=2, slices=2),
}
"""The corpus has no large radiograph: CR and MG have the pixels of an angiogram of 10 bits, mirrored, with seeded noise
in the bits below."""

Compress = Callable[[PixelArray, PixelLayout], bytes]


def _jpeg_2000(frame: PixelArray, layout: PixelLayout) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", reversible=True, bitspersample=layout.bits_stored))


def _jpeg_lossless(frame: PixelArray, layout: PixelLayout) -> bytes:
    unsigned = frame.view("<u2") & ((1 << layout.bits_stored) - 1)
    return bytes(imagecodecs.jpeg8_encode(unsigned, lossless=True, predictor=1, bitspersample=layout.bits_stored))


def _rle(frame: PixelArray, layout: PixelLayout) -> bytes:
    return bytes(
        RLELosslessEncoder.encode(
            frame,
            rows=layout.rows,
            columns=layout.columns,
            samples_per_pixel=1,
            number_of_frames=1,
            bits_allocated=16,
            bits_stored=layout.bits_stored,
            pixel_representation=int(layout.signed),
            photometric_interpretation="MONOCHROME2",
        )
    )


COMPRESSED: dict[str, tuple[str, Compress]] = {
    "J2K lossless": ("1.2.840.10008.1.2.4.90", _jpeg_2000),
    "JPEG lossless": ("1.2.840.10008.1.2.4.70", _jpeg_lossless),
    "RLE": ("1.2.840.10008.1.2.5", _rle),
}
"""Incoming syntaxes, each of the CT slice: UID and encoder."""


def series(kind: Kind, compressed: str = "") -> list[Slice]:
    """Make a series, deterministically."""
    dataset, frame = _header(kind.header), _sized(_pixels(kind.pixels), kind)
    rgb = frame.ndim == 3
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = kind.rows, kind.columns, 3 if rgb else 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 if rgb else 16, kind.bits, kind.bits - 1
    dataset.PixelRepresentation = int(kind.signed)
    dataset.PhotometricInterpretation = "RGB" if rgb else "MONOCHROME2"
    if rgb:
        dataset.PlanarConfiguration = 0
    return [_slice(dataset, at, np.roll(frame, 64 * at, axis=at % 2), compressed) for at in range(kind.slices)]


def slices() -> list[Slice]:
    """Make the CT series, with or without the corpus."""
    return series(next(iter(kinds().values())))


def kinds() -> dict[str, Kind]:
    """Return what can be measured here."""
    small = "pydicom:CT_small.dcm"
    return KINDS if CORPUS.is_dir() else {"CT 512 s14": Kind(small, small, 512, 512, 14, signed=True)}


def _header(name: str) -> Any:
    dataset = dcmread(_path(name))
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    for group in (0x5000, 0x6000):
        for tag in [tag for tag in dataset.keys() if tag.group & 0xFF00 == group]:  # noqa: SIM118
            del dataset[tag]
    return dataset


def _path(name: str) -> str:
    return str(get_testdata_file(name[8:])) if name.startswith("pydicom:") else str(CORPUS / name)


def _pixels(name: str) -> Any:
    dataset = dcmread(_path(name))
    frame = dataset.pixel_array
    return np.tile(frame, (4, 4)) if name.endswith("CT_small.dcm") else frame


def _sized(frame: Any, kind: Kind) -> Any:
    """Mirror or cut a frame to the kind's size; values beyond its depth are clipped."""
    missing = [max(0, want - have) for want, have in zip((kind.rows, kind.columns), frame.shape, strict=False)]
    frame = np.pad(frame, [(0, missing[0]), (0, missing[1]), *[(0, 0)] * (frame.ndim - 2)], "symmetric")
    if kind.noise:
        below = np.random.default_rng(1).integers(0, 1 << kind.noise, frame.shape, "u2")
        frame = frame.astype("u2") << kind.noise | below
    half = 1 << (kind.bits - 1)
    low, high = (-half, half - 1) if kind.signed else (0, 2 * half - 1)
    dtype = "u1" if frame.ndim == 3 else "<i2" if kind.signed else "<u2"
    return np.clip(frame[: kind.rows, : kind.columns], low, high).astype(dtype)


def _slice(dataset: Any, at: int, frame: Any, compressed: str) -> Slice:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.9.7.{at + 1}"
    dataset.InstanceNumber, dataset.AcquisitionNumber = at + 1, 1 + at // 4
    dataset.AcquisitionTime, dataset.ContentTime = f"0957{at:02}.5", f"0958{at:02}.25"
    dataset.ImagePositionPatient, dataset.SliceLocation = [-125.0, -128.1, 2.5 * at - 40], f"{2.5 * at - 40}"
    dataset.XRayTubeCurrent, dataset.WindowCenter = 170 + at, 40 + at
    dataset.PixelData = frame.tobytes()
    dataset["PixelData"].VR = "OB" if frame.ndim == 3 else "OW"
    native = _landed(dataset)
    layout = plan_storage(parse(BufferSource(native))).layout
    if layout is None:
        raise SystemExit("the image has no pixels")
    if compressed:
        uid, compress = COMPRESSED[compressed]
        dataset.file_meta.TransferSyntaxUID = UID(uid)
        dataset.PixelData = encapsulate([compress(np.ascontiguousarray(frame), layout)])
        dataset["PixelData"].VR = "OB"
    landed = _landed(dataset)
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    parsed = parse(BufferSource(landed))
    return Slice(landed, np.ascontiguousarray(frame), layout, read_frame(parsed.source, plan_frames(parsed), 0))


def _landed(dataset: Any) -> bytearray:
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return bytearray(out.getvalue())

"""Parsed instances for tests of frames and codecs, made with pydicom, which shares no code with what is tested."""

import csv
import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import pydicom
import pytest

from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.instance import PIXEL_TAGS, ParsedInstance, PixelAttributes, PixelElement, Span
from dicomlake.dicom.source import BufferSource, ByteSource
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, SopClassUid, StudyUid, TransferSyntaxUid

CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
KEY = b"k" * 32
ROOT = "1.2.840.10008.1.2"
IMPLICIT, EXPLICIT, DEFLATED, BIG = ROOT, ROOT + ".1", ROOT + ".1.99", ROOT + ".2"

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the developers' corpus is not here; DICOMLAKE_CORPUS names its directory"
)


def attributes(**changes: Any) -> PixelAttributes:
    """Return the attributes of a 12-bit 4x4 frame, but for what is given."""
    given: dict[str, Any] = {"rows": 4, "columns": 4, "samples": 1, "bits_allocated": 16, "bits_stored": 12} | changes
    given.setdefault("high_bit", given["bits_stored"] - 1)
    given.setdefault("photometric", "MONOCHROME2" if given["samples"] == 1 else "RGB")
    rest = {"pixel_representation": 0, "planar_configuration": 0, "number_of_frames": 1}
    return PixelAttributes(**(rest | given))


def instance(
    value: bytes,
    given: PixelAttributes | None,
    syntax: str = EXPLICIT,
    *,
    before: bytes = b"HEAD",
    after: bytes = b"TAIL",
    vr: str = "OW",
    tag: int = 0x7FE00010,
    encapsulated: bool | None = None,
    missing: int = 0,
    source: ByteSource | None = None,
) -> ParsedInstance:
    """Return an instance whose landed bytes are `before`, the pixel value, `after`; `missing` bytes are cut off."""
    if encapsulated is None:
        encapsulated = syntax not in (IMPLICIT, EXPLICIT, DEFLATED, BIG)
    landed = before + value + after
    pixels = PixelElement(tag, vr, len(before), len(value) + missing, encapsulated, missing > 0)
    return ParsedInstance(
        key=InstanceKey(StudyUid("1.2"), SeriesUid("1.3"), InstanceUid("1.4")),
        sop_class_uid=SopClassUid("1.2.840.10008.5.1.4.1.1.2"),
        transfer_syntax=TransferSyntaxUid(syntax),
        source=source or BufferSource(landed),
        inflated=syntax == DEFLATED,
        big_endian=syntax == BIG,
        head_spans=((0, len(before)), (len(before) + len(value), len(landed))),
        pixels=pixels if given else None,
        pixel_attributes=given,
        json={},
        bulk=(),
        canonical=b"",
        warnings=(),
    )


def item(data: bytes) -> bytes:
    """Return an item of encapsulated pixel data."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data


DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


@dataclass(frozen=True)
class Case:
    """A file of the corpus: its bytes and what the corpus knows of it."""

    path: str
    row: dict[str, str]

    @property
    def file(self) -> Path:
        """Where it lies."""
        name = self.path.removeprefix("pydicom:")
        return CORPUS / name if name == self.path else Path(pydicom.__file__).parent / "data" / name

    def read(self) -> bytes:
        """Return its bytes."""
        return self.file.read_bytes()


@cache
def cases() -> tuple[Case, ...]:
    """Return all files of the corpus that a reader is expected to take."""
    if not CORPUS.is_dir():
        return ()
    with (CORPUS / "manifest.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return tuple(Case(row["path"], row) for row in rows if row["expected"].startswith("ok"))


@cache
def expected_frames() -> dict[str, dict[str, Any]]:
    """Return what independent decoders made of the corpus's frames."""
    return cast(dict[str, dict[str, Any]], json.loads((CORPUS / "frames.json").read_text(encoding="utf-8")))


def parsed(data: bytes) -> ParsedInstance | None:
    """Return a file as parsed, or None where pydicom finds no pixel data in it."""
    syntax, data = _inflated(data)
    dataset = pydicom.dcmread(BytesIO(_readable(data, syntax)), force=True)
    tag = next((tag for tag in PIXEL_TAGS if tag in dataset), None)
    if tag is None:
        return None
    element = _pixel_element(data, dataset, tag)
    big = not dataset.original_encoding[1]
    implied = IMPLICIT if dataset.original_encoding[0] else BIG if big else EXPLICIT
    found = instance(b"", None, syntax or implied, source=BufferSource(data))
    spans: tuple[Span, ...] = ((0, element.value_offset), (element.value_end, len(data)))
    return _replace(found, head_spans=spans, pixels=element, pixel_attributes=_attributes(data, dataset))


def _replace(found: ParsedInstance, **changes: Any) -> ParsedInstance:
    from dataclasses import replace

    return replace(found, **changes)


def _inflated(data: bytes) -> tuple[str, bytes]:
    meta = pydicom.dcmread(BytesIO(data), force=True, specific_tags=[], stop_before_pixels=True).file_meta
    syntax = str(getattr(meta, "TransferSyntaxUID", ""))
    if syntax != DEFLATED:
        return syntax, data
    start = 144 + meta.FileMetaInformationGroupLength
    return syntax, data[:start] + zlib.decompress(data[start:], -zlib.MAX_WBITS)


def _readable(data: bytes, syntax: str) -> bytes:
    """Return what pydicom reads without inflating again."""
    deflated = DEFLATED.encode()
    return data.replace(deflated, EXPLICIT.encode().ljust(len(deflated), b"\0"), 1) if syntax == DEFLATED else data


def _pixel_element(data: bytes, dataset: Any, tag: int) -> PixelElement:
    raw = dataset.get_item(tag)
    offset = raw.value_tell if hasattr(raw, "value_tell") and raw.value_tell else dataset[tag].file_tell
    encapsulated = raw.length == 0xFFFFFFFF
    length = _encapsulated_length(data, offset) if encapsulated else raw.length
    return PixelElement(
        tag, raw.VR or "OW", offset, min(length, len(data) - offset), encapsulated, length > len(data) - offset
    )


def _encapsulated_length(data: bytes, offset: int) -> int:
    position = offset
    while position + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHI", data, position)
        position += 8
        if (group, element) == (0xFFFE, 0xE0DD):
            break
        position += length
    return position - offset


def _attributes(data: bytes, dataset: Any) -> PixelAttributes:
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    allocated = int(dataset.get("BitsAllocated", 16) or 16)
    stored = int(dataset.get("BitsStored", allocated) or allocated)
    return PixelAttributes(
        rows=int(dataset.get("Rows", 0) or 0),
        columns=int(dataset.get("Columns", 0) or 0),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=int(dataset.get("HighBit", stored - 1)),
        pixel_representation=int(dataset.get("PixelRepresentation", 0) or 0),
        planar_configuration=int(dataset.get("PlanarConfiguration", 0) or 0),
        number_of_frames=int(dataset.get("NumberOfFrames", 1) or 1),
        photometric=str(dataset.get("PhotometricInterpretation", "MONOCHROME2")),
        frame_offsets=_value_span(data, dataset, "ExtendedOffsetTable"),
        frame_lengths=_value_span(data, dataset, "ExtendedOffsetTableLengths"),
    )


def _value_span(data: bytes, dataset: Any, keyword: str) -> Span | None:
    if keyword not in dataset:
        return None
    value = dataset[keyword].value
    start = data.find(value)
    return (start, start + len(value))


def noise(layout: PixelLayout, seed: int = 7) -> np.ndarray:
    """Return a frame of random values over the whole range, both extremes among them."""
    low, high = layout.value_range
    random = np.random.default_rng(seed)
    frame = random.integers(low, high, layout.shape, endpoint=True).astype(layout.wide_dtype)
    frame.flat[0], frame.flat[-1] = low, high
    return frame


def pixel_cases(*suffixes: str) -> Iterator[Case]:
    """Yield the corpus's files of these transfer syntaxes (the UID after 1.2.840.10008.1.2) that have frames."""
    known = expected_frames() if CORPUS.is_dir() else {}
    for case in cases():
        if case.row["transfer_syntax"] in {ROOT + suffix for suffix in suffixes} and case.path in known:
            yield case

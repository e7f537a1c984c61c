"""Everything that can be asked of a stored file, asked: for tests that any content, however damaged, is answered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from imagecodecs import jpeg2k_decode, jpegls_decode

from dicomlake.domain.model import InstanceRecord
from tests.unit.web.events import body_of, get
from tests.unit.web.multiparts import content, parts_of
from tests.unit.web.pixel_lake import ROOT, PixelLake

SYNTAX = "1.2.840.10008.1.2"
OCTETS = 'multipart/related; type="application/octet-stream"'
AS_STORED = f"{OCTETS}; transfer-syntax=*"
JPEG_2000, JPEG_LS = (f'multipart/related; type="{kind}"' for kind in ("image/jp2", "image/jls"))
FRAMES = (OCTETS, f"{OCTETS}; transfer-syntax={SYNTAX}.1", AS_STORED, JPEG_2000, JPEG_LS)
FILES = ("", f"; transfer-syntax={SYNTAX}.4.90", "; transfer-syntax=*")
JSON, XML = "application/dicom+json", 'multipart/related; type="application/dicom+xml"'

Answers = dict[tuple[str, str], dict[str, Any]]


@dataclass(slots=True)
class Attacked:
    """What a file's instance answered: by URL behind the instance's and by Accept."""

    record: InstanceRecord
    answers: Answers = field(default_factory=dict)

    def errors(self) -> list[str]:
        """The answers that say the lake is at fault."""
        return [f"{what}: {one['body'][:120]}" for what, one in self.answers.items() if one["statusCode"] >= 500]

    def body(self, path: str, accept: str) -> bytes | None:
        """The first part of an answer, None where it is refused."""
        answer = self.answers[path, accept]
        return content(parts_of(answer)[0]) if answer["statusCode"] == 200 else None

    def differing(self) -> list[str]:
        """The forms in which a frame's pixels are not those that it has uncompressed."""
        native = self.body("/frames/1", OCTETS)
        if native is None or any(warned.code == "unaligned-frames" for warned in self.record.warnings):
            return []
        found = {"file": self._file(), "jp2": self._decoded(JPEG_2000), "jls": self._decoded(JPEG_LS)}
        return [form for form, pixels in found.items() if pixels is not None and not _equal(pixels, native)]

    def _decoded(self, accept: str) -> np.ndarray | None:
        body = self.body("/frames/1", accept)
        kept = self.record.stored_transfer_syntax in (f"{SYNTAX}.4.81", f"{SYNTAX}.4.91")
        if body is None or kept:
            return None
        return jpeg2k_decode(body) if accept == JPEG_2000 else jpegls_decode(body)

    def _file(self) -> np.ndarray | None:
        answer = self.answers["", "application/dicom"]
        if answer["statusCode"] != 200:
            return None
        data = pydicom.dcmread(BytesIO(body_of(answer)))
        values = (data.get(name) for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
        return next((np.frombuffer(value, "u1") for value in values if value), None)


def _equal(pixels: np.ndarray, native: bytes) -> bool:
    """Whether an array begins with these octets: as they are, or as the values that they are the low bits of."""
    if pixels.dtype == np.uint8 and pixels.ndim == 1:
        return pixels.tobytes()[: len(native)] == native
    if pixels.size > len(native):  # one bit a pixel
        return np.packbits(pixels.reshape(-1), bitorder="little").tobytes() == native
    whole = np.frombuffer(native, f"<u{max(1, len(native) // max(pixels.size, 1))}")
    bits = (1 << 8 * min(whole.itemsize, pixels.itemsize)) - 1
    return bool(np.array_equal(pixels.reshape(-1).astype("i8") & bits, whole.astype("i8") & bits)) or _fewer_bits(
        pixels, whole
    )


def _fewer_bits(pixels: np.ndarray, whole: np.ndarray) -> bool:
    """Whether signed values were written as their Bits Stored, which Pixel Representation extends."""
    low = int(pixels.max(initial=0)).bit_length()
    mask = (1 << max(low, 1)) - 1
    return bool(np.array_equal(pixels.reshape(-1).astype("i8") & mask, whole.astype("i8") & mask))


def attack(file: bytes) -> list[Attacked]:
    """Land a file alone and ask everything of what was stored of it."""
    lake = PixelLake()
    lake.store_files(file)
    return [_asked(lake, record) for record in tuple(lake.store.state.instances.values())]


def _asked(lake: PixelLake, record: InstanceRecord) -> Attacked:
    key, asked = record.key, Attacked(record)
    study = f"{ROOT}/studies/{key.study_uid}"
    instance = f"{study}/series/{key.series_uid}/instances/{key.instance_uid}"
    for path, accept in _questions(record):
        asked.answers[path, accept] = get(lake.services(), instance + path, accept)
    for path, accept in (("/rendered", "image/jpeg"), ("/thumbnail", "image/jpeg"), ("", "")):
        asked.answers[f"study{path}", accept] = get(lake.services(), study + path, accept)
    for name in _named(asked.answers["/metadata", JSON]):
        asked.answers[name, "*/*"] = get(lake.services(), f"{instance}/{name}", "*/*")
    return asked


def _questions(record: InstanceRecord) -> Iterator[tuple[str, str]]:
    for number in sorted({1, max(1, record.frame_count)}):
        yield from ((f"/frames/{number}", accept) for accept in FRAMES)
        yield from ((f"/frames/{number}/rendered", accept) for accept in ("image/jpeg", "image/png"))
    yield from (("", f"application/dicom{syntax}") for syntax in FILES)
    yield from (("/rendered", "image/png"), ("/thumbnail", "image/jpeg"), ("/metadata", JSON), ("/metadata", XML))
    yield from (("/bulkdata/pixeldata", accept) for accept in ("*/*", OCTETS))


def _named(answer: dict[str, Any]) -> Iterator[str]:
    """Yield the bulk data that metadata name, as they stand behind the instance's URL."""
    pending = json.loads(body_of(answer)) if answer["statusCode"] == 200 else []
    while pending:
        for element in pending.pop().values():
            if "BulkDataURI" in element:
                yield "bulkdata/" + element["BulkDataURI"].rpartition("/")[2]
            items = element.get("Value") if element.get("vr") in ("SQ", "UN") else None
            pending += [item for item in items or () if isinstance(item, dict)]

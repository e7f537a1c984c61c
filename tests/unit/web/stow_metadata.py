"""Metadata as senders write them, complete for their SOP class but for what the bulk data say; and the bulk data."""

import json
import struct
from typing import Any

import imagecodecs
import numpy as np

from tests.unit.web.stow_lake import BOUNDARY
from tests.usecases.dicom_files import ROOT as UID

Document = dict[str, Any]
SECONDARY, TRUE_COLOUR = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"
PHOTOGRAPHIC_VIDEO, ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.840.10008.5.1.4.1.1.104.1"
GREY = np.random.default_rng(1).integers(0, 256, (32, 48), np.uint8)
DEEP = np.random.default_rng(2).integers(0, 4096, (32, 48), np.uint16)
COLOUR = np.random.default_rng(3).integers(0, 256, (32, 48, 3), np.uint8)
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"


def element(vr: str, *values: object) -> Document:
    """One DICOM JSON attribute; without a value one that is empty."""
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def metadata(sop_class: str, uri: str = "bulk/1", number: int = 1, **changes: Document) -> Document:
    """An instance of a SOP class whose pixel data are somewhere else; `changes` are by tag with a leading t."""
    found = {
        "00080005": element("CS", "ISO_IR 192"),
        "00080008": element("CS", "DERIVED", "SECONDARY"),
        "00080016": element("UI", sop_class),
        "00080018": element("UI", f"{UID}.50.1.{number}"),
        "00080020": element("DA", "20260102"),
        "00080023": element("DA", "20260102"),
        "0008002A": element("DT", "20260102101112"),
        "00080030": element("TM", "101112"),
        "00080033": element("TM", "101112"),
        "00080050": element("SH", "A50"),
        "00080060": element("CS", "OT"),
        "00080064": element("CS", "WSD"),
        "00080070": element("LO", "Maker"),
        "00080090": element("PN"),
        "00081090": element("LO", "Model"),
        "00100010": element("PN", {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}),
        "00100020": element("LO", "P50"),
        "00100030": element("DA", "19700101"),
        "00100040": element("CS", "O"),
        "00200010": element("SH", "1"),
        "0020000D": element("UI", f"{UID}.50"),
        "0020000E": element("UI", f"{UID}.50.1"),
        "00200011": element("IS", 1),
        "00200013": element("IS", number),
        "00200020": element("CS", "L", "F"),
        "00200060": element("CS"),
        "7FE00010": {"vr": "OB", "BulkDataURI": uri},
    }
    return {**found, **{tag[1:]: value for tag, value in changes.items()}}


def sent(*parts: tuple[str, str, bytes], root: str = "application/dicom+json") -> tuple[bytes, str]:
    """A body of parts, each Content-Type, Content-Location and content; and its own Content-Type."""
    body = bytearray()
    for kind, location, content in parts:
        place = f"Content-Location: {location}\r\n" if location else ""
        body += f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n{place}\r\n".encode() + content + b"\r\n"
    return bytes(body) + f"--{BOUNDARY}--".encode(), f'multipart/related; type="{root}"; boundary={BOUNDARY}'


def described(*instances: Document) -> tuple[str, str, bytes]:
    """The part of metadata."""
    return "application/dicom+json", "", json.dumps(list(instances)).encode()


def jpeg(image: Any = COLOUR, **options: Any) -> bytes:
    """A JPEG file."""
    return bytes(imagecodecs.jpeg8_encode(image, level=90, **options))


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of an MP4 file."""
    whole = b"".join(content)
    return struct.pack(">I4s", len(whole) + 8, kind) + whole


def mp4(
    profile: int = 100, level: int = 40, codec: bytes = b"avc1", frames: int = 25, index_first: bool = False
) -> bytes:
    """An MP4 file of 640x480 at 25 frames a second, whose pictures are no pictures."""
    if codec == b"avc1":
        configuration = box(b"avcC", bytes([1, profile, 0, level, 0xFF, 0xE1]))
    else:
        configuration = box(b"hvcC", bytes([1, profile, *[0] * 10, level, *[0] * 10]))
    entry = box(codec, bytes(24), struct.pack(">HH", 640, 480), bytes(50), configuration)
    table = box(
        b"stbl",
        box(b"stsd", bytes(4), struct.pack(">I", 1), entry),
        box(b"stts", bytes(4), struct.pack(">III", 1, frames, 40)),
    )
    media = box(
        b"mdia",
        box(b"mdhd", bytes(12), struct.pack(">II", 1000, frames * 40), bytes(4)),
        box(b"hdlr", bytes(8), b"vide", bytes(12)),
        box(b"minf", table),
    )
    index, content = box(b"moov", box(b"trak", media)), box(b"mdat", bytes(range(256)) * 40)
    begin = box(b"ftyp", b"isom", bytes(4 + (len(index) + len(content)) % 2))
    return begin + (index + content if index_first else content + index)

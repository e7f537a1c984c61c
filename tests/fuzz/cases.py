"""Damaged files: how they are made, and what must hold of each, whatever the damage."""

import random
import struct
from collections.abc import Callable
from functools import cache
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.pixels.decoders.rle import _rle_decode_frame
from pydicom.uid import UID

from dicomlake.dicom.codecs.bounded import decode_in_time
from dicomlake.dicom.codecs.lossless import CODEC_ERRORS, decode_openjpeg
from dicomlake.dicom.codecs.plain import inflated_frame
from dicomlake.dicom.codecs.transcode import StoredFrame, store_instance
from dicomlake.dicom.files.dataset import read_head
from dicomlake.dicom.files.part10 import StoredPixels, write_part10
from dicomlake.dicom.files.restore import head_parts, is_spliced, landed_reader, rebuild, splices
from dicomlake.dicom.frames.kinds import KINDS, Kind
from dicomlake.dicom.frames.locate import FramePlan, plan_frames, read_frame
from dicomlake.dicom.frames.pixels import PixelLayout, array_to_landed, as_stored, landed_to_array, little_endian
from dicomlake.dicom.frames.syntaxes import (
    EXPLICIT_LITTLE,
    SYNTAXES,
    Action,
    Decoder,
    StoragePlan,
    Stream,
    plan_storage,
)
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import NotAcceptableError, PipelineError
from dicomlake.domain.model import TransferSyntaxUid
from tests.unit.dicom.sources import frame_of, value_of

KEY = b"k" * 32
HEADER = 3000
"""Bytes from the start in which half of the damage is done: there it changes what the pixels mean."""

GRAY, SIGNED, COLOUR = KINDS[5], KINDS[6], KINDS[16]
ROOT = "1.2.840.10008.1.2"
SEEDS = (
    *(
        (GRAY, suffix)
        for suffix in ("", ".1", ".2", ".1.98", ".8.1", ".5", ".4.57", ".4.70", ".4.80", ".4.90", ".4.201")
    ),
    *((SIGNED, suffix) for suffix in (".1", ".5", ".4.80", ".4.90", ".4.202")),
    *((COLOUR, suffix) for suffix in (".1", ".8.1", ".5", ".4.70", ".4.80", ".4.90", ".4.202")),
)
"""What is damaged: a kind of frame, and a transfer syntax by the end of its UID."""


@cache
def seed_file(index: int) -> bytes:
    """Return a whole file of two frames."""
    kind, suffix = SEEDS[index]
    syntax = TransferSyntaxUid(ROOT + suffix)
    dataset = _header(kind)
    values = [value_of(kind, syntax, _even(frame_of(kind, syntax, seed))) for seed in (1, 2)]
    encapsulated = SYNTAXES[syntax].stream is not Stream.NATIVE
    joined = values[0][:-8] + values[1][8:-8] if encapsulated else b"".join(values)
    dataset.add_new(0x7FE00010, "OB" if encapsulated else "OW", joined)
    dataset["PixelData"].is_undefined_length = encapsulated
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    out = DicomBytesIO()
    write_file_meta_info(out, dataset.file_meta, enforce_standard=False)
    body = DicomBytesIO()
    body.is_implicit_VR, body.is_little_endian = suffix == "", suffix != ".2"
    write_dataset(body, dataset)
    return bytes(128) + b"DICM" + out.getvalue() + body.getvalue()


def _even(frame: np.ndarray) -> np.ndarray:
    """A smooth frame, so that codes of many lengths occur, with the noise of the first lines."""
    smooth = np.sort(frame, axis=1)
    smooth[:8] = frame[:8]
    return smooth


def _header(kind: Kind) -> Dataset:
    given, dataset = kind.attributes, Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.7"), UID("1.2.3")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = UID("1.2.1"), UID("1.2.2"), "OT"
    dataset.NumberOfFrames, dataset.InstanceNumber = 2, 1
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = given.rows, given.columns, given.samples
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = given.bits_allocated, given.bits_stored, given.high_bit
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = given.pixel_representation, given.photometric
    if given.samples > 1:
        dataset.PlanarConfiguration = given.planar_configuration
    return dataset


def damaged(number: int) -> bytes:
    """Return the file of a case: always the same for the same number."""
    chance = random.Random(number)  # noqa: S311 - damage, no secrets
    data = bytearray(seed_file(chance.randrange(len(SEEDS))))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        chance.choice(MUTATIONS)(data, chance)
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    return chance.randrange(min(len(data), HEADER) if chance.random() < 0.5 else len(data)) if data else 0


def _flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at : at + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xd9", b"\xff\xff\0\0", b"\1\0\0\0"))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _drop(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 2, 8, 64, 1000))]


def _insert(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = chance.randbytes(chance.choice((1, 2, 8, 64)))


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = data[at : at + chance.choice((8, 100, 5000))]


def _attribute(data: bytearray, chance: random.Random) -> None:
    """Change an attribute of the Image Pixel module to another number."""
    element = chance.choice((0x0002, 0x0006, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103))
    at = data.find(struct.pack("<HH2s", 0x0028, element, b"US"))
    if at >= 0:
        data[at + 8 : at + 10] = struct.pack("<H", chance.choice((0, 1, 3, 7, 8, 11, 12, 16, 32, 65, 71, 4096, 65535)))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip,
    _overwrite,
    _cut,
    _drop,
    _insert,
    _repeat,
    _attribute,
)


class WrongPixelsError(AssertionError):
    """What is stored is not what landed, and nothing says so."""


def check(data: bytes) -> str:
    """Store a damaged file as an ingest does and return what became of it; raises what must never be raised.

    Whatever is stored as the bytes that landed has to give them back; whatever was decoded has to be what a decoder
    that shares no code with the lake's reads in the landed frame.
    """
    try:
        parsed = parse(BufferSource(data))
    except PipelineError as error:
        return f"refused: {type(error).__name__}"
    found = plan_frames(parsed)
    plan, frames = store_instance(parsed.source, plan_storage(parsed), found, KEY)
    if is_spliced(plan):
        _restores(parsed, plan, found, frames)
    if plan.action is Action.TRANSCODE and plan.layout is not None:
        for index, frame in enumerate(frames):
            _is_what_landed(plan, plan.layout, bytes(read_frame(parsed.source, found, index)), frame)
    _writes(parsed, plan, found, frames)
    return f"{plan.action}: {plan.reason}" if plan.reason else str(plan.action)


def _restores(parsed: ParsedInstance, plan: StoragePlan, found: FramePlan, frames: tuple[StoredFrame, ...]) -> None:
    reader = landed_reader(plan, lambda index: frames[index].code_stream)
    again = b"".join(rebuild(head_parts(parsed, plan, found), splices(plan, found), reader))
    if again != bytes(parsed.source.read(0, parsed.source.size)):
        raise WrongPixelsError("the landed bytes do not come back")


def _is_what_landed(plan: StoragePlan, layout: PixelLayout, landed: bytes, frame: StoredFrame) -> None:
    stored = little_endian(decode_openjpeg(frame.code_stream), layout)
    try:
        source = _OTHERS[plan.decoder](landed, layout)
    except (*CODEC_ERRORS, NotImplementedError):
        return
    if source.shape != layout.shape:
        return
    read = as_stored(source, layout)
    if read is None or not np.array_equal(little_endian(read, layout), stored):
        raise WrongPixelsError(f"another decoder reads other pixels in a {plan.decoder} frame")


def _writes(parsed: ParsedInstance, plan: StoragePlan, found: FramePlan, frames: tuple[StoredFrame, ...]) -> None:
    """Write the files that a reader may ask for; they open, or a sentence says why there is none."""
    for as_stored_too in (False, True):
        try:
            head = read_head(b"".join(bytes(part) for part in head_parts(parsed, plan, found)), splices(plan, found))
            pixels = _pixels(plan, frames)
            written = b"".join(bytes(part) for part in write_part10(head, pixels, as_stored=as_stored_too))
        except (PipelineError, NotAcceptableError):
            continue
        pydicom.dcmread(BytesIO(written))


def _pixels(plan: StoragePlan, frames: tuple[StoredFrame, ...]) -> StoredPixels | None:
    if plan.layout is None or not frames:
        return None
    lengths = [frame.frame.length for frame in frames]
    return StoredPixels(plan.stored_syntax or EXPLICIT_LITTLE, plan.layout, lengths, lambda i: frames[i].code_stream)


def _rle(data: bytes, layout: PixelLayout) -> np.ndarray:
    planes = _rle_decode_frame(data, layout.rows, layout.columns, layout.samples, layout.bits_allocated)
    array = np.frombuffer(planes, layout.wide_dtype).reshape(layout.samples, layout.rows, layout.columns)
    return array[0] if layout.samples == 1 else array.transpose(1, 2, 0)


def _native(data: bytes, layout: PixelLayout) -> np.ndarray:
    array = landed_to_array(data, layout)
    if array_to_landed(array, layout) != data:
        raise WrongPixelsError("a native frame is not its own bytes")
    return array


_OTHERS: dict[Decoder, Callable[[bytes, PixelLayout], np.ndarray]] = {
    Decoder.NATIVE: _native,
    Decoder.DEFLATED: lambda data, layout: landed_to_array(inflated_frame(data, layout), layout),
    Decoder.RLE: _rle,
    Decoder.JPEG_LOSSLESS: lambda data, _: imagecodecs.jpegsof3_decode(data),
    Decoder.JPEG_LS: lambda data, layout: decode_in_time("jpeg-ls", data, layout.native_length),
    Decoder.JPEG_2000: lambda data, _: imagecodecs.jpeg2k_decode(data),
}
"""Another reader of each kind of source; JPEG-LS and JPEG 2000 have none: theirs show that what was read is stored."""

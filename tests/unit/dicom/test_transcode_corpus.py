"""Every frame of the corpus is stored without loss: its pixels are those that independent decoders found."""

import hashlib

import numpy as np
import pytest

from dicomlake.dicom.codecs.lossless import crc32, decode_openjpeg, decode_openjph
from dicomlake.dicom.codecs.transcode import StoredFrame, store_instance
from dicomlake.dicom.files.restore import head_parts, landed_reader, rebuild, splices
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import PixelLayout, little_endian
from dicomlake.dicom.frames.syntaxes import HTJ2K_LOSSLESS_RPCL, Action, StoragePlan, plan_storage
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import PermanentError
from dicomlake.domain.model import Restorable
from tests.unit.dicom.frames_given import CORPUS, KEY, Case, cases, expected_frames, needs_corpus, parsed, pixel_cases

LOSSLESS = ("", ".1", ".1.99", ".2", ".5", ".4.57", ".4.70", ".4.80", ".4.90", ".4.201", ".4.202")
KEPT = {
    "bits-allocated",
    "bits-stored-exceeded",
    "empty-image",
    "photometric",
    "truncated",
    "unaligned-words",
    "float-pixels",
}
OPJ_SIGN = "pydicom:test_files/J2K_pixelrep_mismatch.dcm"
"""A code stream that is unsigned where the header says signed; the corpus's decoders give the unsigned numbers."""

pytestmark = [needs_corpus, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]


def _stored(case: Case) -> tuple[StoragePlan, tuple[StoredFrame, ...]]:
    found = parsed(case.read())
    assert found is not None
    return store_instance(found.source, plan_storage(found), plan_frames(found), KEY)


def _sha256(array: np.ndarray, layout: PixelLayout) -> str:
    return hashlib.sha256(little_endian(array, layout).tobytes()).hexdigest()


@pytest.mark.parametrize("case", list(pixel_cases(*LOSSLESS)), ids=lambda case: case.path)
def test_a_lossless_frame_is_stored_exactly_by_two_decoders_that_share_no_code(case: Case) -> None:
    plan, frames = _stored(case)
    if plan.action is Action.KEEP:
        assert plan.reason in KEPT
        return

    assert plan.layout is not None
    openjpeg = [_sha256(decode_openjpeg(frame.code_stream), plan.layout) for frame in frames]
    openjph = [_sha256(decode_openjph(frame.code_stream), plan.layout) for frame in frames]

    assert plan.stored_syntax == HTJ2K_LOSSLESS_RPCL
    assert openjph == openjpeg
    assert openjpeg == expected_frames()[case.path]["sha256"] or case.path == OPJ_SIGN


@pytest.mark.parametrize("case", list(pixel_cases(*LOSSLESS)), ids=lambda case: case.path)
def test_a_prefix_of_a_stored_frame_decodes_to_its_level_and_checksum(case: Case) -> None:
    plan, frames = _stored(case)

    for frame in frames if plan.action is not Action.KEEP else ():
        assert plan.layout is not None
        levels = frame.frame.levels
        for index, level in enumerate(levels):
            small = decode_openjpeg_level(bytes(frame.code_stream), level.end, len(levels) - 1 - index)
            assert small.shape[:2] == (level.height, level.width)
            assert crc32(little_endian(small, plan.layout)) == level.crc32


def decode_openjpeg_level(stream: bytes, end: int, skip: int) -> np.ndarray:
    """Decode a prefix with OpenJPH; where it is the whole stream with OpenJPEG."""
    return decode_openjph(stream[:end], skip=skip) if skip else decode_openjpeg(stream)


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.path)
def test_head_and_frames_give_the_landed_bytes_again(case: Case) -> None:
    data = case.read()
    try:
        found = parse(BufferSource(data))
    except PermanentError:
        return
    frames = plan_frames(found)
    plan, stored = store_instance(found.source, plan_storage(found), frames, KEY)
    if plan.restorable is Restorable.PIXELS and not found.inflated:  # the frames are proved above, the head here
        head = b"".join(head_parts(found, plan, frames))
        assert head == b"".join(bytes(found.source.read(start, end - start)) for start, end in found.head_spans)
        return

    landed = landed_reader(plan, lambda index: stored[index].code_stream)
    again = b"".join(rebuild(head_parts(found, plan, frames), splices(plan, frames), landed))

    whole = bytes(found.source.read(0, found.source.size))
    assert again == whole
    assert found.inflated or hashlib.sha256(again).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("case", list(pixel_cases(*LOSSLESS)), ids=lambda case: case.path)
def test_the_lakes_parser_and_pydicom_say_the_same_of_the_pixels(case: Case) -> None:
    data = case.read()
    try:
        ours = parse(BufferSource(data))
    except PermanentError:
        return

    theirs = parsed(data)

    assert theirs is not None
    assert (ours.pixels, ours.pixel_attributes) == (theirs.pixels, theirs.pixel_attributes)


def test_the_corpus_is_transcoded_but_for_what_has_a_reason() -> None:
    outcomes = [_stored(case)[0] for case in pixel_cases(*LOSSLESS)]

    transcoded = [plan for plan in outcomes if plan.stored_syntax == HTJ2K_LOSSLESS_RPCL]

    assert CORPUS.is_dir()
    assert len(transcoded) > 0.85 * len(outcomes)
    assert all(plan.warnings == () for plan in transcoded)

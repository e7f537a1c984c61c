"""A frame is stored as HTJ2K only if it comes back exactly; else the whole instance stays what it was."""

import subprocess
import sys
import tracemalloc
from typing import Any

import imagecodecs
import numpy as np
import pytest

from dicomlake.dicom.codecs import lossless, transcode
from dicomlake.dicom.codecs.lossless import decode_openjpeg, encode
from dicomlake.dicom.codecs.transcode import NotExactError, StoredFrame, store_frames, store_instance
from dicomlake.dicom.codecs.verify import SAMPLED_BITS, Independent, Verification
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.frames.syntaxes import HTJ2K_LOSSLESS_RPCL, Action, StoragePlan, plan_storage
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.ids import frame_id
from dicomlake.domain.model import Restorable, Warned
from tests.unit.dicom.frames_given import DELIMITER, EXPLICIT, KEY, ROOT, attributes, instance, item, noise

SIDE = 70
ALL = Verification(Independent.ALL)


def native(*frames: np.ndarray, **changes: Any) -> ParsedInstance:
    """Return a native instance of these frames, 12 of 16 bits unless told otherwise."""
    value = b"".join(frame.tobytes() for frame in frames)
    rows, columns = frames[0].shape[:2]
    return instance(value, attributes(rows=rows, columns=columns, number_of_frames=len(frames), **changes))


def encapsulated(stream: bytes, syntax: str, **changes: Any) -> ParsedInstance:
    """Return an instance of one compressed frame."""
    padded = bytes(stream) + b"\0" * (len(stream) % 2)
    value = item(b"") + item(padded) + DELIMITER
    return instance(value, attributes(rows=SIDE, columns=SIDE, **changes), ROOT + syntax)


def stored(parsed: ParsedInstance, how: Verification = ALL) -> tuple[StoragePlan, tuple[StoredFrame, ...]]:
    """Store an instance."""
    return store_instance(parsed.source, plan_storage(parsed), plan_frames(parsed), KEY, how)


def pixels(bits: int = 12, signed: bool = False, seed: int = 7) -> np.ndarray:
    """Return a frame of noise in 16 bits."""
    return noise(PixelLayout(SIDE, SIDE, 1, 16, bits, signed), seed)


def test_a_native_frame_is_stored_with_all_that_readers_need() -> None:
    frame = pixels()

    plan, (only,) = stored(native(frame))

    record = only.frame
    assert (plan.stored_syntax, plan.restorable, plan.warnings) == (HTJ2K_LOSSLESS_RPCL, Restorable.BYTES, ())
    assert (record.length, record.native_length) == (len(only.code_stream), frame.nbytes)
    assert (record.minimum, record.maximum) == (0, 4095)
    assert record.frame_id == frame_id(KEY, only.code_stream)
    assert [(level.width, level.height) for level in record.levels] == [(35, 35), (70, 70)]
    assert np.array_equal(decode_openjpeg(only.code_stream), frame)


@pytest.mark.parametrize(
    ("value", "bits", "signed"),
    [(4096, 12, False), (0xFFFF, 12, False), (0x0FFF, 12, True), (-2049, 12, True), (2048, 12, True)],
)
def test_a_value_outside_bits_stored_keeps_the_instance_native(value: int, bits: int, signed: bool) -> None:
    frame = pixels(bits, signed)
    frame[3, 3] = value

    parsed = native(frame, bits_stored=bits, pixel_representation=int(signed))
    plan, (only,) = stored(parsed)

    assert (plan.action, plan.reason, plan.stored_syntax) == (Action.KEEP, "bits-stored-exceeded", EXPLICIT)
    assert bytes(only.code_stream) == frame.tobytes()


def test_without_the_range_check_only_the_independent_decoder_would_see_the_loss() -> None:
    layout = PixelLayout(SIDE, SIDE, 1, 16, 12, signed=False)
    frame = pixels()
    frame[3, 3] = 4096

    stream = encode(frame, layout, colour_transform=False)

    assert np.array_equal(lossless.decode_openjph(stream), frame)
    assert not np.array_equal(decode_openjpeg(stream), frame)


@pytest.mark.parametrize(
    ("verification", "kept"),
    [(ALL, True), (Verification(first_of_series=True), True), (Verification(), False)],
)
def test_the_independent_decoder_stops_what_openjph_would_let_pass(
    verification: Verification, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomlake.dicom.frames.pixels.fits", lambda low, high, layout: True)
    frame = pixels()
    frame[3, 3] = 4096

    plan, _ = stored(native(frame), verification)

    assert (plan.warnings == (Warned("verify-mismatch"),)) is kept
    assert (plan.action is Action.KEEP) is kept


def test_a_frame_that_decodes_to_other_pixels_is_never_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def off_by_one(array: np.ndarray, layout: PixelLayout, *, colour_transform: bool) -> bytes:
        wrong = array.copy()
        wrong[0, 0] ^= 1
        return encode(wrong, layout, colour_transform=colour_transform)

    monkeypatch.setattr(lossless, "encode", off_by_one)
    plan, (only,) = stored(native(pixels()), Verification())

    assert (plan.action, plan.reason, plan.warnings) == (Action.KEEP, "verify-mismatch", (Warned("verify-mismatch"),))
    assert bytes(only.code_stream) == pixels().tobytes()


@pytest.mark.parametrize("broken", [b"", b"not a code stream"])
def test_an_encoder_that_gives_rubbish_keeps_the_instance(broken: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossless, "encode", lambda *_, **__: broken)

    assert stored(native(pixels()))[0].reason == "verify-mismatch"


def test_an_encoder_that_fails_keeps_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> bytes:
        raise RuntimeError("ojph error")

    monkeypatch.setattr(lossless, "encode", failing)

    assert stored(native(pixels()))[0].reason == "verify-mismatch"


def test_one_frame_that_does_not_fit_keeps_all_frames_of_its_instance() -> None:
    bad = pixels(seed=3)
    bad[0, 0] = 5000
    parsed = native(pixels(seed=1), pixels(seed=2), bad)
    plan, frames = plan_storage(parsed), plan_frames(parsed)

    yielded: list[StoredFrame] = []
    with pytest.raises(NotExactError) as refusal:
        yielded.extend(store_frames(parsed.source, plan, frames, KEY))
    kept = list(store_frames(parsed.source, refusal.value.plan, frames, KEY))

    assert refusal.value.plan.stored_syntax == EXPLICIT
    assert b"".join(bytes(frame.code_stream) for frame in kept) == parsed.source.read(4, 3 * bad.nbytes)


def test_kept_frames_have_one_level_whose_checksum_is_over_their_bytes() -> None:
    lossy = bytes(imagecodecs.jpeg8_encode(noise(PixelLayout(SIDE, SIDE, 1, 8, 8, signed=False)), level=90))

    plan, (only,) = stored(encapsulated(lossy, ".4.50", bits_allocated=8, bits_stored=8))

    (level,) = only.frame.levels
    assert (plan.stored_syntax, plan.restorable) == (ROOT + ".4.50", Restorable.BYTES)
    assert bytes(only.code_stream) == lossy
    assert (level.width, level.height, level.end) == (SIDE, SIDE, len(lossy))
    assert level.crc32 == imagecodecs.zlib_crc32(lossy)
    assert (only.frame.native_length, only.frame.minimum, only.frame.maximum) == (SIDE * SIDE, None, None)


def test_signed_pixels_in_an_unsigned_code_stream_get_their_sign() -> None:
    signed = pixels(13, signed=True)
    stream = imagecodecs.jpeg2k_encode(
        signed.view(np.uint16) & 0x1FFF, level=0, reversible=True, bitspersample=13, codecformat="j2k"
    )

    plan, (only,) = stored(encapsulated(bytes(stream), ".4.90", bits_stored=13, pixel_representation=1))

    assert (plan.stored_syntax, plan.restorable) == (HTJ2K_LOSSLESS_RPCL, Restorable.PIXELS)
    assert np.array_equal(decode_openjpeg(only.code_stream), signed)
    assert (only.frame.minimum, only.frame.maximum) == (-4096, 4095)


def test_a_frame_that_cannot_be_decoded_is_kept_and_told() -> None:
    whole = bytes(imagecodecs.jpeg2k_encode(pixels(), level=0, reversible=True, codecformat="j2k"))
    cut = whole[: len(whole) // 2]

    plan, (only,) = stored(encapsulated(cut, ".4.90"))

    assert (plan.stored_syntax, plan.restorable) == (ROOT + ".4.90", Restorable.BYTES)
    assert plan.warnings == (Warned("undecodable-frame"),)
    assert bytes(only.code_stream).rstrip(b"\0") == cut.rstrip(b"\0")


def test_the_sample_is_the_same_for_the_same_frame_and_about_as_large_as_said() -> None:
    names = [frame_id(KEY, index.to_bytes(4)) for index in range(20_000)]
    wanted = [name for name in names if Verification().wants(5, name)]

    assert wanted == [name for name in names if Verification(first_of_series=True).wants(5, name)]
    assert 0.6 < len(wanted) * 2**SAMPLED_BITS / len(names) < 1.4
    assert all(Verification(first_of_series=True).wants(0, name) for name in names)
    assert all(ALL.wants(7, name) for name in names)


class Repeated:
    """A multi-frame object whose frames are made when they are read."""

    def __init__(self, frame: bytes, count: int) -> None:
        self._frame = frame
        self.size = len(frame) * count

    def read(self, start: int, length: int) -> memoryview:
        """Return the frame that lies there, as a fresh copy."""
        assert start % len(self._frame) == 0
        return memoryview(bytearray(self._frame))[:length]


def test_a_large_multi_frame_passes_with_one_frame_in_hand() -> None:
    frame = np.tile(pixels()[:64, :64], (8, 8))
    count = 40
    parsed = native(frame)
    source = Repeated(frame.tobytes(), count)
    given_attributes = attributes(rows=512, columns=512, number_of_frames=count)
    whole = instance(b"", given_attributes, before=b"", after=b"", source=source, missing=source.size)
    plan = plan_storage(parsed)
    tracemalloc.start()

    sizes = [len(one.code_stream) for one in store_frames(source, plan, plan_frames(whole), KEY)]

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sizes) == count
    assert peak < 5 * frame.nbytes


def test_the_hot_path_never_imports_pydicom_nor_a_codec_it_does_not_use() -> None:
    code = """
import sys
import numpy as np
import dicomlake.dicom.codecs.transcode, dicomlake.dicom.files.restore
at_import = set(sys.modules)
from dicomlake.dicom.codecs import transcode
from dicomlake.dicom.frames import pixels
from dicomlake.dicom.frames import syntaxes
from dicomlake.dicom import source
layout = pixels.PixelLayout(70, 70, 1, 16, 12, False)
plan = syntaxes.StoragePlan(
    syntaxes.Action.TRANSCODE, syntaxes.Decoder.NATIVE, syntaxes.Stream.NATIVE, "1.2.840.10008.1.2.1",
    syntaxes.HTJ2K_LOSSLESS_RPCL, "bytes", layout, "MONOCHROME2")
transcode.store_frame(plan, bytes(70 * 70 * 2), 0, b"k" * 32)
print(any(name.startswith(("imagecodecs", "ojph")) for name in at_import))
print([name for name in ("pydicom", "openjpeg", "rle", "imagecodecs._jpeg8", "PIL") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.split("\n")[:2] == ["False", "[]"]


def test_an_error_says_no_uid() -> None:
    parsed = native(pixels() | 0x8000)

    with pytest.raises(NotExactError, match="bits-stored-exceeded") as refusal:
        list(transcode.store_frames(parsed.source, plan_storage(parsed), plan_frames(parsed), KEY))

    assert "1.2" not in str(refusal.value)

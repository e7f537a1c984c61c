"""The faults of the codec libraries that the lake guards against: each is still there, and each guard holds.

A test that shows the fault fails when a library is repaired: then its guard may go.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest

from dicomlake.dicom.codecs import lossless, verify
from dicomlake.dicom.codecs.lossless import decode_openjpeg, decode_openjph, encode
from dicomlake.dicom.codecs.transcode import StoredFrame, store_instance
from dicomlake.dicom.codecs.verify import Independent, Verification
from dicomlake.dicom.frames import pixels
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.frames.syntaxes import Action, StoragePlan, plan_storage
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.model import Restorable, Warned
from tests.unit.dicom.frames_given import DELIMITER, EXPLICIT, KEY, ROOT, attributes, instance, item, noise

SIDE = 64
LAYOUT = PixelLayout(SIDE, SIDE, 1, 16, 12, signed=False)


def native(frame: np.ndarray, **changes: Any) -> ParsedInstance:
    """Return an instance of one native frame."""
    given = attributes(rows=frame.shape[0], columns=frame.shape[1], **changes)
    return instance(frame.tobytes(), given, EXPLICIT)


def stored(parsed: ParsedInstance, independent: Independent = Independent.SAMPLE) -> tuple[StoragePlan, StoredFrame]:
    """Store an instance of one frame."""
    plan, (only,) = store_instance(
        parsed.source, plan_storage(parsed), plan_frames(parsed), KEY, Verification(independent)
    )
    return plan, only


def is_kept_as_it_came(plan: StoragePlan, only: StoredFrame, frame: np.ndarray) -> bool:
    """Whether the frame is stored in its source's syntax, byte for byte."""
    kept = (plan.action, plan.stored_syntax, plan.restorable) == (Action.KEEP, EXPLICIT, Restorable.BYTES)
    return kept and bytes(only.code_stream) == frame.tobytes()


def test_openjph_without_decomposition_loses_the_smallest_value(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.zeros((SIDE, SIDE), np.uint16)
    assert np.array_equal(decode_openjpeg(encode(frame, LAYOUT, colour_transform=False)), frame)

    monkeypatch.setattr(lossless, "decompositions", lambda rows, columns: 0)

    assert not np.array_equal(decode_openjph(lossless._encode_ojph(frame, 12, False)), frame)


def test_what_the_encoder_loses_is_never_stored_as_htj2k(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossless, "decompositions", lambda rows, columns: 0)
    frame = np.zeros((SIDE, SIDE), np.uint16)

    plan, only = stored(native(frame))

    assert is_kept_as_it_came(plan, only, frame)
    assert plan.warnings == (Warned("verify-mismatch"),)


def beyond() -> np.ndarray:
    """One pixel of 13 bits among those of 12."""
    frame = noise(LAYOUT)
    frame[3, 4] = 4096
    return frame


def test_a_value_beyond_the_declared_depth_passes_openjph_and_not_openjpeg() -> None:
    stream = encode(beyond(), LAYOUT, colour_transform=False)

    assert np.array_equal(decode_openjph(stream), beyond())
    assert not np.array_equal(decode_openjpeg(stream), beyond())


def test_a_value_beyond_bits_stored_keeps_its_frame_native() -> None:
    plan, only = stored(native(beyond()))

    assert is_kept_as_it_came(plan, only, beyond())
    assert plan.reason == "bits-stored-exceeded"


def test_without_that_guard_the_independent_decoder_still_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "fits", lambda low, high, layout: True)

    plan, only = stored(native(beyond()), Independent.ALL)

    assert is_kept_as_it_came(plan, only, beyond())
    assert plan.warnings == (Warned("verify-mismatch"),)


def test_signed_pixels_without_sign_extension_stay_native() -> None:
    frame = noise(LAYOUT)
    frame[0, 0] = 0x0FFF

    plan, only = stored(native(frame, pixel_representation=1))

    assert is_kept_as_it_came(plan, only, frame)


def test_overlay_bits_above_bits_stored_keep_the_frame_native() -> None:
    frame = noise(LAYOUT)
    frame[10:20, 10:20] |= 0x8000

    plan, only = stored(native(frame))

    assert is_kept_as_it_came(plan, only, frame)


def test_openjph_fills_a_cut_stream_with_zeros() -> None:
    stream = encode(noise(LAYOUT), LAYOUT, colour_transform=False)

    assert not np.array_equal(decode_openjph(stream[: len(stream) // 2]), noise(LAYOUT))


def test_openjpeg_cannot_decode_32_bits_so_they_stay_native() -> None:
    frame = np.random.default_rng(3).integers(0, 1 << 32, (SIDE, SIDE), dtype=np.uint32)

    plan, only = stored(native(frame, bits_allocated=32, bits_stored=32))

    assert is_kept_as_it_came(plan, only, frame)
    assert plan.reason == "bits-allocated"


@pytest.mark.parametrize(
    "broken",
    [
        lambda stream: stream[:-40] + b"\xff\xd9",
        lambda stream: b"",
        lambda stream: stream[:200] + bytes([stream[200] ^ 1]) + stream[201:],
    ],
    ids=["cut", "nothing", "a bit"],
)
def test_an_encoder_that_fails_in_any_way_costs_nothing_but_space(
    broken: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lossless.encode

    def failing(array: np.ndarray, layout: PixelLayout, *, colour_transform: bool) -> bytes:
        return broken(whole(array, layout, colour_transform=colour_transform))

    monkeypatch.setattr(lossless, "encode", failing)

    plan, only = stored(native(noise(LAYOUT)))

    assert is_kept_as_it_came(plan, only, noise(LAYOUT))
    assert plan.warnings == (Warned("verify-mismatch"),)


# --- what each guard alone stands between ---------------------------------------------------------------------------


def test_without_the_comparison_a_broken_encoder_would_be_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, other = lossless.encode, noise(LAYOUT, seed=8)
    monkeypatch.setattr(lossless, "encode", lambda array, layout, **how: whole(other, layout, **how))
    assert stored(native(noise(LAYOUT)))[0].reason == "verify-mismatch"

    monkeypatch.setattr(verify, "decoded_equal", lambda stream, _: decode_openjph(stream))
    plan, only = stored(native(noise(LAYOUT)))

    assert plan.action is Action.TRANSCODE
    assert not np.array_equal(decode_openjpeg(only.code_stream), noise(LAYOUT))


def cut_jpeg() -> tuple[ParsedInstance, np.ndarray]:
    """A lossless JPEG stream without its last lines, but with its end."""
    frame = noise(replace(LAYOUT, bits_stored=16))
    stream = imagecodecs.jpeg8_encode(frame, lossless=True, bitspersample=16)
    cut = stream[: -len(stream) // 4] + b"\xff\xd9"
    value = item(b"") + item(cut + b"\0" * (len(cut) % 2)) + DELIMITER
    return instance(value, attributes(rows=SIDE, columns=SIDE, bits_stored=16), f"{ROOT}.4.70"), frame


def test_without_counting_bits_a_cut_lossless_jpeg_would_be_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, frame = cut_jpeg()
    assert stored(parsed)[0].reason == "undecodable"

    monkeypatch.setattr(lossless, "check_bits", lambda data, array: None)
    plan, only = stored(parsed)

    assert plan.action is Action.TRANSCODE
    assert not np.array_equal(decode_openjpeg(only.code_stream), frame)


def test_without_the_headers_sign_a_code_stream_of_another_sign_would_be_read_by_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unsigned = (noise(replace(LAYOUT, signed=True)).astype("<i2") & 0x0FFF).astype("<u2")
    stream = imagecodecs.jpeg2k_encode(unsigned, level=0, reversible=True, codecformat="j2k", bitspersample=12)
    value = item(b"") + item(stream + b"\0" * (len(stream) % 2)) + DELIMITER
    parsed = instance(value, attributes(rows=SIDE, columns=SIDE, pixel_representation=1), f"{ROOT}.4.90")
    plan, only = stored(parsed)
    assert plan.action is Action.TRANSCODE
    assert np.array_equal(decode_openjpeg(only.code_stream), noise(replace(LAYOUT, signed=True)))

    monkeypatch.setattr(pixels, "as_stored", lambda array, layout: array.astype(layout.wide_dtype))
    plan, _ = stored(parsed)

    assert plan.reason == "bits-stored-exceeded"  # the range check is the second guard: 0x0FFF is not -1 to it


def test_charls_and_openjph_are_the_versions_whose_faults_these_are() -> None:
    assert imagecodecs.jpegls_version() == "charls 2.4.4"

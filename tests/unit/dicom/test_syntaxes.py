"""What becomes HTJ2K and what stays, by the table and the rules beside it."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from dicomlake.dicom.frames import syntaxes
from dicomlake.dicom.frames.syntaxes import (
    EXPLICIT_LITTLE,
    HTJ2K_LOSSLESS_RPCL,
    LARGEST_FRAME,
    SYNTAXES,
    Action,
    Decoder,
    Stream,
    plan_storage,
)
from dicomlake.domain.model import Restorable, Warned
from tests.unit.dicom.frames_given import BIG, DEFLATED, EXPLICIT, IMPLICIT, ROOT, attributes, instance

NATIVE_VALUE = bytes(32)


@pytest.mark.parametrize(
    ("suffix", "decoder", "restorable"),
    [
        ("", Decoder.NATIVE, Restorable.BYTES),
        (".1", Decoder.NATIVE, Restorable.BYTES),
        (".2", Decoder.NATIVE, Restorable.BYTES),
        (".1.99", Decoder.NATIVE, Restorable.PIXELS),
        (".5", Decoder.RLE, Restorable.PIXELS),
        (".4.57", Decoder.JPEG_LOSSLESS, Restorable.PIXELS),
        (".4.70", Decoder.JPEG_LOSSLESS, Restorable.PIXELS),
        (".4.80", Decoder.JPEG_LS, Restorable.PIXELS),
        (".4.90", Decoder.JPEG_2000, Restorable.PIXELS),
        (".4.201", Decoder.JPEG_2000, Restorable.PIXELS),
        (".8.1", Decoder.DEFLATED, Restorable.PIXELS),
        (".1.98", Decoder.NATIVE, Restorable.BYTES),
    ],
)
def test_lossless_sources_become_htj2k(suffix: str, decoder: Decoder, restorable: Restorable) -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(), ROOT + suffix))

    assert (plan.action, plan.decoder, plan.restorable) == (Action.TRANSCODE, decoder, restorable)
    assert plan.stored_syntax == HTJ2K_LOSSLESS_RPCL


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        (".4.50", "lossy-source"),
        (".4.51", "lossy-source"),
        (".4.81", "lossy-source"),
        (".4.91", "lossy-source"),
        (".4.203", "lossy-source"),
        (".4.55", "retired-syntax"),
        (".4.92", "no-decoder"),
        (".4.110", "no-decoder"),
        (".4.100", "video"),
        (".4.104.1", "video"),
        (".4.108", "video"),
        (".7.1", "video"),
        (".4.999", "unknown-syntax"),
    ],
)
def test_other_sources_are_kept_byte_for_byte_with_a_reason(suffix: str, reason: str) -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(), ROOT + suffix))

    assert (plan.action, plan.reason, plan.restorable) == (Action.KEEP, reason, Restorable.BYTES)
    assert plan.stored_syntax == plan.source_syntax == ROOT + suffix


def test_htj2k_rpcl_is_checked_and_stored_as_it_came() -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(), HTJ2K_LOSSLESS_RPCL))

    assert (plan.action, plan.stored_syntax, plan.restorable) == (
        Action.CHECK,
        HTJ2K_LOSSLESS_RPCL,
        Restorable.BYTES,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bits_allocated": 1, "bits_stored": 1}, "bits-allocated"),
        ({"bits_allocated": 32, "bits_stored": 32}, "bits-allocated"),
        ({"bits_stored": 0, "high_bit": -1}, "bits-stored"),
        ({"bits_stored": 17, "high_bit": 16}, "bits-stored"),
        ({"bits_stored": 1, "pixel_representation": 1}, "bits-stored"),
        ({"bits_stored": 12, "high_bit": 15}, "high-bit"),
        ({"samples": 2}, "samples"),
        ({"samples": 4, "photometric": "CMYK"}, "samples"),
        ({"samples": 3, "photometric": "YBR_FULL_422"}, "photometric"),
        ({"samples": 3, "photometric": "YBR_RCT"}, "photometric"),
        ({"samples": 3, "photometric": "MONOCHROME2"}, "photometric"),
        ({"samples": 1, "photometric": "RGB"}, "photometric"),
        ({"samples": 3, "pixel_representation": 1, "rows": 2, "columns": 2}, "signed-colour"),
        ({"bits_allocated": 8, "bits_stored": 8, "pixel_representation": 1}, "signed-byte"),
        ({"bits_allocated": 16, "bits_stored": 8, "pixel_representation": 1}, "signed-byte"),
        ({"samples": 3, "rows": 1, "columns": 5}, "one-line-colour"),
        ({"samples": 3, "rows": 5, "columns": 1}, "one-line-colour"),
        ({"rows": 0}, "empty-image"),
        ({"number_of_frames": 0}, "empty-image"),
        ({"number_of_frames": 2}, "truncated"),
        ({"rows": 5}, "truncated"),
    ],
)
def test_native_pixels_that_htj2k_would_not_hold_exactly_are_kept(changes: dict[str, Any], reason: str) -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(**changes)))

    assert (plan.action, plan.reason, plan.stored_syntax) == (Action.KEEP, reason, EXPLICIT_LITTLE)


def test_float_pixels_are_kept() -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(bits_allocated=32), tag=0x7FE00008, vr="OF"))

    assert (plan.action, plan.reason) == (Action.KEEP, "float-pixels")


def test_a_frame_too_large_to_hold_four_times_is_kept() -> None:
    side = 16384
    given = instance(NATIVE_VALUE, attributes(rows=side, columns=side), missing=side * side * 2)
    assert given.pixels is not None
    whole = replace(given, pixels=replace(given.pixels, truncated=False))

    assert side * side * 2 > LARGEST_FRAME
    assert plan_storage(whole).reason == "frame-too-large"


def test_big_endian_words_that_straddle_frames_are_kept() -> None:
    odd = attributes(rows=3, columns=3, bits_allocated=8, bits_stored=8)

    assert plan_storage(instance(bytes(10), odd, BIG, vr="OW")).reason == "unaligned-words"
    assert plan_storage(instance(bytes(10), odd, BIG, vr="OB")).reason == ""


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_what_is_kept_native_keeps_its_own_encoding(syntax: str) -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(), syntax)).kept("some-reason", Warned("met"))

    assert (plan.stored_syntax, plan.restorable, plan.warnings) == (syntax, Restorable.BYTES, (Warned("met"),))


def test_what_was_deflated_is_kept_as_it_reads_inflated() -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(number_of_frames=2), DEFLATED))

    assert (plan.stored_syntax, plan.restorable) == (EXPLICIT_LITTLE, Restorable.PIXELS)


def test_a_kept_compressed_source_gives_its_bytes_back() -> None:
    transcoded = plan_storage(instance(NATIVE_VALUE, attributes(), ROOT + ".4.90"))

    assert transcoded.restorable is Restorable.PIXELS
    assert transcoded.kept("undecodable").restorable is Restorable.BYTES


def test_an_instance_without_pixels_has_nothing_to_transcode() -> None:
    plan = plan_storage(instance(b"", None))

    assert (plan.action, plan.reason, plan.layout) == (Action.KEEP, "no-pixel-data", None)


@pytest.mark.parametrize(("syntax", "encapsulated"), [(EXPLICIT, True), (ROOT + ".4.90", False)])
def test_pixel_data_in_another_form_than_the_syntax_says_are_kept(syntax: str, encapsulated: bool) -> None:
    plan = plan_storage(instance(NATIVE_VALUE, attributes(), syntax, encapsulated=encapsulated))

    assert (plan.action, plan.reason) == (Action.KEEP, "contradictory-encapsulation")


@pytest.mark.parametrize(
    ("photometric", "stored"),
    [("RGB", "YBR_RCT"), ("YBR_FULL", "YBR_FULL"), ("MONOCHROME1", "MONOCHROME1"), ("PALETTE COLOR", "PALETTE COLOR")],
)
def test_only_rgb_changes_its_photometric_interpretation(photometric: str, stored: str) -> None:
    samples = 3 if photometric in ("RGB", "YBR_FULL") else 1
    given = attributes(samples=samples, photometric=photometric, bits_allocated=8, bits_stored=8)

    plan = plan_storage(instance(bytes(48), given))

    assert (plan.photometric, plan.colour_transform) == (stored, photometric == "RGB")


def test_every_kept_syntax_has_a_reason_and_every_transcoded_one_a_decoder() -> None:
    for syntax in SYNTAXES.values():
        assert (syntax.action is Action.KEEP) == bool(syntax.reason)
        assert (syntax.action is Action.KEEP) == (syntax.decoder is Decoder.NONE)
        assert syntax.stream is not Stream.NATIVE or syntax.decoder in (Decoder.NATIVE, Decoder.NONE)


def test_where_pixels_lie_and_how_far_they_were_compressed_changes_no_plan() -> None:
    native = [plan_storage(instance(NATIVE_VALUE, attributes(), before=before)) for before in (b"HEAD", b"LONGER")]
    packed = [plan_storage(instance(bytes(size), attributes(), ROOT + ".5")) for size in (10, 20)]

    assert native[0] is native[1]
    assert packed[0] is packed[1]


def test_a_plan_is_the_same_whatever_was_planned_before() -> None:
    sizes = (bytes(30), NATIVE_VALUE, bytes(64))
    given = [
        instance(value, attributes(bits_stored=bits), ROOT + suffix, vr=vr)
        for value, bits, suffix, vr in product(sizes, (8, 12, 17), ("", ".2", ".5", ".4.50", ".1.99"), ("OB", "OW"))
    ]
    fresh = []
    for one in given:
        syntaxes._planned.cache_clear()
        fresh.append(plan_storage(one))

    assert [plan_storage(one) for one in (*given, *given)] == fresh * 2

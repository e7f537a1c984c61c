"""A frame of every kind from every transfer syntax: the page of conformance says what becomes of it, and it does."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from pydicom.uid import UID_dictionary

from dicomlake.dicom.codecs.lossless import decode_openjpeg, decode_openjph
from dicomlake.dicom.codecs.transcode import StoredFrame, store_instance
from dicomlake.dicom.codecs.verify import Independent, Verification
from dicomlake.dicom.files.restore import head_parts, is_spliced, landed_reader, rebuild, splices
from dicomlake.dicom.frames.kinds import DECODED, KINDS, Kind, plan_of
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import little_endian
from dicomlake.dicom.frames.syntaxes import (
    EXPLICIT_BIG,
    HTJ2K_LOSSLESS_RPCL,
    SYNTAXES,
    Action,
    Decoder,
    StoragePlan,
    Stream,
    keep_code_stream,
    plan_storage,
    syntax_of,
)
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.model import Restorable, TransferSyntaxUid
from tests.unit.dicom.frames_given import DELIMITER, KEY, attributes, instance, item
from tests.unit.dicom.sources import frame_of, value_of

PLANNED = [(uid, kind) for uid in DECODED for kind in KINDS if plan_of(uid, kind).action is not Action.KEEP]
KEPT = [uid for uid, row in SYNTAXES.items() if row.action is Action.KEEP and row.stream is not Stream.REFERENCED]
PAPYRUS = "1.2.840.10008.1.20"


def stored(parsed: ParsedInstance) -> tuple[StoragePlan, tuple[StoredFrame, ...]]:
    """Store an instance, every frame proved by both decoders."""
    return store_instance(parsed.source, plan_storage(parsed), plan_frames(parsed), KEY, Verification(Independent.ALL))


def landed(value: bytes, kind: Kind, syntax: TransferSyntaxUid) -> ParsedInstance:
    """Return an instance of this kind as parsed."""
    encapsulated = SYNTAXES[syntax].stream is not Stream.NATIVE
    parsed = instance(value, kind.attributes, syntax, tag=kind.tag, encapsulated=encapsulated)
    return replace(parsed, big_endian=syntax == EXPLICIT_BIG)


def again(parsed: ParsedInstance, plan: StoragePlan, frames: tuple[StoredFrame, ...]) -> bytes:
    """Return the landed bytes as made again from head and stored frames."""
    found = plan_frames(parsed)
    reader = landed_reader(plan, lambda index: frames[index].code_stream)
    return b"".join(rebuild(head_parts(parsed, plan, found), splices(plan, found), reader))


@pytest.mark.parametrize(("syntax", "kind"), PLANNED, ids=lambda of: of.name if isinstance(of, Kind) else of)
def test_a_frame_of_every_kind_from_every_syntax_is_exact_by_both_decoders(
    syntax: TransferSyntaxUid, kind: Kind
) -> None:
    frame = frame_of(kind, syntax)
    value = value_of(kind, syntax, frame)

    plan, (only,) = stored(landed(value, kind, syntax))

    assert plan.layout is not None
    assert (plan.action, plan.stored_syntax) == (DECODED[syntax].action, HTJ2K_LOSSLESS_RPCL)
    for decoded in (decode_openjph(only.code_stream), decode_openjpeg(only.code_stream)):
        assert np.array_equal(little_endian(decoded, plan.layout), frame)
    assert (only.frame.minimum, only.frame.maximum) == (frame.min(), frame.max())


@pytest.mark.parametrize(("syntax", "kind"), PLANNED, ids=lambda of: of.name if isinstance(of, Kind) else of)
def test_what_is_restorable_as_bytes_comes_back_to_the_byte(syntax: TransferSyntaxUid, kind: Kind) -> None:
    value = value_of(kind, syntax, frame_of(kind, syntax))
    parsed = landed(value, kind, syntax)

    plan, frames = stored(parsed)

    assert is_spliced(plan) == (plan.restorable is Restorable.BYTES or parsed.inflated)
    assert not is_spliced(plan) or again(parsed, plan, frames) == b"HEAD" + value + b"TAIL"


def test_the_table_has_every_transfer_syntax_of_the_standard() -> None:
    standard = {uid for uid, row in UID_dictionary.items() if row[1] == "Transfer Syntax"}
    newer = {f"1.2.840.10008.1.2.{suffix}" for suffix in ("4.110", "4.111", "4.112", "8.1")}

    assert set(SYNTAXES) == standard | newer


@pytest.mark.parametrize("syntax", [*KEPT, TransferSyntaxUid("1.2.3.4.5")])
def test_a_kept_syntax_comes_back_to_the_byte(syntax: TransferSyntaxUid) -> None:
    native = syntax_of(syntax).stream is Stream.NATIVE
    stream = b"\xff\xd8" + bytes(range(1, 27)) + b"\xff\xd9"
    value = bytes(32) if native else item(b"") + item(stream) + DELIMITER
    parsed = instance(value, attributes(), syntax, encapsulated=not native)

    plan, frames = stored(parsed)

    assert (plan.action, plan.stored_syntax, plan.restorable) == (Action.KEEP, syntax, Restorable.BYTES)
    assert plan.reason == syntax_of(syntax).reason
    assert again(parsed, plan, frames) == b"HEAD" + value + b"TAIL"


@pytest.mark.parametrize(
    ("suffix", "inflated"),
    [(".4.94", False), (".4.95", False), (".4.95", True), (".4.204", False), (".4.205", False), (".4.205", True)],
)
def test_a_reference_to_pixels_is_kept_and_says_that_the_pixels_are_not_here(suffix: str, inflated: bool) -> None:
    parsed = replace(instance(b"", None, "1.2.840.10008.1.2" + suffix), inflated=inflated)

    plan = plan_storage(parsed)

    assert (plan.action, plan.reason) == (Action.KEEP, "referenced-pixels")
    assert [warned.code for warned in plan.warnings] == ["referenced-pixels"]
    assert syntax_of(plan.stored_syntax).stream is Stream.REFERENCED
    assert plan.stored_syntax[-1] in ("4" if inflated else "45")


def test_pixels_under_a_syntax_that_only_refers_to_them_are_a_contradiction() -> None:
    plan = plan_storage(instance(item(b"") + DELIMITER, attributes(), "1.2.840.10008.1.2.4.94"))

    assert plan.reason == "contradictory-encapsulation"


@pytest.mark.parametrize("damage", [1, -1, -40])
@pytest.mark.parametrize("suffix", [".1.98", ".8.1"])
def test_a_frame_of_bytes_that_is_not_one_frame_is_kept_and_told(suffix: str, damage: int) -> None:
    syntax, kind = TransferSyntaxUid("1.2.840.10008.1.2" + suffix), KINDS[5]
    frame = frame_of(kind, syntax)[: damage or None] if damage < 0 else np.vstack([frame_of(kind, syntax)] * 2)
    value = value_of(kind, syntax, frame)

    plan, (only,) = stored(landed(value, kind, syntax))

    assert (plan.action, plan.stored_syntax, plan.reason) == (Action.KEEP, syntax, "undecodable")
    assert [warned.code for warned in plan.warnings] == ["undecodable-frame"]
    assert bytes(only.code_stream) in value


def test_a_deflated_bomb_is_refused() -> None:
    engine = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = engine.compress(bytes(50_000_000)) + engine.flush()
    value = item(b"") + item(bomb + b"\0" * (len(bomb) % 2)) + DELIMITER

    plan, _ = stored(landed(value, KINDS[5], TransferSyntaxUid("1.2.840.10008.1.2.8.1")))

    assert plan.reason == "undecodable"


def test_the_pad_of_an_odd_encapsulated_native_frame_belongs_to_no_frame() -> None:
    odd = attributes(rows=3, columns=3, bits_allocated=8, bits_stored=8, number_of_frames=2)
    frames = bytes(range(9)), bytes(range(9, 18))
    value = item(b"") + item(frames[0] + b"\0") + item(frames[1] + b"\0") + DELIMITER
    parsed = instance(value, odd, "1.2.840.10008.1.2.1.98")

    plan, found = stored(parsed)

    assert [decode_openjph(one.code_stream).tobytes() for one in found] == list(frames)
    assert again(parsed, plan, found) == b"HEAD" + value + b"TAIL"


@pytest.mark.parametrize("syntax", DECODED)
def test_a_lake_that_keeps_code_streams_gives_every_syntax_back_to_the_byte(syntax: TransferSyntaxUid) -> None:
    kind = KINDS[5]
    value = value_of(kind, syntax, frame_of(kind, syntax))
    parsed = landed(value, kind, syntax)

    plan, frames = store_instance(
        parsed.source, keep_code_stream(plan_storage(parsed)), plan_frames(parsed), KEY, Verification()
    )

    native = DECODED[syntax].decoder is Decoder.NATIVE
    assert plan.stored_syntax == (HTJ2K_LOSSLESS_RPCL if native else syntax)
    assert plan.restorable is (Restorable.PIXELS if parsed.inflated else Restorable.BYTES)
    assert again(parsed, plan, frames) == b"HEAD" + value + b"TAIL"


def test_papyrus_is_kept_with_native_pixels() -> None:
    parsed = instance(bytes(32), attributes(), PAPYRUS, encapsulated=False, source=BufferSource(b"HEAD" + bytes(36)))

    assert plan_storage(parsed).reason == "retired-syntax"
    assert plan_storage(parsed).stream is Stream.NATIVE

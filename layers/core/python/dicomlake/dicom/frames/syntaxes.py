"""Which transfer syntax becomes HTJ2K and which stays what it is, and why: one table and the rules beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from dicomlake.dicom.frames.pixels import PixelLayout, layout_of
from dicomlake.dicom.instance import PIXEL_DATA, ParsedInstance, PixelAttributes, PixelElement
from dicomlake.domain.model import Restorable, TransferSyntaxUid, Warned

IMPLICIT_LITTLE = TransferSyntaxUid("1.2.840.10008.1.2")
EXPLICIT_LITTLE = TransferSyntaxUid("1.2.840.10008.1.2.1")
EXPLICIT_BIG = TransferSyntaxUid("1.2.840.10008.1.2.2")
ENCAPSULATED_NATIVE = TransferSyntaxUid("1.2.840.10008.1.2.1.98")
HTJ2K_LOSSLESS_RPCL = TransferSyntaxUid("1.2.840.10008.1.2.4.202")

LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes of the largest native frame that is transcoded; encoding and two decodings hold about four times as much."""


class Action(StrEnum):
    """What becomes of an instance's frames."""

    TRANSCODE = "transcode"
    """Decoded, stored as HTJ2K Lossless RPCL, decoded again and compared."""
    CHECK = "check"
    """HTJ2K already: stored as it came, once it has been decoded."""
    KEEP = "keep"
    """Stored as it came; the reason says why."""


class Decoder(StrEnum):
    """Who reads a source frame."""

    NONE = "none"
    NATIVE = "native"
    DEFLATED = "deflated"
    RLE = "rle"
    JPEG_LOSSLESS = "jpeg-lossless"
    JPEG_LS = "jpeg-ls"
    JPEG_2000 = "jpeg-2000"


class Stream(StrEnum):
    """How an encapsulated frame's bytes tell where they start and end."""

    NATIVE = "native"
    MARKED = "marked"
    """JPEG family and JPEG 2000 family: from SOI or SOC to EOI or EOC (FFD9)."""
    UNMARKED = "unmarked"
    """RLE, JPEG XL, deflated and encapsulated native frames: only the fragments tell."""
    VIDEO = "video"
    """One stream over all fragments and frames (PS3.5 8.2.5): no frame can be cut out of it."""
    REFERENCED = "referenced"
    """No pixel data: an URL of a JPIP server that has them (PS3.5 A.6, A.7, PS3.3 C.7.6.3.1.6)."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """One row of the table: what is done with a transfer syntax; `reason` says why it is kept, or is empty."""

    action: Action
    decoder: Decoder
    stream: Stream
    reason: str = ""


_NATIVE = Syntax(Action.TRANSCODE, Decoder.NATIVE, Stream.NATIVE)
_JPEG_LOSSLESS = Syntax(Action.TRANSCODE, Decoder.JPEG_LOSSLESS, Stream.MARKED)
_LOSSY = Syntax(Action.KEEP, Decoder.NONE, Stream.MARKED, "lossy-source")
_RETIRED = Syntax(Action.KEEP, Decoder.NONE, Stream.MARKED, "retired-syntax")
_VIDEO = Syntax(Action.KEEP, Decoder.NONE, Stream.VIDEO, "video")
_REFERENCED = Syntax(Action.KEEP, Decoder.NONE, Stream.REFERENCED, "referenced-pixels")
_NO_DECODER = Syntax(Action.KEEP, Decoder.NONE, Stream.UNMARKED, "no-decoder")
_UNKNOWN = Syntax(Action.KEEP, Decoder.NONE, Stream.UNMARKED, "unknown-syntax")

_ROOT = "1.2.840.10008.1.2"

SYNTAXES = MappingProxyType(
    {
        TransferSyntaxUid(_ROOT + suffix): syntax
        for suffixes, syntax in (
            (("", ".1", ".1.99", ".2"), _NATIVE),
            ((".1.98",), Syntax(Action.TRANSCODE, Decoder.NATIVE, Stream.UNMARKED)),
            ((".8.1",), Syntax(Action.TRANSCODE, Decoder.DEFLATED, Stream.UNMARKED)),
            ((".5",), Syntax(Action.TRANSCODE, Decoder.RLE, Stream.UNMARKED)),
            ((".4.57", ".4.70"), _JPEG_LOSSLESS),
            ((".4.80",), Syntax(Action.TRANSCODE, Decoder.JPEG_LS, Stream.MARKED)),
            ((".4.90", ".4.201"), Syntax(Action.TRANSCODE, Decoder.JPEG_2000, Stream.MARKED)),
            ((".4.202",), Syntax(Action.CHECK, Decoder.JPEG_2000, Stream.MARKED)),
            ((".4.50", ".4.51", ".4.81", ".4.91", ".4.203"), _LOSSY),
            ((".4.92", ".4.93"), Syntax(Action.KEEP, Decoder.NONE, Stream.MARKED, "no-decoder")),
            (tuple(f".4.{n}" for n in (52, 53, 54, 55, 56, 58, 59, 60, 61, 62, 63, 64, 65, 66)), _RETIRED),
            (tuple(f".4.{n}" for n in range(100, 109)), _VIDEO),
            (tuple(f".4.{n}.1" for n in range(100, 107)), _VIDEO),
            ((".7.1", ".7.2", ".7.3"), _VIDEO),
            ((".4.110", ".4.111", ".4.112"), _NO_DECODER),
            ((".4.94", ".4.95", ".4.204", ".4.205"), _REFERENCED),
            ((".6.1", ".6.2", "0"), replace(_RETIRED, stream=Stream.NATIVE)),
        )
        for suffix in suffixes
    }
)
"""Every transfer syntax of PS3.6 A (2025e), the retired ones with it; the last three had native pixels, if any."""

INFLATED = MappingProxyType(
    {
        TransferSyntaxUid(_ROOT + of): TransferSyntaxUid(_ROOT + to)
        for of, to in ((".4.95", ".4.94"), (".4.205", ".4.204"))
    }
)
"""What a deflated data set is in once it is inflated; Explicit VR Little Endian where this does not say."""


def syntax_of(uid: TransferSyntaxUid) -> Syntax:
    """Return the row of a transfer syntax; one that is not in the table is kept as it came."""
    return SYNTAXES.get(uid, _UNKNOWN)


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """How an instance's frames are stored.

    `stored_syntax` is the transfer syntax of the stored frames, `photometric` their Photometric Interpretation,
    `reason` a code that says why they are kept (empty where they are transcoded). `layout` is that of the landed
    frames; None where there are no pixels. `warnings` tell what was met while deciding.
    """

    action: Action
    decoder: Decoder
    stream: Stream
    source_syntax: TransferSyntaxUid
    stored_syntax: TransferSyntaxUid
    restorable: Restorable
    layout: PixelLayout | None
    photometric: str
    reason: str = ""
    warnings: tuple[Warned, ...] = ()

    @property
    def colour_transform(self) -> bool:
        """Whether stored frames use the reversible colour transform: PS3.5 A.4.4 calls their pixels YBR_RCT."""
        return self.photometric == "YBR_RCT"

    def kept(self, reason: str, *warnings: Warned) -> "StoragePlan":
        """Return the plan that stores the same instance as it came, for this reason."""
        return replace(
            self,
            action=Action.KEEP,
            stored_syntax=self.source_syntax,
            reason=reason,
            restorable=self.restorable if self.decoder is Decoder.NATIVE else Restorable.BYTES,
            warnings=self.warnings + warnings,
        )


def plan_storage(parsed: ParsedInstance) -> StoragePlan:
    """Decide from the header alone how an instance is stored; the pixels may still overrule it (NotExactError).

    Native, RLE, JPEG lossless, JPEG-LS lossless and JPEG 2000 lossless sources become HTJ2K Lossless RPCL where that
    is exact (PS3.5 8.2.4, 10.18, A.4.4); everything else is kept in its own transfer syntax.
    """
    pixels = _without_place(parsed.pixels) if parsed.pixels else None
    return _planned(parsed.transfer_syntax, pixels, parsed.pixel_attributes, parsed.big_endian, parsed.inflated)


def _without_place(pixels: PixelElement) -> PixelElement:
    """Return what the plan goes by, which is the same all over a series: of fragments not even how long they are."""
    length = 0 if pixels.encapsulated else pixels.value_length
    return PixelElement(pixels.tag, pixels.vr, 0, length, pixels.encapsulated, pixels.truncated)


@lru_cache(maxsize=64)
def _planned(
    syntax: TransferSyntaxUid,
    pixels: PixelElement | None,
    attributes: PixelAttributes | None,
    big_endian: bool,
    inflated: bool,
) -> StoragePlan:
    row = syntax_of(syntax)
    restorable = Restorable.PIXELS if inflated else Restorable.BYTES
    source = INFLATED.get(syntax, EXPLICIT_LITTLE) if inflated else syntax
    if pixels is None or attributes is None:
        return _without_pixels(row, source, restorable)
    row = _as_encoded(row, pixels)
    layout = layout_of(attributes, big_endian=big_endian, vr=pixels.vr)
    plan = StoragePlan(
        row.action, row.decoder, row.stream, source, source, restorable, layout, attributes.photometric, row.reason
    )
    if row.action is Action.KEEP:
        return plan
    reason = _reason_to_keep(plan, pixels, attributes)
    return plan.kept(reason) if reason else _transcoded(plan)


def keep_code_stream(plan: StoragePlan) -> StoragePlan:
    """Return the plan of a lake that gives compressed sources back to the byte: what is not native stays as it came.

    No encoder makes a foreign encoder's bytes again, so they are kept; a deflated data set is inflated all the same.
    """
    foreign = plan.action is Action.TRANSCODE and plan.decoder is not Decoder.NATIVE
    return plan.kept("keep-codestream") if foreign else plan


def _without_pixels(row: Syntax, source: TransferSyntaxUid, restorable: Restorable) -> StoragePlan:
    """Return the plan of an instance without pixel data; one that points to pixels elsewhere says they are not here."""
    referenced = row.stream is Stream.REFERENCED
    plan = StoragePlan(Action.KEEP, Decoder.NONE, row.stream, source, source, restorable, None, "", "no-pixel-data")
    told = Warned("referenced-pixels", "the lake holds the reference, not the pixels")
    return replace(plan, reason=row.reason, warnings=(told,)) if referenced else plan


def _as_encoded(row: Syntax, pixels: PixelElement) -> Syntax:
    """Believe the pixel data's form over the transfer syntax's name where they differ: then nothing can be decoded."""
    as_named = pixels.encapsulated == (row.stream is not Stream.NATIVE) and row is not _REFERENCED
    if as_named or row is _UNKNOWN:
        return row if pixels.encapsulated or row is not _UNKNOWN else replace(row, stream=Stream.NATIVE)
    stream = Stream.UNMARKED if pixels.encapsulated else Stream.NATIVE
    return Syntax(Action.KEEP, Decoder.NONE, stream, "contradictory-encapsulation")


def _transcoded(plan: StoragePlan) -> StoragePlan:
    if plan.action is Action.CHECK:
        return plan
    restorable = plan.restorable if plan.decoder is Decoder.NATIVE else Restorable.PIXELS
    photometric = "YBR_RCT" if plan.photometric == "RGB" else plan.photometric
    return replace(plan, stored_syntax=HTJ2K_LOSSLESS_RPCL, restorable=restorable, photometric=photometric)


_Rule = Callable[[StoragePlan, PixelElement, PixelAttributes], bool]

_MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"})
_COLOUR = MappingProxyType(
    {
        Decoder.NATIVE: frozenset({"RGB", "YBR_FULL"}),
        Decoder.DEFLATED: frozenset({"RGB", "YBR_FULL"}),
        Decoder.RLE: frozenset({"RGB", "YBR_FULL"}),
        Decoder.JPEG_LOSSLESS: frozenset({"RGB", "YBR_FULL"}),
        Decoder.JPEG_LS: frozenset({"RGB", "YBR_FULL"}),
        Decoder.JPEG_2000: frozenset({"RGB", "YBR_FULL", "YBR_RCT"}),
    }
)


def _photometric_is_declined(plan: StoragePlan, _: PixelElement, attributes: PixelAttributes) -> bool:
    allowed = _MONOCHROME if attributes.samples == 1 else _COLOUR[plan.decoder]
    return attributes.photometric not in allowed


def _is_made(plan: StoragePlan) -> bool:
    """Whether HTJ2K would be of our making: what landed as HTJ2K stays so, whoever cannot read it."""
    return plan.action is Action.TRANSCODE


def _is_cut(plan: StoragePlan, pixels: PixelElement, attributes: PixelAttributes) -> bool:
    if pixels.truncated or plan.layout is None or pixels.encapsulated:
        return pixels.truncated
    return pixels.value_length < plan.layout.native_length * max(attributes.number_of_frames, 1)


_KEEP_RULES: tuple[tuple[str, _Rule], ...] = (
    ("float-pixels", lambda _, pixels, __: pixels.tag != PIXEL_DATA),
    ("empty-image", lambda _, __, a: a.rows < 1 or a.columns < 1 or a.number_of_frames < 1),
    ("bits-allocated", lambda _, __, a: a.bits_allocated not in (8, 16)),
    ("bits-stored", lambda _, __, a: not a.pixel_representation < a.bits_stored <= a.bits_allocated),
    ("high-bit", lambda _, __, a: a.high_bit != a.bits_stored - 1),
    ("samples", lambda _, __, a: a.samples not in (1, 3)),
    ("photometric", _photometric_is_declined),
    ("truncated", _is_cut),
    ("signed-colour", lambda _, __, a: a.samples == 3 and a.pixel_representation == 1),
    ("untransformed-colour", lambda plan, _, a: _is_made(plan) and a.samples == 3 and a.photometric == "YBR_FULL"),
    ("signed-byte", lambda plan, _, a: _is_made(plan) and a.bits_stored <= 8 and a.pixel_representation == 1),
    ("one-line-colour", lambda _, __, a: a.samples == 3 and min(a.rows, a.columns) == 1),
    ("pixel-representation", lambda _, __, a: a.pixel_representation not in (0, 1)),
    ("frame-too-large", lambda plan, _, __: plan.layout is not None and plan.layout.native_length > LARGEST_FRAME),
    (
        "unaligned-words",
        lambda plan, _, __: (
            plan.layout is not None and plan.layout.words_swapped and plan.layout.native_length % 2 == 1
        ),
    ),
)
"""Reasons for which HTJ2K would not be exact, not allowed (PS3.5 8.2.4) or no gain; the first that holds is told.

A colour frame of one line: imagecodecs, the only encoder with a colour transform, does not decompose it, and without
decomposition OpenJPH is not lossless. YBR_FULL and signed bytes: a web viewer's decoder reads such streams wrong
(docs/decisions/0025-what-viewers-read-wrong-is-kept.md).
"""


def _reason_to_keep(plan: StoragePlan, pixels: PixelElement, attributes: PixelAttributes) -> str:
    return next((reason for reason, holds in _KEEP_RULES if holds(plan, pixels, attributes)), "")

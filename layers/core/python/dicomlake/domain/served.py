"""In which transfer syntaxes what is stored can be sent (PS3.18 8.7.3): decided by names alone, without a codec."""

from functools import cache

from dicomlake.domain.model import TransferSyntaxUid

AS_STORED = TransferSyntaxUid("*")
"""What a caller asks for who takes any transfer syntax."""

_ROOT = "1.2.840.10008.1.2"
BIG_ENDIAN = TransferSyntaxUid(f"{_ROOT}.2")
EXPLICIT_LITTLE = TransferSyntaxUid(f"{_ROOT}.1")
HTJ2K = TransferSyntaxUid(f"{_ROOT}.4.202")
NATIVE = frozenset(TransferSyntaxUid(_ROOT + tail) for tail in ("", ".1", ".1.99", ".2"))
TRANSCODED = frozenset(TransferSyntaxUid(_ROOT + tail) for tail in (".5", ".4.57", ".4.70", ".4.80", ".4.90", ".4.201"))
"""Lossless transfer syntaxes that stored HTJ2K frames are transcoded to for who asks; dicom/files/recode.py does it."""

VIDEO = frozenset(
    TransferSyntaxUid(_ROOT + tail)
    for tail in (*(f".4.{n}" for n in range(100, 109)), *(f".4.{n}.1" for n in range(100, 107)), ".7.1", ".7.2", ".7.3")
)
"""One stream over all frames (PS3.5 8.2.5): no frame can be cut out of it."""

DECODED = frozenset(
    TransferSyntaxUid(_ROOT + tail)
    for tail in (
        *(".4.202", ".4.50", ".4.51", ".4.81", ".4.91", ".4.203"),
        *(".1.98", ".8.1", ".5", ".4.57", ".4.70", ".4.80", ".4.90", ".4.201"),
    )
)
"""Stored transfer syntaxes whose frames can be sent decoded: HTJ2K, lossy ones, and lossless ones that were kept.

The last are kept for what is in them (bits, 32-bit words, shared colours, damage): some of their frames have no decoder
all the same, which is told when they are read."""


def served_as(stored: TransferSyntaxUid, wanted: str) -> TransferSyntaxUid | None:
    """Return the transfer syntax in which an instance stored so is sent to who wants this, or None.

    `wanted` is a UID, `*` for any, "" for the default, Explicit VR Little Endian (PS3.18 8.7.3.1). Implicit VR and Big
    Endian are never sent (8.7.3.2); lossy frames are decoded for the default, never encoded anew.
    """
    held = EXPLICIT_LITTLE if stored in NATIVE else stored
    asked = TransferSyntaxUid(wanted or EXPLICIT_LITTLE)
    if asked in (AS_STORED, held):
        return held
    if asked == EXPLICIT_LITTLE:
        return asked if stored in DECODED else None
    return asked if stored == HTJ2K and asked in TRANSCODED else None


@cache
def available_syntaxes(stored: TransferSyntaxUid) -> tuple[TransferSyntaxUid, ...]:
    """Return every transfer syntax in which frames stored so can be sent, first the one that needs no transcoding."""
    others = sorted({EXPLICIT_LITTLE, *TRANSCODED} - {stored})
    return (stored, *(other for other in others if served_as(stored, other) == other and stored not in NATIVE))


def is_sent_as_it_lies(stored: TransferSyntaxUid, target: TransferSyntaxUid) -> bool:
    """Whether a stored frame is, byte for byte, one of the target: native little-endian frames are all alike."""
    return stored == target or (target == EXPLICIT_LITTLE and stored in NATIVE - {BIG_ENDIAN})

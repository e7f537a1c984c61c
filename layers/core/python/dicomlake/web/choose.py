"""Which representation of instances and frames a caller gets, by what it accepts (PS3.18 8.7.3 and 8.7.4)."""

from dataclasses import dataclass

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import TransferSyntaxUid, is_uid
from dicomlake.domain.served import EXPLICIT_LITTLE, NATIVE, served_as
from dicomlake.web.accept import MEDIA_TYPES, MULTIPART, OCTET_STREAM, MediaRange, parse_accept

DICOM = "application/dicom"
_MULTIPART = (MULTIPART, "multipart/*", "*/*")


@dataclass(frozen=True, slots=True)
class DicomWish:
    """One way in which a caller takes DICOM files: the transfer syntax (`*` any, "" the default), and its weight."""

    syntax: str
    weight: float
    multipart: bool


def dicom_wishes(accept: str, single: bool) -> tuple[DicomWish, ...]:
    """Return the ways in which a caller takes DICOM files, best first; `single` says that there is one file only.

    A multipart body and a file alone are not mixed: the caller's best entry decides. Raises NotAcceptableError where
    the caller takes none.
    """
    found = [wish for entry in parse_accept(accept) if (wish := _wish(entry)) is not None]
    if not single:
        found = [wish for wish in found if wish.multipart]
    if not found:
        raise NotAcceptableError(_available(single))
    return tuple(wish for wish in found if wish.multipart == found[0].multipart)


def _wish(entry: MediaRange) -> DicomWish | None:
    multipart = entry.media_type in _MULTIPART
    wanted = entry.parameters.get("type", "*/*").lower() if multipart else entry.media_type
    syntax = entry.parameters.get("transfer-syntax", "")
    if (
        entry.weight <= 0
        or wanted not in (DICOM, "application/*", "*/*")
        or not (syntax in ("", "*") or is_uid(syntax))
    ):
        return None
    return DicomWish(syntax, entry.weight, multipart)


def _available(single: bool) -> str:
    alone = f", or {DICOM} alone" if single else ""
    return f'the instances are available as {MULTIPART}; type="{DICOM}"{alone}'


DEFAULT_SYNTAXES = {
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    OCTET_STREAM: EXPLICIT_LITTLE,
}
"""The transfer syntax that a frame's media type means where none is named (PS3.18 Table 8.7.3-5)."""


@dataclass(frozen=True, slots=True)
class ChosenFrames:
    """How frames are sent: the part's media type and transfer syntax, in a multipart body or alone."""

    media_type: str
    transfer_syntax: TransferSyntaxUid
    multipart: bool

    @property
    def content_type(self) -> str:
        """The Content-Type of a part."""
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax}"


def choose_frames(accept: str, stored: TransferSyntaxUid, count: int) -> ChosenFrames:
    """Return how frames stored so are sent to a caller who accepts this; `count` is the number of frames.

    The best weight wins; among equals what needs no transcoding. Octets without a transfer syntax are uncompressed
    (8.7.3.3.2), with `*` they are whatever is stored, under its own media type. Raises NotAcceptableError, saying what
    is available, where nothing fits.
    """
    possible = [
        (-entry.weight, chosen.transfer_syntax != _held(stored), place, chosen)
        for place, entry in enumerate(parse_accept(accept))
        if entry.weight > 0 and (chosen := _chosen(entry, stored)) is not None and (chosen.multipart or count == 1)
    ]
    if possible:
        return min(possible, key=lambda one: one[:3])[3]
    held = _held(stored)
    raise NotAcceptableError(
        f'the frames are available as {MULTIPART}; type="{_media_of(held)}"; transfer-syntax={held}, '
        f'or {MULTIPART}; type="{OCTET_STREAM}"; transfer-syntax=*'
    )


def _chosen(entry: MediaRange, stored: TransferSyntaxUid) -> ChosenFrames | None:
    multipart = entry.media_type in _MULTIPART
    wanted = entry.parameters.get("type", "*/*").lower() if multipart else entry.media_type
    target = served_as(stored, _syntax_wished(wanted, entry.parameters.get("transfer-syntax", ""), _held(stored)))
    if target is None:
        return None
    media = _media_of(target)
    octets = wanted == OCTET_STREAM and (target in NATIVE or "transfer-syntax" in entry.parameters)
    return ChosenFrames(media, target, multipart) if octets or _covers(wanted, media) else None


def _syntax_wished(wanted: str, named: str, held: TransferSyntaxUid) -> str:
    """Return the transfer syntax that a media type and its parameter mean, given what is held."""
    if named not in ("", "*"):
        return named
    if wanted == OCTET_STREAM:
        return named or EXPLICIT_LITTLE
    return held if _covers(wanted, _media_of(held)) else DEFAULT_SYNTAXES.get(wanted, held)


def _covers(wanted: str, media: str) -> bool:
    return wanted in ("*/*", media, f"{media.split('/')[0]}/*")


def _held(stored: TransferSyntaxUid) -> TransferSyntaxUid:
    return EXPLICIT_LITTLE if stored in NATIVE else stored


def _media_of(syntax: TransferSyntaxUid) -> str:
    return MEDIA_TYPES.get(syntax, OCTET_STREAM)

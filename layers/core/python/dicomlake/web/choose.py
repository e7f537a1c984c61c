"""Which representation of instances a caller gets, by what it accepts (PS3.18 8.7.3 and 8.7.4)."""

from dataclasses import dataclass

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import is_uid
from dicomlake.web.accept import MULTIPART, MediaRange, parse_accept

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

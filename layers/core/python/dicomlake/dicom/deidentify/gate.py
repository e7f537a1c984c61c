"""What a policy does not take, and why: an object that cannot be made safe is refused, never passed on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dicomlake.dicom.deidentify.dataset import Dataset, PixelHeader
from dicomlake.dicom.deidentify.faces import may_show_a_face
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.standard import standard
from dicomlake.domain.errors import RefusedError

_ROOT = "1.2.840.10008.5.1.4.1.1."
SCREENS = frozenset({f"{_ROOT}{suffix}" for suffix in ("7", "7.1", "7.2", "7.3", "7.4")})
ULTRASOUND = frozenset({f"{_ROOT}{suffix}" for suffix in ("3", "3.1", "6", "6.1", "6.2")})
VIDEO = frozenset({f"{_ROOT}77.1.{suffix}" for suffix in ("1.1", "2.1", "4.1")})
PROJECTIONS = frozenset(
    {f"{_ROOT}{suffix}" for suffix in ("1", "1.1", "1.1.1", "1.2", "1.2.1", "12.1", "12.2", "77.1.4")}
)
_MAPS = frozenset({f"{_ROOT}{suffix}" for suffix in ("66.4", "66.7", "30", "481.2", "77.1.6")})
"""Segmentations, parametric maps and doses are numbers of places; a slide's tiles have no text but on its label."""
SLIDES = f"{_ROOT}77.1.6"
_SCREEN_TERMS = frozenset(
    b"SCREEN SAVE|SCREENSAVE|SCREEN CAPTURE|SECONDARY CAPTURE|SCREENSHOT|DOSE_INFO|DOSE REPORT|REPORT|PROT".split(b"|")
)
_CLASS, _IMAGE_TYPE, _CONVERSION, _BURNED_IN, _LABEL = 0x00080016, 0x00080008, 0x00080064, 0x00280301, 0x00480010


class Look(StrEnum):
    """How the pixels of an object are looked at for text."""

    NOT = "not"
    WHERE_DRAWN = "where something is drawn"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a policy takes: how its pixels are looked at, and whether a face may be recognised (None: nothing shows
    one, so nothing is said of it)."""

    look: Look
    recognizable: bool | None


def admit(dataset: Dataset, pixels: PixelHeader | None, policy: Policy) -> Admitted:
    """Return how an object is taken; raises RefusedError for what the policy does not take."""
    values = {element.tag: element.value.strip(b" \0") for element in dataset}
    sop_class = values.get(_CLASS, b"").decode("ascii", "replace")
    look = Look.NOT if pixels is None else _look(values, sop_class, policy)
    if not may_show_a_face(dataset):
        return Admitted(look, None)
    if policy.faces is not Faces.ACCEPT_RISK:
        raise RefusedError("faces: a face may be rebuilt from it (PS3.15 E.3.2)")
    return Admitted(look, True)


def _look(values: Mapping[int, bytes], sop_class: str, policy: Policy) -> Look:
    if sop_class not in standard().sop_classes:
        raise RefusedError("SOP class: pixels of a kind that the standard's tables do not know")
    if sop_class == SLIDES:
        _refuse_labels(values)
    if any(tag >> 24 == 0x60 and tag & 0xFFFF == 0x0102 and tag - 0x0102 + 0x3000 not in values for tag in values):
        raise RefusedError("overlay: its bits are among those of the pixels")
    if policy.text is TextInPixels.NONE:
        if _burned_in(values):
            raise RefusedError("Burned In Annotation is YES: text in the pixels has to be cleaned first")
        return Look.NOT
    if sop_class in _MAPS:
        return Look.NOT
    return Look.ALWAYS if _burned_in(values) or may_carry_text(values, sop_class) else Look.WHERE_DRAWN


def _refuse_labels(values: Mapping[int, bytes]) -> None:
    """Refuse images of a slide's label, and those of the whole glass, which show it but where they say they do not
    (PS3.3 C.8.12.4.1.1, C.8.12.8)."""
    terms = _terms(values, _IMAGE_TYPE)
    label = values.get(_LABEL, b"")
    whole_glass = not {b"OVERVIEW", b"THUMBNAIL"}.isdisjoint(terms) and label != b"NO"
    if b"LABEL" in terms or label == b"YES" or whole_glass:
        raise RefusedError("whole slide: an image that shows the slide's label")


def may_carry_text(values: Mapping[int, bytes], sop_class: str) -> bool:
    """Whether an image is of a kind that has text burned into it."""
    if sop_class in SCREENS | ULTRASOUND | VIDEO | PROJECTIONS:
        return True
    return bool(_SCREEN_TERMS.intersection(_terms(values, _IMAGE_TYPE)) or values.get(_CONVERSION))


def _burned_in(values: Mapping[int, bytes]) -> bool:
    return b"YES" in _terms(values, _BURNED_IN)


def _terms(values: Mapping[int, bytes], tag: int) -> list[bytes]:
    return [value.strip(b" \0").upper() for value in values.get(tag, b"").split(b"\\")]

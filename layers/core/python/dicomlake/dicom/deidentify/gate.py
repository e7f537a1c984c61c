"""What a policy does not take, and why: an object that cannot be made safe is refused, never passed on."""

from collections.abc import Mapping

from dicomlake.dicom.deidentify.dataset import Dataset, PixelHeader
from dicomlake.dicom.deidentify.faces import may_show_a_face
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.standard import standard
from dicomlake.domain.errors import RefusedError

_ROOT = "1.2.840.10008.5.1.4.1.1."
DIRECTORY = "1.2.840.10008.1.3.10"
SCREENS = frozenset({f"{_ROOT}{suffix}" for suffix in ("7", "7.1", "7.2", "7.3", "7.4")})
ULTRASOUND = frozenset({f"{_ROOT}{suffix}" for suffix in ("3", "3.1", "6", "6.1", "6.2")})
VIDEO = frozenset({f"{_ROOT}77.1.{suffix}" for suffix in ("1.1", "2.1", "4.1")})
SLIDES = f"{_ROOT}77.1.6"
_SCREEN_TERMS = frozenset(
    b"SCREEN SAVE|SCREENSAVE|SCREEN CAPTURE|SECONDARY CAPTURE|SCREENSHOT|DOSE_INFO|DOSE REPORT|REPORT|PROT".split(b"|")
)
_CLASS, _IMAGE_TYPE, _CONVERSION, _BURNED_IN, _LABEL = 0x00080016, 0x00080008, 0x00080064, 0x00280301, 0x00480010


def refuse(dataset: Dataset, pixels: PixelHeader | None, syntax: str, policy: Policy) -> bool | None:
    """Raise RefusedError for what the policy does not take; return whether a face may be recognised in the rest (None:
    nothing was decided about faces)."""
    values = {element.tag: element.value.strip(b" \0") for element in dataset}
    sop_class = values.get(_CLASS, b"").decode("ascii", "replace")
    if pixels is not None:
        _refuse_pixels(values, sop_class, policy)
    if may_show_a_face(dataset):
        if policy.faces is not Faces.ACCEPT_RISK:
            raise RefusedError("faces: a face may be rebuilt from it (PS3.15 E.3.2)")
        return True
    return None


def _refuse_pixels(values: Mapping[int, bytes], sop_class: str, policy: Policy) -> None:
    if sop_class not in standard().sop_classes:
        raise RefusedError("SOP class: pixels of a kind that the standard's tables do not know")
    if sop_class == SLIDES and (b"LABEL" in _terms(values, _IMAGE_TYPE) or values.get(_LABEL, b"") == b"YES"):
        raise RefusedError("whole slide: an image of the slide's label")
    if _burned_in(values):
        raise RefusedError("Burned In Annotation is YES: text in the pixels has to be cleaned first")
    if policy.text is not TextInPixels.NONE and may_carry_text(values, sop_class):
        raise RefusedError("text may be burned into the pixels, and nothing here can read it")


def may_carry_text(values: Mapping[int, bytes], sop_class: str) -> bool:
    """Whether an image is of a kind that has text burned into it."""
    if sop_class in SCREENS | ULTRASOUND | VIDEO:
        return True
    return bool(_SCREEN_TERMS.intersection(_terms(values, _IMAGE_TYPE)) or values.get(_CONVERSION))


def _burned_in(values: Mapping[int, bytes]) -> bool:
    return b"YES" in _terms(values, _BURNED_IN)


def _terms(values: Mapping[int, bytes], tag: int) -> list[bytes]:
    return [value.strip(b" \0").upper() for value in values.get(tag, b"").split(b"\\")]

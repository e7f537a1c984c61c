"""What this stage does not take, and why: an object it cannot make safe is refused, never passed on."""

from collections.abc import Callable, Mapping

from dicomlake.dicom.deidentify.dataset import Dataset, Element, PixelHeader
from dicomlake.domain.errors import RefusedError

TAKEN_SOP_CLASSES: Mapping[str, str] = {
    "1.2.840.10008.5.1.4.1.1.2": "CT Image Storage",
    "1.2.840.10008.5.1.4.1.1.4": "MR Image Storage",
    "1.2.840.10008.5.1.4.1.1.128": "Positron Emission Tomography Image Storage",
}
NATIVE_SYNTAXES: Mapping[str, tuple[bool, bool]] = {
    "1.2.840.10008.1.2": (False, False),
    "1.2.840.10008.1.2.1": (True, False),
    "1.2.840.10008.1.2.1.99": (True, False),
    "1.2.840.10008.1.2.2": (True, True),
}
"""Transfer syntax -> explicit VR, big endian; a deflated object's head is kept inflated."""

STORED_SYNTAX = "1.2.840.10008.1.2.4.202"
"""HTJ2K Lossless RPCL: frames that were checked to hold nothing but pixels of BitsStored bits. Frames that could not be
transcoded kept stray bits, among which an overlay may lie (PS3.5 8.1.1), or are not integer images."""

_SCREEN_TERMS = frozenset(
    b"SCREEN SAVE|SCREENSAVE|SCREEN CAPTURE|SECONDARY CAPTURE|SCREENSHOT|DOSE_INFO|DOSE REPORT|REPORT|PROT".split(b"|")
)
_DOCUMENTS: Mapping[int, str] = {
    0x00420011: "an encapsulated document",
    0x54000100: "waveforms",
    0x56000020: "spectroscopy data",
}

Rule = Callable[[Mapping[int, Element]], str]
"""Returns why the object is refused, "" where it is not."""


def refuse_class(sop_class_uid: str, source_syntax: str, stored_syntax: str) -> None:
    """Raise RefusedError unless the object is of a kind this stage takes; needs no header."""
    if sop_class_uid not in TAKEN_SOP_CLASSES:
        raise RefusedError("SOP class: only CT, MR and PET images are taken")
    if source_syntax not in NATIVE_SYNTAXES:
        raise RefusedError("source transfer syntax: only images that came uncompressed are taken")
    if stored_syntax != STORED_SYNTAX:
        raise RefusedError("stored frames: kept as they came, so bits beside the pixels may hold an overlay")


def refuse_content(dataset: Dataset, pixels: PixelHeader | None) -> None:
    """Raise RefusedError where the header says that pixels or other bulk data may show who the patient is."""
    if pixels is None:
        raise RefusedError("pixel data: an image without pixels is not understood")
    attributes = {element.tag: element for element in dataset}
    for rule in _RULES:
        why = rule(attributes)
        if why:
            raise RefusedError(why)


def _values(attributes: Mapping[int, Element], tag: int) -> list[bytes]:
    element = attributes.get(tag)
    return [] if element is None else [value.strip(b" \0").upper() for value in element.value.split(b"\\")]


def _burned_in(attributes: Mapping[int, Element]) -> str:
    says_yes = b"YES" in _values(attributes, 0x00280301)
    return "Burned In Annotation is YES: text in the pixels has to be cleaned first" if says_yes else ""


def _screen(attributes: Mapping[int, Element]) -> str:
    terms = _SCREEN_TERMS.intersection(_values(attributes, 0x00080008))
    return "Image Type: a picture of a screen or a report" if terms else ""


def _captured(attributes: Mapping[int, Element]) -> str:
    return "Conversion Type: a secondary capture" if any(_values(attributes, 0x00080064)) else ""


def _colour(attributes: Mapping[int, Element]) -> str:
    photometric = (_values(attributes, 0x00280004) or [b""])[0]
    return "" if photometric.startswith(b"MONOCHROME") else "Photometric Interpretation: not a grayscale image"


def _overlay_in_pixels(attributes: Mapping[int, Element]) -> str:
    planes = [tag for tag in attributes if tag >> 24 == 0x60 and tag & 0xFFFF == 0x0102]
    inside = any(tag - 0x0102 + 0x3000 not in attributes for tag in planes)
    return "overlay: its bits are among those of the pixels" if inside else ""


def _document(attributes: Mapping[int, Element]) -> str:
    found = [what for tag, what in _DOCUMENTS.items() if tag in attributes]
    return f"content: the image carries {found[0]}" if found else ""


_RULES: tuple[Rule, ...] = (_burned_in, _screen, _captured, _colour, _overlay_in_pixels, _document)

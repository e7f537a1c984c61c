"""What a clean data set says of itself and of its patient, whatever it said before (PS3.15 E.1.1)."""

from dataclasses import dataclass

from dicomlake.dicom.deidentify.dataset import Element
from dicomlake.dicom.deidentify.options import BASIC_CODE, FACES_CODE, OPTIONS, PIXELS_CODE, Code, Option, in_order

PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
METHOD = "PS3.15 2026c Basic Profile"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done beyond the Basic Profile: options, pixels and faces cleaned, what is so known of faces and text."""

    options: frozenset[Option] = frozenset()
    pixels_cleaned: bool = False
    faces_cleaned: bool = False
    recognizable: bool | None = None
    cleared: bool = True


def statements(pseudonym: str, done: Done) -> tuple[Element, ...]:
    """Return the elements that every de-identified object has: pseudonym, flags, method with its codes.

    (0012,0062) is YES where the object is cleared for passing on, NO where something has still to be looked at.
    """
    said = [
        Element(PATIENT_NAME, "PN", pseudonym.encode()),
        Element(PATIENT_ID, "LO", pseudonym.encode()),
        Element(0x00120062, "CS", b"YES" if done.cleared else b"NO"),
        Element(0x00120063, "LO", "\\".join(_methods(done)).encode()),
        Element(0x00120064, "SQ", b"", tuple(_item(code) for code in codes(done))),
        Element(0x00280303, "CS", _temporal(done.options)),
    ]
    if done.pixels_cleaned:
        said.append(Element(0x00280301, "CS", b"NO"))
    if done.recognizable is not None:
        said.append(Element(0x00280302, "CS", b"YES" if done.recognizable else b"NO"))
    return tuple(sorted(said))


def codes(done: Done) -> list[Code]:
    """Return the codes of CID 7050 of what was done (PS3.16)."""
    found = [BASIC_CODE]
    found += [PIXELS_CODE] if done.pixels_cleaned else []
    found += [FACES_CODE] if done.faces_cleaned else []
    return found + sorted(OPTIONS[option].code for option in done.options)


def _methods(done: Done) -> list[str]:
    lines = [METHOD, *in_order(done.options)]
    lines += ["clean-pixel-data"] if done.pixels_cleaned else []
    lines += ["clean-recognizable-visual-features"] if done.faces_cleaned else []
    return lines if done.cleared else [*lines, "pixels not reviewed"]


def _temporal(options: frozenset[Option]) -> bytes:
    if Option.FULL_DATES in options:
        return b"UNMODIFIED"
    return b"MODIFIED" if Option.MODIFIED_DATES in options else b"REMOVED"


def _item(code: Code) -> tuple[Element, ...]:
    value, meaning = code
    return (
        Element(0x00080100, "SH", value.encode()),
        Element(0x00080102, "SH", b"DCM"),
        Element(0x00080104, "LO", meaning[:64].encode()),
    )

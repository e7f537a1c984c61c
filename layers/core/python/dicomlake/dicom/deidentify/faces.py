"""Whether a face may be rebuilt from an object: by what it shows, what its texts say, and how large its field is.

Body Part Examined alone decides nothing: it is what a protocol says, not what was in the field of view.
"""

import re
from collections.abc import Mapping

from dicomlake.dicom.deidentify.dataset import Dataset

_ROOT = "1.2.840.10008.5.1.4.1.1."
VOLUMES = frozenset(
    {f"{_ROOT}{suffix}" for suffix in ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "128", "130", "128.1")}
) | {
    f"{_ROOT}13.1.1",  # X-Ray 3D Angiographic
    f"{_ROOT}13.1.2",  # X-Ray 3D Craniofacial
}
PHOTOGRAPHS = frozenset({f"{_ROOT}77.1.4", f"{_ROOT}77.1.4.1", f"{_ROOT}77.1.1", f"{_ROOT}77.1.1.1"})
MODELS = frozenset({f"{_ROOT}104.3", f"{_ROOT}104.4", f"{_ROOT}104.5"})
"""Encapsulated STL, OBJ and MTL: surfaces."""

_HEAD_PARTS = frozenset(
    b"HEAD BRAIN SKULL FACE HEADNECK WHOLEBODY ORBIT EYE EAR NOSE SINUS JAW MAXILLA MANDIBLE ZYGOMA TMJ PITUITARY "
    b"SELLA IAC TEETH DENTAL CEREBELLUM NECK TBODY HEADANDNECK".split()
)
_HEAD_WORDS = re.compile(
    r"(?<![a-z])(?:head|brain|skull|face|facial|cranial|cranium|cerebral|cerebrum|orbit|sinus|maxillo|mandib|dental|neuro"
    r"|kopf|schädel|hirn|gesicht|tete|crane|cabeza|whole.?body|ganzkörper|stroke|pituitary|mprage|temporal bone)"
    r"|頭|脳|顔|全身|頭頸|副鼻腔",
    re.IGNORECASE,
)
_DESCRIPTIONS = (0x00081030, 0x0008103E, 0x00181030, 0x00081032, 0x00321060, 0x00400254, 0x00082218, 0x00080104)
_BODY_PART, _CLASS = 0x00180015, 0x00080016
_ROWS, _COLUMNS, _SPACING = 0x00280010, 0x00280011, 0x00280030
_HEAD_FIELD = (160.0, 320.0)
"""Millimetres: the fields of view that heads are taken with; without any other word, such a field may show one."""
_TRUNK_PARTS = frozenset(
    b"CHEST ABDOMEN PELVIS THORAX LUNG HEART LIVER KIDNEY PROSTATE BREAST LSPINE TSPINE SPINE SSPINE HIP KNEE FOOT "
    b"HAND ANKLE WRIST ELBOW SHOULDER LEG ARM FEMUR TIBIA EXTREMITY LOWEREXTREMITY UPPEREXTREMITY PHANTOM "
    b"ABDOMENPELVIS CHESTABDOMEN CHESTABDPELVIS".split()
)


def may_show_a_face(dataset: Dataset) -> bool:
    """Whether a face may be recognised in an object or rebuilt from its series."""
    values = {element.tag: element.value for element in dataset}
    sop_class = values.get(_CLASS, b"").strip(b" \0").decode("ascii", "replace")
    if sop_class in MODELS or sop_class in PHOTOGRAPHS:
        return True
    return sop_class in VOLUMES and _shows_a_head(dataset, values)


def _shows_a_head(dataset: Dataset, values: Mapping[int, bytes]) -> bool:
    part = values.get(_BODY_PART, b"").strip(b" \0").upper().replace(b" ", b"").replace(b"_", b"")
    if part in _HEAD_PARTS or _HEAD_WORDS.search(_described(dataset)):
        return True
    if part in _TRUNK_PARTS:
        return False
    field = _field(values)
    return field is None or _HEAD_FIELD[0] <= field <= _HEAD_FIELD[1]


def _described(dataset: Dataset) -> str:
    """What an object says of what it shows, in descriptions and in the meanings of its anatomy codes."""
    texts = []
    for element in dataset:
        if element.tag in _DESCRIPTIONS:
            texts.append(element.value.decode("utf-8", "replace"))
            texts += [_described(item) for item in element.items or ()]
    return "\n".join(texts)


def _field(values: Mapping[int, bytes]) -> float | None:
    """The longer side of the field of view in millimetres, None where it is not told."""
    try:
        rows, columns = (int.from_bytes(values[tag][:2], "little") for tag in (_ROWS, _COLUMNS))
        spacing = [float(part.strip(b" \0")) for part in values[_SPACING].split(b"\\")]
        return max(rows * spacing[0], columns * spacing[-1])
    except (KeyError, ValueError):
        return None

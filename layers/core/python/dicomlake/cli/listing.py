"""How studies, series and instances are listed: the answer of the look-up API as rows of a table."""

from collections.abc import Iterable, Mapping
from typing import Any

Found = Mapping[str, Any]

STUDY_COLUMNS: tuple[tuple[str, str], ...] = (
    ("date", "00080020"),
    ("patient", "00100010"),
    ("id", "00100020"),
    ("modalities", "00080061"),
    ("description", "00081030"),
    ("series", "00201206"),
    ("instances", "00201208"),
    ("study", "0020000D"),
)
SERIES_COLUMNS: tuple[tuple[str, str], ...] = (
    ("number", "00200011"),
    ("modality", "00080060"),
    ("description", "0008103E"),
    ("instances", "00201209"),
    ("series", "0020000E"),
)
STORED_AS = "00083002"
"""Available Transfer Syntax UID: the first is the one that is stored, the others can be had."""
INSTANCE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("number", "00200013"),
    ("rows", "00280010"),
    ("columns", "00280011"),
    ("frames", "00280008"),
    ("stored as", STORED_AS),
    ("instance", "00080018"),
)


def rows_of(found: Iterable[Found], columns: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """Return what was found as rows of text."""
    return [[value_of(one, tag) for _, tag in columns] for one in found]


def heads_of(columns: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the heads of the columns."""
    return [head for head, _ in columns]


def value_of(found: Found, tag: str) -> str:
    """Return an attribute's values as text; a person's name in the first of its forms that is there."""
    values = found.get(tag, {}).get("Value") or ()
    if tag == STORED_AS:
        values = values[:1]
    return ", ".join(_text(value) for value in values if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(next((value[form] for form in ("Alphabetic", "Ideographic", "Phonetic") if value.get(form)), ""))
    return str(value)

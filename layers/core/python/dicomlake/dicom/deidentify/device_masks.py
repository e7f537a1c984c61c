"""Device masks: where a device of a kind writes names into its pictures, in a table that its users keep.

The table is JSON, a list of rows: `{"manufacturer": "...", "model": "...", "sopClass": "...", "rows": 768, "columns":
1024, "boxes": [[left, top, right, bottom], ...]}`. What a row leaves out matches anything; the first row that matches
counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.picture_text import Line

_TEXTS = {"manufacturer": 0x00080070, "model": 0x00081090, "sopClass": 0x00080016}
_NUMBERS = {"rows": 0x00280010, "columns": 0x00280011}


@dataclass(frozen=True, slots=True)
class DeviceMask:
    """One row: what an object has to say of its device and its size (by tag), and what is filled over in its frames."""

    texts: Mapping[int, str]
    numbers: Mapping[int, int]
    boxes: tuple[Line, ...]

    def matches(self, values: Mapping[int, bytes]) -> bool:
        """Whether an object with these values is of this kind."""
        said = all(_plain(values.get(tag, b"").decode("latin-1")) == _plain(text) for tag, text in self.texts.items())
        return said and all(int.from_bytes(values.get(tag, b"")[:2], "little") == n for tag, n in self.numbers.items())


def mask_for(values: Mapping[int, bytes], masks: tuple[DeviceMask, ...]) -> DeviceMask | None:
    """Return the first row that matches an object, by its values."""
    return next((mask for mask in masks if mask.matches(values)), None)


def read_masks(text: str) -> tuple[DeviceMask, ...]:
    """Return the rows of a table; InvalidRequestError says what is wrong with which."""
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as exc:
        raise InvalidRequestError(f"The device masks are no JSON: {exc.msg}, line {exc.lineno}.") from exc
    if not isinstance(rows, list):
        raise InvalidRequestError("The device masks: a list of rows is wanted.")
    return tuple(_mask(row, f"masks[{index}]") for index, row in enumerate(rows))


def _mask(row: Any, where: str) -> DeviceMask:
    if not isinstance(row, dict) or not set(row) <= {*_TEXTS, *_NUMBERS, "boxes"}:
        raise InvalidRequestError(f"{where}: an object of {', '.join((*_TEXTS, *_NUMBERS, 'boxes'))} is wanted.")
    texts = {_TEXTS[name]: row[name] for name in _TEXTS if name in row}
    numbers = {_NUMBERS[name]: row[name] for name in _NUMBERS if name in row}
    if not all(isinstance(text, str) for text in texts.values()) or not all(type(n) is int for n in numbers.values()):
        raise InvalidRequestError(f"{where}: texts for the device, whole numbers for rows and columns.")
    if not texts:
        raise InvalidRequestError(f"{where}: it matches every device; name a manufacturer, a model or a SOP class.")
    boxes = row.get("boxes")
    if not isinstance(boxes, list) or not boxes or not all(_is_box(box) for box in boxes):
        raise InvalidRequestError(f"{where}.boxes: a list of [left, top, right, bottom] in pixels is wanted.")
    return DeviceMask(texts, numbers, tuple(Line(*box) for box in boxes))


def _is_box(box: Any) -> bool:
    if not isinstance(box, list) or len(box) != 4 or not all(type(side) is int and side >= 0 for side in box):
        return False
    left, top, right, bottom = box
    return bool(left < right and top < bottom)


def _plain(text: str) -> str:
    return " ".join(text.strip(" \0").upper().split())

"""Text in pictures, read by RapidOCR: PaddleOCR's models, Japanese included, that lie inside the wheel; no network."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomlake.domain.picture_text import Line

TILE, OVERLAP = 1600, 160
"""Pixels: beyond about 2,000 the engine makes pictures smaller, and small letters vanish. Lines are lower than the
overlap; what is cut at a tile's side is found in both."""

LEAST_SCORE = 0.3
"""Below it what was read is kept as a place without a text: it may be one all the same."""


@dataclass(slots=True)
class RapidTextReader:
    """Finds lines of text in 8-bit pictures; the models (31 MB) are loaded with the first one."""

    _engine: Any = field(default=None, repr=False)

    def read(self, picture: NDArray[np.uint8], places: bool = False) -> tuple[Line, ...]:
        """Return the lines in a picture, (rows, columns) or (rows, columns, 3); of `places` alone none has a text."""
        if self._engine is None:
            from rapidocr import RapidOCR

            self._engine = RapidOCR(params={"Global.log_level": "critical"})
        colours = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
        return tuple(
            Line(line.left + left, line.top + top, line.right + left, line.bottom + top, line.text)
            for top in _starts(colours.shape[0])
            for left in _starts(colours.shape[1])
            for line in self._lines(colours[top : top + TILE, left : left + TILE], places)
        )

    def _lines(self, colours: NDArray[np.uint8], places: bool) -> tuple[Line, ...]:
        found = self._engine(np.ascontiguousarray(colours), use_cls=False, use_rec=not places)
        if found.boxes is None:
            return ()
        if places:
            return tuple(_line(box, "") for box in found.boxes)
        return tuple(
            _line(box, text if score >= LEAST_SCORE else "")
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        )


def _starts(size: int) -> list[int]:
    """Where tiles begin along a side."""
    return [0] if size <= TILE else [*range(0, size - TILE, TILE - OVERLAP), size - TILE]


def available() -> bool:
    """Whether the engine is installed; it is left out of the functions that need no pictures."""
    from importlib.util import find_spec

    return find_spec("rapidocr") is not None


def _line(box: NDArray[np.float32], text: str) -> Line:
    left, top = (int(value) for value in np.floor(box.min(axis=0)))
    right, bottom = (int(value) + 1 for value in np.ceil(box.max(axis=0)))
    return Line(left, top, right, bottom, text)

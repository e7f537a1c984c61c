"""Text in pixels: found, filled over, and looked for again (PS3.15 E.3.1)."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dicomlake.dicom.deidentify.fold import folded, normal
from dicomlake.dicom.deidentify.picture_views import Picture, Samples, extremes, views
from dicomlake.dicom.deidentify.policy import TextInPixels
from dicomlake.dicom.deidentify.search import Search
from dicomlake.domain.errors import RefusedError
from dicomlake.domain.names import words
from dicomlake.domain.picture_text import Line

MARGIN = 3
"""Pixels around a line that are filled as well: what smoothing has left of its letters."""
ROUNDS = 5
FILLED = 0.7
"""Which part of a line lies inside what was filled already, for it to be the filling's own edge."""
FEWEST_LETTERS = 3
LIKE = 0.8
"""How alike a word that was read has to be to a name's: readers mistake letters."""


class TextReader(Protocol):
    """Whatever finds lines of text in a picture of 8 bits."""

    def read(self, picture: Picture, places: bool = False) -> tuple[Line, ...]:
        """Return the lines in a picture, (rows, columns) or (rows, columns, 3); `places`: nobody asks what they say."""


@dataclass(frozen=True, slots=True)
class Film:
    """Frames to read: how to get at them, how they are to be seen, and the attributes that say so.

    `doubtful`: nothing says that there is text, so only what reads as text counts; bones have edges too.
    """

    frames: Callable[[], Iterator[Samples]]
    photometric: str
    values: Mapping[int, bytes]
    outside: tuple[Line, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Wiped:
    """What is filled over in every frame, and how often the reader found something before it found nothing."""

    boxes: tuple[Line, ...]
    rounds: int


def find_text(film: Film, reader: TextReader, mode: TextInPixels, search: Search) -> Wiped:
    """Return the boxes to fill so that a second look finds nothing any more; RefusedError where it always does."""
    faces = extremes(film.frames())
    rows, columns = faces[0].shape[:2]
    boxes = list(film.outside)
    for turn in range(ROUNDS):
        lines = [line for face in faces for line in _read(fill(face, boxes), film, reader, mode)]
        if film.doubtful:
            lines = [line for line in lines if sum(map(str.isalnum, line.text)) >= FEWEST_LETTERS]
        wanted = [line.grown(MARGIN, columns, rows) for line in lines if is_wanted(line.text, mode, search)]
        found = [line for line in wanted if not any(_mostly_inside(line, box) for box in boxes)]
        if not found:
            return Wiped(tuple(boxes), turn)
        boxes += found
    raise RefusedError("text in the pixels: some is still read after it was filled over")


def _mostly_inside(line: Line, box: Line) -> bool:
    """Whether a line lies where there is nothing but filling: its edge may look like a stroke."""
    width = min(line.right, box.right) - max(line.left, box.left)
    height = min(line.bottom, box.bottom) - max(line.top, box.top)
    size = (line.right - line.left) * (line.bottom - line.top)
    return width > 0 and height > 0 and width * height > FILLED * size


def _read(frame: Samples, film: Film, reader: TextReader, mode: TextInPixels) -> Iterator[Line]:
    for picture in views(frame, film.photometric, film.values):
        yield from reader.read(picture, places=mode is TextInPixels.ALL and not film.doubtful)


def is_wanted(text: str, mode: TextInPixels, search: Search) -> bool:
    """Whether a line goes: any, or one in which something identifies, allowing for letters that were misread.

    Where nothing could be read the line goes too: it may be anything.
    """
    if mode is TextInPixels.ALL or not text.strip():
        return True
    if search.clean(text)[1]:
        return True
    names = [term for term in (*search.terms.anywhere, *search.terms.numbers) if len(term) > 3]
    read = {folded(normal(word)) for word in words(text)}
    return any(_alike(word, name) for word in read if len(word) > 3 for name in names)


def _alike(word: str, name: str) -> bool:
    return abs(len(word) - len(name)) <= 2 and difflib.SequenceMatcher(None, word, name).ratio() >= LIKE


def fill(frame: Samples, boxes: Sequence[Line]) -> Samples:
    """Return a frame with boxes filled by what surrounds each: the median of the pixels around it."""
    if not boxes:
        return frame
    filled = frame.copy()
    rows, columns = frame.shape[:2]
    for box in boxes:
        around = box.grown(1, columns, rows)
        ring = np.ones((around.bottom - around.top, around.right - around.left), bool)
        ring[box.top - around.top : box.bottom - around.top, box.left - around.left : box.right - around.left] = False
        edge = frame[around.top : around.bottom, around.left : around.right][ring]
        colour = np.median(edge, axis=0) if len(edge) else np.median(frame.reshape(-1, *frame.shape[2:]), axis=0)
        filled[box.top : box.bottom, box.left : box.right] = colour.astype(frame.dtype)
    return filled

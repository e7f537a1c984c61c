"""What recurs from slice to slice: runs of elements that were read before and are met again byte for byte.

Most of a header is the same in all instances of a series. The second one teaches the runs between what is special;
where a later one differs, the run is split around the element that does. From then on a run costs one comparison.

A run holds only elements whose JSON depends on their bytes and the encoding alone: nothing that a private creator,
another attribute or a character set decides, no sequence in which anything is, and nothing that is not content
(canonical.py). So it is right wherever its bytes are met; the series only says where to look. JSON objects of a run are
shared by all instances that have it, hence nobody may change them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from dicomlake.dicom.header.encoding import EXPLICIT_LITTLE, IMPLICIT_LITTLE, SEQUENCE, Encoding, Layout
from dicomlake.dicom.header.view_text import NOT_CONTENT, written
from dicomlake.dicom.header.window import HEADER
from dicomlake.domain.model import JsonObject, JsonValue

ESCAPE = 0x1B
SERIES = {EXPLICIT_LITTLE: b"\x20\0\x0e\0UI", IMPLICIT_LITTLE: b"\x20\0\x0e\0"}
"""How the Series Instance UID's header begins."""
LONGEST_UID = 64
MAX_SERIES = 64
"""Series that are remembered, each with at most the first window of a header: about 10 MB in all."""


class Run(NamedTuple):
    """Elements that follow one another: their bytes, headers included, where each ends, their JSON in the same order.

    `text` is how the JSON is written, without the braces around it.
    """

    raw: bytes
    ends: tuple[int, ...]
    elements: JsonObject
    text: bytes


class Runs(dict[bytes, Run]):
    """The runs of one series, by the tag (and VR, where explicit) that each begins with.

    Threads may share it: a run never changes, and is right whoever put it there. `met`: one instance was read.
    """

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.encoding = encoding
        self.met = False

    def match(self, key: bytes, data: bytes, at: int, end: int) -> Run | None:
        """Return the run that begins with `key` if the bytes in [at, end) begin with it, else what of it they do."""
        run = self.get(key)
        if run is None or (len(run.raw) <= end - at and data.startswith(run.raw, at)):
            return run
        return self._split(key, run, data[at : min(end, at + len(run.raw))])

    def learn(
        self, data: bytes, start: int, special: Mapping[int, int], sequences: Mapping[int, int], out: JsonObject
    ) -> None:
        """Keep the runs of a data set that begins at `start` of an object's first bytes and was read into `out`.

        `special` tells of elements that are in no run, `sequences` of those that are as good as any other: where each
        lies and where the next one starts.
        """
        pos = first = start
        held: JsonObject = {}
        ends: list[int] = []
        while pos + HEADER <= len(data):
            layout, value, end = self._measure(data, pos)
            end = sequences.get(pos, end)
            element = out.get(layout.tag)
            if pos not in special and end <= len(data) and _depends_on_bytes(layout, element, data[value:end]):
                held[layout.tag] = element
                pos = end
                ends.append(end - first)
                continue
            self._keep(data[first:pos], ends, held)
            held, ends = {}, []
            pos = first = special.get(pos, end)
        self._keep(data[first:pos], ends, held)

    def _split(self, key: bytes, run: Run, met: bytes) -> Run | None:
        """Forget the first element that differs; keep and return what is before it, keep what is after it."""
        self.pop(key, None)
        before, items = 0, list(run.elements.items())
        for index, end in enumerate(run.ends):
            if run.raw[before:end] != met[before:end]:
                self._keep(run.raw[end:], [later - end for later in run.ends[index + 1 :]], dict(items[index + 1 :]))
                return self._keep(run.raw[:before], run.ends[:index], dict(items[:index]))
            before = end
        return None

    def _keep(self, raw: bytes, ends: Sequence[int], elements: JsonObject) -> Run | None:
        if not elements:
            return None
        run = self[raw[: self.encoding.key_size]] = Run(raw, tuple(ends), elements, written(elements))
        return run

    def _measure(self, data: bytes, pos: int) -> tuple[Layout, int, int]:
        """Return the layout of the element at `pos`, and where its value starts and ends."""
        layout = self.encoding.layouts[data[pos : pos + self.encoding.key_size]]
        (length,) = layout.length(data, pos + layout.skip)
        start = pos + layout.header
        return layout, start, start + length


NOTHING = Runs(EXPLICIT_LITTLE)
"""What recurs where nothing is remembered; stays empty."""


def runs_of(first: bytes, encoding: Encoding) -> Runs:
    """Return what is remembered of the series that an object is of, by a look at its first bytes."""
    key = SERIES.get(encoding)
    at = first.find(key) if key else -1
    if not key or not 0 <= at <= len(first) - HEADER:
        return NOTHING
    layout = encoding.layouts[key]
    (length,) = layout.length(first, at + layout.skip)
    start = at + layout.header
    return _remembered(encoding, first[start : start + min(length, LONGEST_UID)])


@lru_cache(maxsize=MAX_SERIES)
def _remembered(encoding: Encoding, _series: bytes) -> Runs:
    return Runs(encoding)


def _depends_on_bytes(layout: Layout, element: JsonValue, raw: bytes) -> bool:
    """Whether an element was made of its bytes alone, and they call for no warning; of sequences the walk knows."""
    plain = layout.shape is None or (raw.isascii() and ESCAPE not in raw)
    as_declared = isinstance(element, dict) and element["vr"] == layout.vr and "BulkDataURI" not in element
    content = layout.tag not in NOT_CONTENT
    return plain and as_declared and content and layout.handling in {0, SEQUENCE} and len(raw) % 2 == 0

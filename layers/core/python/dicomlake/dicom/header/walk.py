"""A whole data set on one walk: the loop and its handlers put together, and what has to wait for the end."""

from dataclasses import dataclass

from dicomlake.dicom.header.elements import Scope, Walk, read_elements
from dicomlake.dicom.header.encoding import Encoding
from dicomlake.dicom.header.json_view import FROM_TEXT
from dicomlake.dicom.header.recurring import NOTHING, runs_of
from dicomlake.dicom.header.special import HANDLERS, settle_choices
from dicomlake.dicom.header.view_text import ViewText, put_together
from dicomlake.dicom.header.vr import ONE_VALUE
from dicomlake.dicom.header.window import Window
from dicomlake.dicom.instance import BulkValue, PixelElement, Span
from dicomlake.dicom.text.charset_guess import LATIN, guess
from dicomlake.domain.errors import MalformedError, Reason
from dicomlake.domain.model import JsonObject, Warned

HEADER = 8
BULK_LIMIT = 1 << 20
"""Values of more bytes than this are named in the JSON view, not held."""
MOVED = frozenset({"duplicate-tag", "out-of-order", "trailing-bytes"})
"""Warnings of data sets whose elements may stand elsewhere in the view than they were met."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as read: its JSON view and what lies outside it."""

    json: JsonObject
    pixels: PixelElement | None
    tables: dict[str, Span]
    bulk: tuple[BulkValue, ...]
    warnings: tuple[Warned, ...]
    nested_charset: bool
    text: ViewText | None = None


def read_data_set(window: Window, start: int, encoding: Encoding, limit: int = BULK_LIMIT) -> DataSet:
    """Read the data set from `start` to the end of the source.

    Raises MalformedError for what cannot be read to its end; bytes after the last element that are none are not an
    error but the warning `trailing-bytes`.
    """
    walk = Walk(window, HANDLERS, limit)
    first = b"" if window.base else window.data[: window.have]
    root = Scope({}, None, False, (), None, runs_of(first, encoding))
    try:
        read_elements(walk, root, start, window.size, encoding)
    except MalformedError as exc:
        if walk.pixels is None and not _is_padding(window, walk.at):
            raise _in_full(window, walk.at, exc) from exc
        walk.warn("trailing-bytes")
    else:
        _remember(walk, root, first, start)
    settle_choices(walk)
    _settle_texts(walk)
    view, warnings = _outside_meta(root.out), tuple(walk.warnings.values())
    text = _text(walk, view) if view is root.out else None
    return DataSet(view, walk.pixels, walk.tables, tuple(walk.bulk), warnings, walk.nested_charset, text)


def _text(walk: Walk, view: JsonObject) -> ViewText | None:
    """Return the view as text where what recurs stands in it as it was met."""
    if not walk.recurred or not MOVED.isdisjoint(walk.warnings):
        return None
    return put_together(view, walk.recurred)


def _remember(walk: Walk, root: Scope, first: bytes, start: int) -> None:
    """Keep what may recur in the next instance, of the part of the header that was looked at first.

    Not of a series' first instance: for series of one, to learn would be to no end.
    """
    runs = root.runs
    if runs is NOTHING or runs or "duplicate-tag" in walk.warnings:
        return
    if runs.met:
        runs.learn(first, start, walk.special, walk.sequences, root.out)
    runs.met = True


def _outside_meta(out: JsonObject) -> JsonObject:
    """Return what is of the data set, were command or file meta elements (groups 0000, 0002) among it."""
    if not out or min(out) >= "0003":
        return out
    return {tag: element for tag, element in out.items() if tag[:4] not in {"0000", "0002"}}


def _is_padding(window: Window, start: int) -> bool:
    """Whether nothing but zeros and line ends follows."""
    rest = window.size - start
    return rest <= 1 << 20 and not window.read(start, rest).strip(b"\0\r\n")


def _in_full(window: Window, start: int, error: MalformedError) -> MalformedError:
    """Say of an element whose very header is cut off that the object was cut off."""
    if window.size - start < HEADER:
        return MalformedError("the object ends inside an element's header", Reason.TRUNCATED_HEADER)
    return error


def _settle_texts(walk: Walk) -> None:
    """Decode the texts that no character set was declared for, or a wrong one, by the evidence of all of them."""
    if not walk.undecided:
        return
    charset = guess([text.raw for text in walk.undecided])
    for text in walk.undecided:
        if text.damaged and charset is LATIN:
            walk.warn("charset-invalid", text.tag)
            text.out[text.tag] = FROM_TEXT[text.vr](text.damaged)
            continue
        walk.warn("charset-guessed", charset.name)
        decoded, sound = charset.decode(text.raw, text.vr not in ONE_VALUE)
        if not sound:
            walk.warn("charset-invalid", text.tag)
        text.out[text.tag] = FROM_TEXT[text.vr](decoded)

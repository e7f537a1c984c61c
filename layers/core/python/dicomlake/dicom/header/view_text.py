"""The JSON view as text, put together from the text of what recurs: most of a header is written once a series."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import orjson

from dicomlake.domain.model import JsonObject, JsonValue

NOT_CONTENT = frozenset({"00080005", "00080054", "00080056", "FFFCFFFC", "7FE00008", "7FE00009", "7FE00010"})
"""What two data sets may differ in and still say the same: see canonical.py."""


class ViewText(NamedTuple):
    """A view as compact JSON in UTF-8: all of it, and without what is not content."""

    whole: bytes
    content: bytes


class Written(NamedTuple):
    """Elements that stand together in a view, from its element number `at`: how many, their JSON without braces."""

    at: int
    size: int
    text: bytes


def written(elements: JsonObject) -> bytes:
    """Return elements as compact JSON, without the braces around them."""
    return orjson.dumps(elements)[1:-1]


def put_together(view: JsonObject, recurring: Iterable[Written]) -> ViewText:
    """Return what `orjson.dumps` gives for a view, of which parts that hold content alone are written already."""
    whole: list[bytes] = []
    content: list[bytes] = []
    elements, at = iter(view.items()), 0
    for part in recurring:
        _write(elements, part.at - at, whole, content)
        whole.append(part.text)
        content.append(part.text)
        at = part.at + part.size
        next(islice(elements, part.size, part.size), None)
    _write(elements, len(view) - at, whole, content)
    return ViewText(_braced(whole), _braced(content))


def _write(elements: Iterator[tuple[str, JsonValue]], count: int, whole: list[bytes], content: list[bytes]) -> None:
    """Write the next `count` elements."""
    if not count:
        return
    met = dict(islice(elements, count))
    text = written(met)
    whole.append(text)
    if NOT_CONTENT.isdisjoint(met):
        content.append(text)
    elif rest := {tag: element for tag, element in met.items() if tag not in NOT_CONTENT}:
        content.append(written(rest))


def _braced(parts: list[bytes]) -> bytes:
    return b"{" + b",".join(parts) + b"}"

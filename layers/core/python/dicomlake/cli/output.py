"""What a command prints: tables and key-value lists for people, JSON for scripts, sentences on standard error."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_RIGHT = frozenset("0123456789.,-+% ")


def print_json(document: object) -> None:
    """Print a document as JSON."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def print_line(text: str = "") -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their heads; columns of numbers are right-aligned."""
    cells = [["" if cell is None else _shown(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(heads, *cells, strict=True)]
    numeric = [bool(cells) and all(set(row[i]) <= _RIGHT for row in cells) for i in range(len(heads))]
    for row in (list(heads), *cells):
        print_line("  ".join(_padded(*one) for one in zip(row, widths, numeric, strict=True)).rstrip())


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values, one a line; absent values are left out."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        if value not in (None, "", [], {}):
            print_line(f"{name.ljust(width)}  {_shown(value)}")


def complain(sentence: str, code: int = 1) -> int:
    """Print a sentence on standard error and return the exit code."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
    return code


def is_terminal() -> bool:
    """Whether standard error is a terminal that can redraw its line."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"


def size(count: float) -> str:
    """Return a number of bytes as people say it, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"


def duration(seconds: float) -> str:
    """Return a span of time as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _width(text: str) -> int:
    """Columns of a terminal that a text takes; East Asian wide characters take two."""
    return len(text) if text.isascii() else sum(2 if _is_wide(char) else 1 for char in text)


def _is_wide(char: str) -> bool:
    import unicodedata

    return unicodedata.east_asian_width(char) in "WF"


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space

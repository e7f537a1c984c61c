"""Moving dates by whole days: one number of days per patient keeps every interval (PS3.15 E.3.6)."""

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})(?:([./-]?)(\d{2})(?:\2(\d{2}))?)?\Z")
_DATE_TIME = re.compile(r"(\d{4}(?:\d{2}){0,2})(\d{2}[\d.]*)?((?:[+-]\d{4})?)\Z")
_RANGE = re.compile(r"(?<=\d{4})\s*-\s*(?=\d{6})|\s+-\s+|\A-|-\Z")


def shifted(value: bytes, vr: str, days: int) -> bytes | None:
    """Return the value of a DA or DT moved by days; times (TM) as they are; None where a value is no date.

    Every value of a multiple one is moved. A date without its day, or month, is moved from its first day and keeps its
    form; ranges (PS3.4 C.2.2.2.5) at both ends; an offset from UTC and the time of day stay.
    """
    if vr == "TM":
        return value
    texts = value.decode("ascii", "replace").strip(" \0").split("\\")
    moved = [_moved(text.strip(" \0"), vr, days) for text in texts]
    return None if None in moved else "\\".join([text or "" for text in moved]).encode("ascii")


def _moved(text: str, vr: str, days: int) -> str | None:
    if not text:
        return ""
    parts = [text] if vr == "DT" and _DATE_TIME.match(text) else _RANGE.split(text)
    marks = _RANGE.findall(text) if len(parts) > 1 else []
    moved = [_moved_one(part, vr, days) if part else "" for part in parts]
    if None in moved:
        return None
    return "".join([(part or "") + mark for part, mark in zip(moved, [*marks, ""], strict=True)])


def _moved_one(text: str, vr: str, days: int) -> str | None:
    if vr == "DT":
        match = _DATE_TIME.match(text)
        if match is None:
            return None
        day = _moved_date(match[1], days)
        return None if day is None else day + (match[2] or "") + match[3]
    return _moved_date(text, days)


def _moved_date(text: str, days: int) -> str | None:
    """Move YYYY, YYYYMM, YYYYMMDD, or the form of old objects with points (PS3.5 6.2)."""
    match = _DATE.match(text)
    if match is None:
        return None
    year, mark, month, day = match.groups()
    try:
        moved = date(int(year), int(month or 1), int(day or 1)) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    parts = [f"{moved.year:04d}", f"{moved.month:02d}", f"{moved.day:02d}"]
    return (mark or "").join(parts[: 1 + (month is not None) + (day is not None)])

"""A content tree as a page: HTML without scripts, everything escaped, or plain text (PS3.18 8.7.4.3)."""

from collections.abc import Iterator
from html import escape
from itertools import chain

from dicomlake.dicom.documents.tree import Line, code, items, lines, texts
from dicomlake.domain.model import JsonObject, is_uid

_HEAD = (
    ("Patient's name", "00100010"),
    ("Patient ID", "00100020"),
    ("Birth date", "00100030"),
    ("Sex", "00100040"),
    ("Study date", "00080020"),
    ("Accession number", "00080050"),
    ("Content date", "00080023"),
    ("Content time", "00080033"),
    ("Completion", "0040A491"),
    ("Verification", "0040A493"),
)
_OBSERVERS = "0040A073"
_EVIDENCE = ("0040A375", "0040A385")
_STYLE = "body{font-family:sans-serif;max-width:60em;margin:2em auto}th{text-align:left;padding-right:1em}"


def page(view: JsonObject, service: str) -> str:
    """Return a report as an HTML page; instances that its evidence names are links to where `service` renders them."""
    title = escape(_title(view))
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in _facts(view))
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n<table>\n{rows}</table>\n{''.join(_nested(view, _places(view, service)))}"
        "</body></html>\n"
    )


def plain(view: JsonObject) -> str:
    """Return a report as plain text: two spaces for each level."""
    head = [_title(view), "", *(f"{name}: {value}" for name, value in _facts(view)), ""]
    body = (f"{'  ' * (one.depth - 1)}{_label(one)}{one.value}" for one in lines(view))
    return "".join(f"{line.rstrip()}\n" for line in chain(head, body))


def _title(view: JsonObject) -> str:
    return code(view, "0040A043") or "Report"


def _facts(view: JsonObject) -> list[tuple[str, str]]:
    found = [(name, texts(view, tag)) for name, tag in _HEAD]
    verified = [
        ("Verified by", f"{texts(one, '0040A075')} {texts(one, '0040A030')}") for one in items(view, _OBSERVERS)
    ]
    return [(name, value) for name, value in (*found, *verified) if value.strip()]


def _label(line: Line) -> str:
    return f"{line.concept}: " if line.concept and line.value else line.concept


def _nested(view: JsonObject, places: dict[str, str]) -> Iterator[str]:
    """Yield the tree as lists within lists; an item opens its list and closes those that ended before it."""
    depth = 0
    for line in lines(view):
        yield "<ul>" if line.depth > depth else "</li>" + "</ul></li>" * (depth - line.depth)
        yield f'<li id="i{line.place}">{_shown(line, places.get(line.instance_uid, ""))}\n'
        depth = line.depth
    yield "</li></ul>" + "</li></ul>" * (depth - 1)


def _shown(line: Line, place: str) -> str:
    value = escape(line.value).replace("\n", "<br>")
    linked = f'<a href="{escape(place)}">{value}</a>' if place else value
    return f"<b>{escape(_label(line))}</b>{linked}"


def _places(view: JsonObject, service: str) -> dict[str, str]:
    """Return where the instances of a report's evidence are rendered, by their UIDs (PS3.3 C.17.2.3)."""
    found: dict[str, str] = {}
    for study in chain.from_iterable(items(view, tag) for tag in _EVIDENCE):
        for series in items(study, "00081115"):
            for one in items(series, "00081199"):
                uids = texts(study, "0020000D"), texts(series, "0020000E"), texts(one, "00081155")
                if all(map(is_uid, uids)):
                    found[uids[2]] = f"{service}/studies/{uids[0]}/series/{uids[1]}/instances/{uids[2]}/rendered"
    return found

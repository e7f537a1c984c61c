"""What a caller accepts (RFC 9110 12.5.1, PS3.18 8.7.3 and 8.7.4) against what is stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dicomlake.domain.errors import NotAcceptableError

OCTET_STREAM = "application/octet-stream"
MULTIPART = "multipart/related"

_SYNTAXES = "1.2.840.10008.1.2"
_MEDIA_TYPES = (
    ("image/jpeg", ".4.50 .4.51 .4.57 .4.70"),
    ("image/jls", ".4.80 .4.81"),
    ("image/jp2", ".4.90 .4.91"),
    ("image/jpx", ".4.92 .4.93"),
    ("image/jphc", ".4.201 .4.202 .4.203"),
    ("image/jxl", ".4.110 .4.111 .4.112"),
    ("image/dicom-rle", ".5"),
    ("video/mpeg", ".4.100 .4.101"),
    ("video/mp4", ".4.102 .4.103 .4.104 .4.105 .4.106 .4.107 .4.108"),
    (OCTET_STREAM, ".1 .1.99"),
)
MEDIA_TYPES: dict[str, str] = {
    _SYNTAXES: OCTET_STREAM,
    **{_SYNTAXES + tail: media for media, tails in _MEDIA_TYPES for tail in tails.split()},
}
"""The media type of frames of each stored transfer syntax (PS3.18 Table 8.7.3-5); others are octets."""

EXPLICIT_LITTLE = f"{_SYNTAXES}.1"
SENT_AS: dict[str, str] = {_SYNTAXES: EXPLICIT_LITTLE, f"{_SYNTAXES}.1.99": EXPLICIT_LITTLE}
"""Stored syntaxes whose frames are those of Explicit VR Little Endian, which is what web services name (8.7.3.2)."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header: type in lower case, parameters unquoted, weight 0 to 1."""

    media_type: str
    parameters: dict[str, str] = field(default_factory=dict)
    weight: float = 1.0


def parse_accept(header: str) -> tuple[MediaRange, ...]:
    """Return the entries of an Accept header, most wanted first, equal ones in their order."""
    entries = [_entry(part) for part in _split(header, ",") if part.strip()]
    return tuple(sorted(entries, key=lambda entry: -entry.weight))


def parse_media(header: str) -> MediaRange:
    """Return what a Content-Type names; its parameters with or without quotes, as senders write them."""
    return _entry(header)


def _entry(text: str) -> MediaRange:
    media_type, *rest = (part.strip() for part in _split(text, ";"))
    parameters: dict[str, str] = {}
    for part in rest:
        name, _, value = part.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return MediaRange(media_type.lower(), parameters, _weight(parameters.pop("q", "1")))


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _split(text: str, mark: str) -> Iterator[str]:
    """Split at a mark outside quotes: a quoted type or boundary may hold both."""
    part, quoted = "", False
    for char in text:
        quoted ^= char == '"'
        if char == mark and not quoted:
            yield part
            part = ""
        else:
            part += char
    yield part


def check_json(accept: str) -> str:
    """Return the JSON media type to answer with. Raises NotAcceptableError where the caller takes no JSON."""
    for entry in parse_accept(accept):
        if entry.weight > 0 and entry.media_type in _JSON:
            return _JSON[entry.media_type]
    raise NotAcceptableError("the answer is available as application/dicom+json")


def choose_datasets(accept: str) -> str:
    """Return the media type in which to answer with data sets: JSON, or XML in one part each (PS3.18 8.7.3).

    The heavier wins, weighed by the most specific entry that it fits; of equals JSON, the default. Raises
    NotAcceptableError, saying what is available.
    """
    entries = parse_accept(accept)
    best = max(_DATASETS, key=lambda kind: _weight_of(kind, entries))
    if _weight_of(best, entries) > 0:
        return best
    raise NotAcceptableError(f"the answer is available as application/dicom+json, or {XML_PARTS}")


def choose_store_answer(accept: str) -> str:
    """Return the media type in which a sender is told what became of its instances (PS3.18 10.5.3.2).

    One data set: JSON, or XML in one part or alone. Raises NotAcceptableError, saying what is available.
    """
    alone = any(one.media_type == XML and one.weight > 0 for one in parse_accept(accept))
    kind = choose_datasets(accept)
    return XML if kind == XML_PARTS and alone else kind


def _weight_of(kind: str, entries: tuple[MediaRange, ...]) -> float:
    given = {_name_of(entry): entry.weight for entry in reversed(entries)}
    return next((given[name] for name in _DATASETS[kind] if name in given), 0.0)


def _name_of(entry: MediaRange) -> str:
    """What an entry names: inside multipart/related, the type of the parts."""
    if entry.media_type != MULTIPART:
        return entry.media_type
    parts = entry.parameters.get("type", "*/*").lower()
    return "multipart/*" if parts == "*/*" else parts


XML = "application/dicom+xml"
XML_PARTS = f'{MULTIPART}; type="{XML}"'
_DATASETS = {
    "application/dicom+json": ("application/dicom+json", "application/*", "*/*"),
    "application/json": ("application/json",),
    XML_PARTS: (XML, "multipart/*", "*/*"),
}
"""The answers with data sets, the default first, and the entries that each fits, the most specific first."""

_JSON = {
    "application/dicom+json": "application/dicom+json",
    "application/json": "application/json",
    "application/*": "application/dicom+json",
    "*/*": "application/dicom+json",
}

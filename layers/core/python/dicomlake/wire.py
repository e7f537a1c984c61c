"""Events and commands as JSON: `{"type": ..., "version": 1, ...fields in camelCase}`.

A new field is optional and has a default; a changed meaning is a new version. Unknown fields are ignored, so that an
older reader takes a newer writer's message. The table MESSAGES says all that travels.
"""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import (
    ChangeStudy,
    CompactSeries,
    DeidentifyStudy,
    ImportJobEnded,
    IngestObject,
    InstancesStored,
    RunImport,
    SettleStudy,
    StudyChanged,
    StudyPlan,
    StudyReady,
)
from dicomlake.domain.model import JsonObject, JsonValue

VERSION = 1

MESSAGES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        IngestObject,
        InstancesStored,
        SettleStudy,
        StudyPlan,
        CompactSeries,
        StudyReady,
        DeidentifyStudy,
        ChangeStudy,
        StudyChanged,
        RunImport,
        ImportJobEnded,
    )
}

EXTRAS: dict[type, tuple[str, ...]] = {StudyReady: ("event_id",)}
"""Derived values that readers elsewhere want to see; a decoder derives them again."""


def encode(message: object) -> JsonObject:
    """Return a message as a JSON object."""
    kind = type(message)
    body = _to_json(message)
    if kind.__name__ not in MESSAGES or not isinstance(body, dict):
        raise TypeError(f"{kind.__name__} is not a message")
    extras: JsonObject = {_camel(name): getattr(message, name) for name in EXTRAS.get(kind, ())}
    return {"type": kind.__name__, "version": VERSION, **body, **extras}


def dumps(message: object) -> str:
    """Return a message as compact JSON text, ASCII only: SQS refuses characters that S3 takes in a key (U+FFFF)."""
    return json.dumps(encode(message), separators=(",", ":"))


def decode(body: Mapping[str, JsonValue]) -> object:
    """Return the message that a JSON object holds; MalformedError if it holds none of ours."""
    kind = MESSAGES.get(str(body.get("type")))
    if kind is None or body.get("version") != VERSION:
        raise MalformedError(f"no message of type {str(body.get('type'))[:40]!r}, version {body.get('version')!r}")
    try:
        return from_json(kind, dict(body))
    except (TypeError, ValueError, KeyError) as exc:
        raise MalformedError(f"a {kind.__name__} message lacks or breaks a field") from exc


def loads(text: str) -> object:
    """Return the message that JSON text holds."""
    try:
        body = json.loads(text)
    except ValueError as exc:
        raise MalformedError("a message is not JSON") from exc
    if not isinstance(body, dict):
        raise MalformedError("a message is not a JSON object")
    return decode(body)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _to_json(value: object) -> JsonValue:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_camel(f.name): _to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _to_json(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"{type(value).__name__} does not travel")


def to_json(value: object) -> JsonValue:
    """Return a frozen domain value as JSON, as messages and journal objects write it."""
    return _to_json(value)


def from_json(kind: type, body: Mapping[str, JsonValue]) -> object:
    """Return a frozen domain value of a type from its JSON object; missing fields take their defaults."""
    names = {_camel(f.name): f.name for f in dataclasses.fields(kind)}
    hints = _hints(kind)
    return kind(**{names[key]: _from_json(hints[names[key]], value) for key, value in body.items() if key in names})


@functools.cache
def _hints(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind)


def _from_json(hint: object, value: JsonValue) -> object:
    if isinstance(hint, typing.NewType):
        return _from_json(hint.__supertype__, value)
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _from_json(_present(hint), value)
    if origin is tuple and isinstance(value, list):
        inner = typing.get_args(hint)[0]
        return tuple(_from_json(inner, item) for item in value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return from_json(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if isinstance(hint, type) and not (isinstance(value, hint) or (hint is float and isinstance(value, int))):
        raise TypeError(f"expected {hint.__name__}")
    return value


def _present(hint: object) -> object:
    """The type of an optional value where it is there."""
    return next(arg for arg in typing.get_args(hint) if arg is not type(None))

"""Frozen dataclasses as JSON text and back: fields by name, defaults left out, so that new fields may be added."""

import json
from collections.abc import Callable, Hashable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin


def to_text(value: object) -> bytes:
    """Return a value as compact JSON; numbers and text come back exactly."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def from_text[T](kind: type[T], text: bytes) -> T:
    """Return the value that `to_text` wrote; fields that it does not know are left out."""
    value: T = _reader(cast(Hashable, kind))(json.loads(text.decode("utf-8", "surrogatepass")))
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        named = ((f.name, f, getattr(value, f.name)) for f in fields(value))
        return {name: _plain(held) for name, f, held in named if held != _default(f)}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return the function that makes a value of this type from JSON."""
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if origin is tuple:
        return _tuple_reader(args)
    if origin in (Union, UnionType) and type(None) in args and len(args) == 2:
        inner = _reader(next(arg for arg in args if arg is not type(None)))
        return lambda value: None if value is None else inner(value)
    return lambda value: value


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    readers = {field.name: _reader(cast(Hashable, field.type)) for field in fields(kind)}
    return lambda value: kind(**{name: readers[name](held) for name, held in value.items() if name in readers})


def _tuple_reader(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        inner = _reader(args[0])
        return lambda value: tuple(inner(item) for item in value)
    readers = tuple(_reader(arg) for arg in args)
    return lambda value: tuple(reader(item) for reader, item in zip(readers, value, strict=True))

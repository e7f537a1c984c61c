"""A HealthImaging request's arguments, read and checked as botocore's model has them (imaging_model_table.py).

Values come out as Python's own: blobs as bytes, timestamps as aware datetimes. What is wrong is told by the member's
name and the constraint, never by the value: search criteria name patients.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.web.imaging_model_table import OPERATIONS, SHAPES
from dicomlake.web.request import Request

Arguments = dict[str, Any]
Check = Callable[[dict[str, Any], Any, str], Any]


def read_arguments(operation: str, path: Mapping[str, str], request: Request) -> Arguments:
    """Return the arguments of a request by their members' names; those that were not given are left out.

    Raises InvalidRequestError, naming the member and the constraint that it breaks.
    """
    shape = SHAPES[OPERATIONS[operation][3]]
    found = {
        name: value
        for name, (kind, location, wire) in shape["members"].items()
        if location and (value := _outside(kind, location, wire, path, request)) is not None
    }
    inside = [name for name, (_, location, _) in shape["members"].items() if not location]
    if inside:
        body = request.json()
        found |= {shape["payload"]: body} if "payload" in shape else {n: body[n] for n in inside if _given(body, n)}
    return _structure(shape, found, "")


def _given(body: Mapping[str, Any], name: str) -> bool:
    return body.get(name) is not None


def _outside(kind: str, location: str, wire: str, path: Mapping[str, str], request: Request) -> Any:
    """A member that stands in the path or the query: text, or what the text means."""
    if location == "uri":
        return path.get(wire)
    values = [value for name, value in request.query if name == wire]
    if SHAPES[kind]["type"] == "list":
        return values or None
    return _FROM_TEXT.get(SHAPES[kind]["type"], str)(values[-1]) if values else None


def _integer_text(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?[0-9]{1,12}", text) else text


def _boolean_text(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


_FROM_TEXT: dict[str, Callable[[str], Any]] = {"integer": _integer_text, "boolean": _boolean_text}


def _check(kind: str, value: Any, at: str) -> Any:
    shape = SHAPES[kind]
    return _CHECKS[shape["type"]](shape, value, at)


def _structure(shape: dict[str, Any], value: Any, at: str) -> Arguments:
    """Members that the model does not know are passed over, as AWS does."""
    if not isinstance(value, dict):
        raise _broken(at, "Member must be an object")
    members = shape["members"]
    given = {name: value[name] for name in members if value.get(name) is not None}
    missing = [name for name in shape.get("required", ()) if name not in given]
    if missing:
        raise _broken(_below(at, missing[0]), "Member must not be null")
    if shape.get("union") and len(given) != 1:
        raise _broken(at, "Exactly one member must be given")
    return {name: _check(members[name][0], held, _below(at, name)) for name, held in given.items()}


def _list(shape: dict[str, Any], value: Any, at: str) -> list[Any]:
    if not isinstance(value, list):
        raise _broken(at, "Member must be a list")
    _bounded(shape, len(value), at, "length")
    return [_check(shape["member"], item, f"{at}.{number}.member") for number, item in enumerate(value, 1)]


def _map(shape: dict[str, Any], value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _broken(at, "Member must be an object")
    return {_check(shape["key"], key, at): _check(shape["value"], held, at) for key, held in value.items()}


def _string(shape: dict[str, Any], value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise _broken(at, "Member must be a string")
    _bounded(shape, len(value), at, "length")
    if "enum" in shape and value not in shape["enum"]:
        raise _broken(at, f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]")
    if "pattern" in shape and not _expression(shape["pattern"]).fullmatch(value):
        raise _broken(at, f"Member must satisfy regular expression pattern: {shape['pattern']}")
    return value


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _integer(shape: dict[str, Any], value: Any, at: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _broken(at, "Member must be a whole number")
    _bounded(shape, value, at, "value")
    return value


def _boolean(shape: dict[str, Any], value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise _broken(at, "Member must be true or false")
    return value


def _timestamp(shape: dict[str, Any], value: Any, at: str) -> datetime:
    """Seconds since 1970, as rest-json writes times, or ISO 8601."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise _broken(at, "Member must be a timestamp: seconds since 1970-01-01T00:00:00Z")


def _blob(shape: dict[str, Any], value: Any, at: str) -> bytes:
    if not isinstance(value, str):
        raise _broken(at, "Member must be base64")
    try:
        data = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise _broken(at, "Member must be base64") from None
    _bounded(shape, len(data), at, "length")
    return data


_CHECKS: dict[str, Check] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _bounded(shape: dict[str, Any], measured: int, at: str, what: str) -> None:
    if "min" in shape and measured < shape["min"]:
        raise _broken(at, f"Member must have {what} greater than or equal to {shape['min']}")
    if "max" in shape and measured > shape["max"]:
        raise _broken(at, f"Member must have {what} less than or equal to {shape['max']}")


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _broken(at: str, constraint: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"1 validation error detected: Value at '{at}' failed to satisfy constraint: {constraint}"
    )

"""What S3 says when an object lands, as commands: notifications straight, inside an SNS envelope, or our own again.

S3 sends at least once, in any order, with percent-encoded keys, and an `s3:TestEvent` first; a body may hold several
records. Sizes come with the event, so routing needs no request.
"""

import json
from urllib.parse import unquote_plus

from dicomlake import wire
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import IngestObject
from dicomlake.domain.model import JsonObject, JsonValue, LandedObject
from dicomlake.domain.study import format_time, parse_time

SOURCES = "sources/"
"""Keys `sources/<name>/...` say who sent the object; any other key is of source `default`."""


def ingest_commands(body: str) -> tuple[IngestObject, ...]:
    """Return the commands in a queue message; () for what announces nothing (a test event, a deletion).

    Raises MalformedError if the body is none of the forms above.
    """
    message = _object(body)
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        message = _object(str(message["Message"]))
    if message.get("type"):
        command = wire.decode(message)
        if not isinstance(command, IngestObject):
            raise MalformedError(f"a {type(command).__name__} came to an ingest queue")
        return (command,)
    if message.get("Event") == "s3:TestEvent":
        return ()
    records = message.get("Records")
    if not isinstance(records, list):
        raise MalformedError("a message is neither an S3 event nor a command")
    return tuple(IngestObject(_landed(record)) for record in records if _is_creation(record))


def source_of(key: str) -> str:
    """Return who sent an object, by its key."""
    name, slash, _ = key.removeprefix(SOURCES).partition("/")
    return name if key.startswith(SOURCES) and slash and name else "default"


def _object(text: str) -> JsonObject:
    try:
        message = json.loads(text)
    except ValueError as exc:
        raise MalformedError("a queue message is not JSON") from exc
    if not isinstance(message, dict):
        raise MalformedError("a queue message is not a JSON object")
    return message


def _is_creation(record: JsonValue) -> bool:
    return isinstance(record, dict) and "ObjectCreated:" in f"{record.get('eventName')}"


def _landed(record: JsonValue) -> LandedObject:
    s3 = _field(record, "s3")
    entity, bucket = _field(s3, "object"), _field(_field(s3, "bucket"), "name")
    key, size = _field(entity, "key"), entity.get("size", 0) if isinstance(entity, dict) else 0
    if not (isinstance(key, str) and isinstance(bucket, str) and isinstance(size, int)):
        raise MalformedError("an S3 event record has a bucket, key or size of another type")
    key = unquote_plus(key)
    version = entity.get("versionId") if isinstance(entity, dict) else None
    return LandedObject(bucket, key, str(version or "null"), size, source_of(key), _time_of(record))


def _time_of(record: JsonValue) -> str:
    """When S3 had the object; "" where the event does not say it in a way that is known."""
    told = record.get("eventTime") if isinstance(record, dict) else None
    try:
        return format_time(parse_time(told)) if isinstance(told, str) else ""
    except ValueError:
        return ""


def _field(value: JsonValue, name: str) -> JsonValue:
    if not isinstance(value, dict) or name not in value:
        raise MalformedError(f"an S3 event record lacks its {name}")
    return value[name]

"""AWS's two protocols of named operations: JSON (1.0, 1.1) and, for SNS, query with answers in XML."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode

import orjson

from dicomlake.adapters.rest.connections import Answer
from dicomlake.adapters.rest.place import Caller, Refusal
from dicomlake.adapters.rest.signature import Request

Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a service spells JSON: its version, and what stands before an operation's name."""

    version: str
    prefix: str


def ask_json(
    caller: Caller, dialect: Dialect, operation: str, named: Mapping[str, Any], read: Callable[[Said], Said] = dict
) -> Said:
    """Call an operation; bytes are sent in base64, and `read` brings them back in answers and refusals."""
    body = orjson.dumps(named, default=_binary)
    target = f"{dialect.prefix}.{operation}"
    headers = {"content-type": f"application/x-amz-json-{dialect.version}", "x-amz-target": target}
    answer = _post(caller, operation, headers, body, lambda refused: _json_refusal(refused, read))
    return read(orjson.loads(answer.read() or b"{}"))


def ask_query(caller: Caller, version: str, operation: str, named: Mapping[str, str]) -> bytes:
    """Call an operation of the query protocol and return its answer's XML."""
    body = urlencode({"Action": operation, "Version": version, **named}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return _post(caller, operation, headers, body, xml_refusal).read()


def _post(
    caller: Caller, operation: str, headers: Mapping[str, str], body: bytes, understand: Callable[[Answer], Refusal]
) -> Answer:
    origin = caller.origin()
    request = Request("POST", origin.partition("//")[2], "/", headers=headers)
    return caller.ask(operation, origin, request, hashlib.sha256(body).hexdigest(), body, understand)


def _json_refusal(answer: Answer, read: Callable[[Said], Said]) -> Refusal:
    """Read `__type` and what else a service says with a refusal in JSON."""
    try:
        said = read(orjson.loads(answer.read() or b"{}"))
    except orjson.JSONDecodeError:
        said = {}
    code = str(said.get("__type", answer.status)).rpartition("#")[2]
    return Refusal(answer.status, code, {"message": said.get("message") or said.get("Message", ""), **said})


def xml_refusal(answer: Answer) -> Refusal:
    """Read `Code` and `Message` of a refusal in XML; HEAD has none, so its status is the code."""
    text = answer.read().decode("utf-8", "replace")
    code, message = (re.search(f"<{tag}>([^<]*)</{tag}>", text) for tag in ("Code", "Message"))
    said = {"message": unescape(message[1]) if message else ""}
    return Refusal(answer.status, unescape(code[1]) if code else str(answer.status), said)


def _binary(value: Any) -> str:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return b64encode(value).decode()

"""HTTP requests as a server of our own receives them: who asks, what for, and a body that is read as it arrives."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import Message
from io import BufferedIOBase
from typing import Any

from dicomlake.domain.errors import InvalidRequestError, TooLargeError
from dicomlake.web.request import Request, read_event

CHUNK = 1 << 18
"""Bytes of a body that are in memory at a time."""
MAX_HELD = 6 * 1024 * 1024
"""Bytes of a body that is no instance: what API Gateway and Lambda let through."""
UNCHECKED = frozenset({"links", "datastore", "tags", "startDICOMImportJob", "getDICOMImportJob", "listDICOMImportJobs"})
"""First segments of paths whose tokens the load balancer does not check: they prove who asks by themselves."""
_STREAMED = ("multipart/related", "application/dicom")


def read_request(method: str, target: str, headers: Message, body: Iterator[bytes], request_id: str) -> Request:
    """Return a request. Raises InvalidRequestError or TooLargeError where it cannot be one of ours.

    Instances are left in the stream; any other body is read here.
    """
    path, _, query = target.partition("?")
    segment = path.strip("/").partition("/")[0]
    claims = {} if segment in UNCHECKED else token_claims(headers.get("Authorization", ""))
    event = {
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "http": {"method": method},
            "requestId": request_id,
            "authorizer": {"jwt": {"claims": claims}} if claims else {},
        },
    }
    request = read_event(event)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _STREAMED or kind.startswith("multipart/"):
        return replace(request, stream=body)
    return replace(request, body=_held(body))


def token_claims(authorization: str) -> Mapping[str, Any]:
    """Return what a bearer token says, {} where there is none.

    Its signature, issuer and time were checked by the load balancer, the only one that can reach this server; a token
    that it let through is read, not judged.
    """
    scheme, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("the bearer token is no JSON Web Token") from error
    return claims if isinstance(claims, dict) else {}


def _held(body: Iterator[bytes]) -> bytes:
    pieces, size = [], 0
    for piece in body:
        pieces.append(piece)
        size += len(piece)
        if size > MAX_HELD:
            raise TooLargeError("only instances may be longer than 6 MB: send them as multipart/related")
    return b"".join(pieces)


class IncomingBody:
    """A request's body, counted or in chunks (RFC 9112 6), in pieces of bounded size; read once."""

    def __init__(self, source: BufferedIOBase, headers: Message) -> None:
        self._source = source
        self._chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        length = headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise InvalidRequestError("Content-Length is no number")
        self._length = int(length)
        self.ended = not self._chunked and self._length == 0

    def __iter__(self) -> Iterator[bytes]:
        if self.ended:
            return
        yield from self._chunks() if self._chunked else self._counted(self._length)
        self.ended = True

    def _counted(self, left: int) -> Iterator[bytes]:
        while left:
            piece = self._source.read(min(CHUNK, left))
            if not piece:
                raise InvalidRequestError("the body ended before its length")
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._counted(size)
            self._source.readline(3)
        while self._source.readline(8192) not in (b"\r\n", b"\n", b""):
            pass

    def _chunk_size(self) -> int:
        line = self._source.readline(1024).partition(b";")[0].strip()
        try:
            return int(line, 16)
        except ValueError as error:
            raise InvalidRequestError("the body's chunks are not of HTTP/1.1") from error

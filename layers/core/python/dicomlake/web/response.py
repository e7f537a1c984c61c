"""A response as the handlers make it, and how API Gateway wants it: within its limits, gzip where it helps."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dicomlake.domain.errors import TooLargeError
from dicomlake.web.request import Request

MAX_BODY = 4_500_000
"""Bytes of body that fit AWS Lambda's 6 MB of response in base64."""

Piece = bytes | bytearray | memoryview
GZIP_FROM = 1024
_COMPRESSED_TYPES = (
    "application/json",
    "application/dicom+json",
    'multipart/related; type="application/dicom+xml"',
    "text/",
)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; `body` is as it goes over the wire. A `verbatim` one is never packed or unpacked for it.

    `pieces` take the body's place where a server streams it: read once, in order, while they are sent.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    verbatim: bool = False
    pieces: Iterator[Piece] | None = None


def json_response(content: object, status: int = 200, media_type: str = "application/json") -> Response:
    """Return a response with a JSON body."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"content-type": media_type})


def warning(text: str) -> dict[str, str]:
    """Return the header that tells what to know of an answer that is one all the same (RFC 7234 5.5)."""
    return {"warning": f'299 dicomlake "{text}"'}


def write_event(response: Response, request: Request) -> dict[str, Any]:
    """Return the gateway's form of a response. Raises TooLargeError if its body is over the limit."""
    sent = encoded(response, request)
    if len(sent.body) > MAX_BODY:
        raise TooLargeError(
            "the answer is over 4.5 MB: ask for less, accept gzip, or read by the signed URLs of /lake/restore"
        )
    headers = {"cache-control": "no-store", **sent.headers}
    text = _as_text(sent)
    if text is not None:
        return {"statusCode": sent.status, "headers": headers, "body": text, "isBase64Encoded": False}
    body = base64.b64encode(sent.body).decode()
    return {"statusCode": sent.status, "headers": headers, "body": body, "isBase64Encoded": True}


def encoded(response: Response, request: Request) -> Response:
    """Compress or decompress the body to what the caller takes."""
    if response.verbatim:
        return response
    coded = response.headers.get("content-encoding") == "gzip"
    if coded and not request.accepts_gzip():
        kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        plain = zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(response.body, MAX_BODY + 1)
        return replace(response, body=plain, headers=kept)
    worth = len(response.body) > GZIP_FROM and _compresses(response)
    if coded or not worth or not request.accepts_gzip():
        return response
    headers = {"vary": "accept-encoding", **response.headers, "content-encoding": "gzip"}
    return replace(response, body=gzip.compress(response.body, 5, mtime=0), headers=headers)


def _compresses(response: Response) -> bool:
    return response.headers.get("content-type", "").startswith(_COMPRESSED_TYPES)


def _as_text(response: Response) -> str | None:
    """The body as text where it can travel so; None where it must travel as base64."""
    if not response.body:
        return ""
    plain = _compresses(response) and "content-encoding" not in response.headers
    return response.body.decode() if plain else None

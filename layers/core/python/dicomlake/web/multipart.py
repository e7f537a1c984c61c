"""Multipart answers (RFC 2387): parts in order, each with its type and location."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    content_type: str
    body: bytes
    location: str = ""


def multipart_body(parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return the boundary and the body; the boundary follows from the content and occurs in no part."""
    boundary = _boundary(parts)
    pieces: list[bytes] = []
    for part in parts:
        location = f"Content-Location: {part.location}\r\n" if part.location else ""
        head = (
            f"--{boundary}\r\nContent-Type: {part.content_type}\r\n{location}Content-Length: {len(part.body)}\r\n\r\n"
        )
        pieces += [head.encode(), part.body, b"\r\n"]
    return boundary, b"".join((*pieces, f"--{boundary}--\r\n".encode()))


def _boundary(parts: Sequence[Part]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.body)
    boundary = digest.hexdigest()
    while any(boundary.encode() in part.body for part in parts):
        boundary = hashlib.blake2b(boundary.encode(), digest_size=16).hexdigest()
    return boundary

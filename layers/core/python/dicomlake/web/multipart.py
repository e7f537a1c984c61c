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


def opening(boundary: str, content_type: str, location: str = "", length: int | None = None) -> bytes:
    """Return what stands before a part's content; its length only where it is known beforehand."""
    place = f"Content-Location: {location}\r\n" if location else ""
    size = f"Content-Length: {length}\r\n" if length is not None else ""
    return f"--{boundary}\r\nContent-Type: {content_type}\r\n{place}{size}\r\n".encode()


def closing(boundary: str) -> bytes:
    """Return what stands behind the last part."""
    return f"--{boundary}--\r\n".encode()


def multipart_body(parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return the boundary and the body; the boundary follows from the content and occurs in no part."""
    boundary = _boundary(parts)
    pieces: list[bytes] = []
    for part in parts:
        pieces += [opening(boundary, part.content_type, part.location, len(part.body)), part.body, b"\r\n"]
    return boundary, b"".join((*pieces, closing(boundary)))


def _boundary(parts: Sequence[Part]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.body)
    boundary = digest.hexdigest()
    while any(boundary.encode() in part.body for part in parts):
        boundary = hashlib.blake2b(boundary.encode(), digest_size=16).hexdigest()
    return boundary

"""Ranges of an answer's only part (RFC 9110 14): one range of bytes; several are answered whole, as it allows."""

import re

from dicomlake.web.request import Request
from dicomlake.web.response import Response

_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?\Z")


def ranged(whole: Response, request: Request) -> Response:
    """Return the range asked for: 206 with where it lies, 416 beyond the end, the whole answer where none is asked."""
    if whole.status != 200 or whole.pieces is not None:
        return whole
    headers = {**whole.headers, "accept-ranges": "bytes"}
    match = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    weakly = "if-range" in request.headers  # our tags are weak, and weak ones never match there (13.1.5)
    if weakly or match is None or not any(match.groups()):
        return Response(200, whole.body, headers)
    size = len(whole.body)
    start, stop = _bounds(match[1], match[2], size)
    if start >= min(stop, size):
        return Response(416, b"", {"content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
    return Response(206, whole.body[start:stop], headers)


def _bounds(first: str | None, last: str | None, size: int) -> tuple[int, int]:
    """Return the half-open bounds; without a first byte the last number counts from the end."""
    if first is None:
        return max(0, size - int(last or 0)), size
    return int(first), min(size, int(last) + 1) if last else size

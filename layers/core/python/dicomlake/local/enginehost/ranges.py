"""A range of an object costs what it is long: the engine reads the whole file for it, and of a version sends all of it.

A task that reads a large object by ranges, by its version, would move the square of its size.
"""

import contextvars
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, str], Any]


class RangedReads:
    """Wraps the engine's `_get_object`, and the two functions by which it reads bodies."""

    def __init__(self, engine_s3: Any) -> None:
        self._s3 = engine_s3
        self._get: Callable[..., Answer] = engine_s3._get_object
        self._read: Callable[[str, str, Any], Any] = engine_s3._read_body
        self._version: Callable[[Any, str, str, Any], Any] = engine_s3._version_body
        self._is_ranged = contextvars.ContextVar("is_ranged", default=False)

    def get(self, bucket_name: str, key: str, headers: Any, query_params: Any = None) -> Answer:
        """Answer a GET; one with a Range reads its file in place."""
        if not headers.get("range"):
            return self._get(bucket_name, key, headers, query_params)
        ranged = self._is_ranged.set(True)
        try:
            status, told, body = self._get(bucket_name, key, headers, query_params)
        finally:
            self._is_ranged.reset(ranged)
        answer = self._cut(headers["range"], told, body) if status == 200 else (status, told, body)
        if isinstance(body, mmap.mmap):
            body.close()
        return answer

    def _cut(self, wanted: str, told: dict[str, str], body: Any) -> Answer:
        """Make the part that was asked for out of the whole that the engine answers (RFC 9110, 14.2 and 15.3.7).

        A checksum of the whole does not fit a part, so it is not told.
        """
        span = self._s3._parse_range(wanted, len(body))
        if span is None:
            refused = self._s3._error("InvalidRange", "The requested range is not satisfiable", 416, "")
            return refused[0], {**refused[1], "Content-Range": f"bytes */{len(body)}"}, refused[2]
        start, end = span
        part = bytes(body[start : end + 1])
        kept = {name: value for name, value in told.items() if not name.lower().startswith("x-amz-checksum-")}
        return 206, kept | {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}, part

    def read_body(self, bucket_name: str, key: str, obj: Any) -> Any:
        """Take the place of `_read_body`."""
        place = self._s3._object_disk_path(bucket_name, key) if self._in_place(obj.get("body")) else None
        return _mapped(place) or self._read(bucket_name, key, obj)

    def version_body(self, bucket: Any, bucket_name: str, key: str, version: Any) -> Any:
        """Take the place of `_version_body`."""
        in_place = self._in_place(version.get("data"))
        place = self._s3._version_disk_path(bucket_name, key, version["version_id"]) if in_place else None
        return _mapped(place) or self._version(bucket, bucket_name, key, version)

    def _in_place(self, held: Any) -> bool:
        return self._is_ranged.get() and held is None and bool(self._s3.S3_PERSIST)


def _mapped(place: str | None) -> mmap.mmap | None:
    """Map a file into memory: what is sliced out of it is all that is read. None where there is nothing to map."""
    try:
        with Path(place or "").open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None

"""A range of an object costs what it is long: the engine reads the whole file for it, and of a version sends all of it.

A task that reads a large object by ranges, by its version, would move the square of its size.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from .bodies import FileSlice

Answer = tuple[int, dict[str, str], Any]


class RangedReads:
    """Wraps the engine's `_get_object`, and the two functions by which it reads bodies."""

    def __init__(self, engine_s3: Any) -> None:
        self._s3 = engine_s3
        self._get: Callable[..., Answer] = engine_s3._get_object
        self._read: Callable[[str, str, Any], Any] = engine_s3._read_body
        self._version: Callable[[Any, str, str, Any], Any] = engine_s3._version_body
        self._is_in_place = contextvars.ContextVar("is_in_place", default=False)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the engine read bodies as places on disk for the length of a `with` block."""
        before = self._is_in_place.set(True)
        try:
            yield
        finally:
            self._is_in_place.reset(before)

    def get(self, bucket_name: str, key: str, headers: Any, query_params: Any = None) -> Answer:
        """Answer a GET; one with a Range reads that part of its file."""
        if not headers.get("range"):
            return self._get(bucket_name, key, headers, query_params)
        with self.in_place():
            status, told, body = self._get(bucket_name, key, headers, query_params)
        if status == 200:
            status, told, body = self._cut(headers["range"], told, body)
        return status, told, body.read() if isinstance(body, FileSlice) else body

    def _cut(self, wanted: str, told: dict[str, str], body: Any) -> Answer:
        """Make the part that was asked for out of the whole that the engine answers (RFC 9110, 14.2 and 15.3.7).

        A checksum of the whole does not fit a part, so it is not told.
        """
        span = self._s3._parse_range(wanted, len(body))
        if span is None:
            refused = self._s3._error("InvalidRange", "The requested range is not satisfiable", 416, "")
            return refused[0], {**refused[1], "Content-Range": f"bytes */{len(body)}"}, refused[2]
        start, end = span
        part = body[start : end + 1]
        kept = {name: value for name, value in told.items() if not name.lower().startswith("x-amz-checksum-")}
        return 206, kept | {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}, part

    def read_body(self, bucket_name: str, key: str, obj: Any) -> Any:
        """Take the place of `_read_body`."""
        place = self._s3._object_disk_path(bucket_name, key) if self._in_file(obj.get("body")) else None
        return FileSlice.whole(place) or self._read(bucket_name, key, obj)

    def version_body(self, bucket: Any, bucket_name: str, key: str, version: Any) -> Any:
        """Take the place of `_version_body`: a version that is the current object is where that is."""
        current = bucket["objects"].get(key)
        if version.get("data") is None and current and current.get("version_id") == version["version_id"]:
            return self.read_body(bucket_name, key, current)
        in_file = self._in_file(version.get("data"))
        place = self._s3._version_disk_path(bucket_name, key, version["version_id"]) if in_file else None
        return FileSlice.whole(place) or self._version(bucket, bucket_name, key, version)

    def _in_file(self, held: Any) -> bool:
        return self._is_in_place.get() and held is None and bool(self._s3.S3_PERSIST)

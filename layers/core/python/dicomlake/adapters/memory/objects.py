"""Buckets in memory, versioned as the lake's are."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from urllib.parse import quote

from dicomlake.domain.errors import NotFoundError, UnavailableError
from dicomlake.domain.study import format_time
from dicomlake.ports import Clock, ObjectInfo, Page


@dataclass(frozen=True, slots=True)
class _Version:
    version_id: str
    body: bytes | None
    modified_at: str
    content_type: str = ""


@dataclass(slots=True)
class MemoryBuckets:
    """All buckets of a test; stores that share it can copy from one another. `body` None is a delete marker."""

    clock: Clock | None = None
    objects: dict[tuple[str, str], list[_Version]] = field(default_factory=dict)
    written: int = 0
    lock: RLock = field(default_factory=RLock)

    def add(self, bucket: str, key: str, body: bytes | None, content_type: str = "") -> str:
        """Write a version, or with None a delete marker, and return its id."""
        with self.lock:
            self.written += 1
            at = self.clock.now() if self.clock else datetime(2026, 1, 1, tzinfo=UTC)
            version = _Version(f"v{self.written:08d}", body, format_time(at), content_type)
            self.objects.setdefault((bucket, key), []).append(version)
        return version.version_id

    def find(self, bucket: str, key: str, version_id: str = "") -> _Version:
        """Return the latest or the named version; NotFoundError if there is none or it is deleted."""
        with self.lock:
            versions = self.objects.get((bucket, key), [])
            wanted = [v for v in versions if v.version_id == version_id] if version_id else versions[-1:]
        if not wanted or wanted[0].body is None:
            raise NotFoundError("no object lies under this key")
        return wanted[0]


class MemoryObjectStore:
    """One versioned bucket, in memory."""

    def __init__(self, bucket: str, buckets: MemoryBuckets | None = None) -> None:
        self._bucket = bucket
        self._buckets = MemoryBuckets() if buckets is None else buckets

    def _body(self, key: str, version_id: str = "") -> bytes:
        return self._buckets.find(self._bucket, key, version_id).body or b""

    def get(self, key: str, version_id: str = "") -> bytearray:
        """Return an object's bytes, writable."""
        return bytearray(self._body(key, version_id))

    def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
        """Return `length` bytes from `start`, fewer at the object's end."""
        return self._body(key, version_id)[start : start + length]

    def read_end(self, key: str, length: int) -> tuple[bytes, int]:
        """Return an object's last `length` bytes, and its size."""
        body = self._body(key)
        return body[max(0, len(body) - length) :], len(body)

    def put(
        self, key: str, body: bytes | bytearray | memoryview, content_type: str = "application/octet-stream"
    ) -> str:
        """Write an object whole and return its version."""
        return self._buckets.add(self._bucket, key, bytes(body), content_type)

    @contextmanager
    def open_writer(self, key: str, content_type: str = "application/octet-stream") -> Iterator["MemoryObjectWriter"]:
        """Write an object piece by piece; leaving without `commit` drops it."""
        writer = MemoryObjectWriter(self, key, content_type)
        try:
            yield writer
        finally:
            writer.abort()

    def copy_in(self, source_bucket: str, source_key: str, source_version: str, key: str, size: int) -> None:
        """Copy an object from another bucket that shares the same MemoryBuckets."""
        source = self._buckets.find(source_bucket, source_key, source_version)
        self._buckets.add(self._bucket, key, source.body, source.content_type)

    def info(self, key: str, version_id: str = "") -> ObjectInfo:
        """Return what is known of an object."""
        found = self._buckets.find(self._bucket, key, version_id)
        latest = self._buckets.objects[(self._bucket, key)][-1]
        return _info(key, found, found is latest)

    def delete(self, keys: Sequence[str]) -> None:
        """Put a delete marker on objects, as a versioned bucket does; missing ones are no error."""
        for key in keys:
            if (self._bucket, key) in self._buckets.objects:
                self._buckets.add(self._bucket, key, None)

    def versions(self, prefix: str = "", after: str = "", limit: int = 1000) -> Page[ObjectInfo]:
        """List every version of every object, in key order, newest version first."""
        with self._buckets.lock:
            found = [
                _info(key, version, version is versions[-1])
                for (bucket, key), versions in sorted(self._buckets.objects.items())
                if bucket == self._bucket and key.startswith(prefix)
                for version in reversed(versions)
                if version.body is not None
            ]
        start = bisect_right([_place(i) for i in found], _place_of(after)) if after else 0
        taken = tuple(found[start : start + limit])
        more = start + limit < len(found)
        return Page(taken, f"{taken[-1].version_id}/{taken[-1].key}" if more else "", len(taken))

    def sign_get(self, key: str, seconds: int, version_id: str = "") -> str:
        """Return a URL that names what it would read."""
        return f"memory://{self._bucket}/{quote(key)}?method=GET&seconds={seconds}&versionId={version_id}"

    def sign_put(self, key: str, seconds: int) -> str:
        """Return a URL that names what it would write."""
        return f"memory://{self._bucket}/{quote(key)}?method=PUT&seconds={seconds}"


class MemoryObjectWriter:
    """An object under construction, in memory."""

    def __init__(self, store: MemoryObjectStore, key: str, content_type: str) -> None:
        self._store = store
        self._key = key
        self._content_type = content_type
        self._body = bytearray()
        self._open = True

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes."""
        if not self._open:
            raise ValueError("this object is written or dropped already")
        self._body += data
        return len(data)

    def append(self, key: str, start: int, length: int) -> None:
        """Append a range of another object."""
        found = self._store.read_range(key, start, length)
        if len(found) != length:
            raise UnavailableError("the object that is copied from ends early; try again later")
        self.write(found)

    def commit(self) -> int:
        """Make the object visible and return its size."""
        if not self._open:
            raise ValueError("this object is written or dropped already")
        self._open = False
        self._store.put(self._key, self._body, self._content_type)
        return len(self._body)

    def abort(self) -> None:
        """Drop everything written; after a commit it does nothing."""
        self._open = False


def _info(key: str, version: _Version, is_latest: bool) -> ObjectInfo:
    return ObjectInfo(key, version.version_id, len(version.body or b""), version.modified_at, is_latest)


def _place(info: ObjectInfo) -> tuple[str, int]:
    return info.key, -int(info.version_id[1:])


def _place_of(after: str) -> tuple[str, int]:
    version_id, key = after.split("/", 1)
    return key, -int(version_id[1:])

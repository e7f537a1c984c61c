"""Buckets: objects read, written, listed, copied and signed for."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from dicomlake.ports.surroundings import Page


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version of one object in a listing."""

    key: str
    version_id: str
    size: int
    modified_at: str
    is_latest: bool = True


class ObjectWriter(Protocol):
    """An object under construction: invisible until `commit`; `abort` leaves nothing behind."""

    def write(self, data: bytes | bytearray | memoryview) -> object:
        """Append bytes; memory use is bounded whatever the total."""
        ...

    def append(self, key: str, start: int, length: int) -> None:
        """Append a range that lies whole in another object of this bucket; the store copies long ones by itself."""
        ...

    def commit(self) -> int:
        """Make the object visible and return its size."""
        ...

    def abort(self) -> None:
        """Drop everything written."""
        ...


class ObjectStore(Protocol):
    """One bucket. Missing objects raise NotFoundError."""

    def get(self, key: str, version_id: str = "") -> bytearray:
        """Return an object's bytes, writable, so that arrays over them cost no copy."""
        ...

    def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
        """Return `length` bytes from `start`, fewer at the object's end; one request."""
        ...

    def read_end(self, key: str, length: int) -> tuple[bytes, int]:
        """Return an object's last `length` bytes, all of a shorter one, and the object's size; one request."""
        ...

    def put(
        self, key: str, body: bytes | bytearray | memoryview, content_type: str = "application/octet-stream"
    ) -> str:
        """Write an object whole and return its version, "" where the bucket keeps none."""
        ...

    def open_writer(
        self, key: str, content_type: str = "application/octet-stream"
    ) -> AbstractContextManager[ObjectWriter]:
        """Write an object of unknown size in bounded memory; leaving the context without `commit` aborts."""
        ...

    def copy_in(self, source_bucket: str, source_key: str, source_version: str, key: str, size: int) -> None:
        """Copy an object of any size from another bucket, server side."""
        ...

    def info(self, key: str, version_id: str = "") -> ObjectInfo:
        """Return what is known of an object without reading it."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; deleting a missing one is no error."""
        ...

    def versions(self, prefix: str = "", after: str = "", limit: int = 1000) -> Page[ObjectInfo]:
        """List every version of every object, a page at a time, in key order."""
        ...

    def sign_get(self, key: str, seconds: int, version_id: str = "") -> str:
        """Return a URL that reads the object without credentials, for that long."""
        ...

    def sign_put(self, key: str, seconds: int) -> str:
        """Return a URL that writes the object without credentials, for that long."""
        ...


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A PUT that needs no credentials: its URL, and the headers that must be sent with it."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()


class UploadSigner(Protocol):
    """Lets a sender write objects of one bucket without credentials: whole, or in parts above 5 GB or by choice."""

    def sign_whole(self, key: str, seconds: int, sha256: str = "", crc32c: str = "") -> SignedRequest:
        """Sign the PUT of a whole object; with a SHA-256 or CRC-32C (hex) the store refuses any other content."""
        ...

    def begin_parts(self, key: str, crc32c: bool = False) -> str:
        """Begin an upload in parts and return its id; with `crc32c` the store keeps that checksum of the whole."""
        ...

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> SignedRequest:
        """Sign the PUT of one part, numbered from 1; its answer's ETag is needed to complete."""
        ...

    def sent_parts(self, key: str, upload: str) -> dict[int, str]:
        """Return the ETags of the parts that are there, by number; NotFoundError if there is no such upload."""
        ...

    def complete_parts(self, key: str, upload: str, etags: Sequence[str], crc32c: str = "") -> None:
        """Make an object of the parts, in order; with a CRC-32C (hex) only if the whole has it.

        NotFoundError if there is no such upload, InvalidRequestError where the parts or their content are others.
        """
        ...

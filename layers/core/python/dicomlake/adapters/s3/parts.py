"""Objects written to S3 in parts, in bounded memory."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors
from dicomlake.domain.errors import TooLargeError, UnavailableError

MIB = 1024 * 1024
PART = 32 * MIB
"""A batch's pack is mostly smaller, so it is one request instead of five, and one write of the store instead of two."""
MAX_PARTS = 10_000
SMALLEST_PART = 5 * MIB
"""S3 refuses a smaller part that is not the last."""
LARGEST_COPY = 512 * MIB
"""Bytes of one part that S3 copies by itself; it takes up to 5 GiB, but answers only when it is done."""
COPIES_AT_ONCE = 4

ReadRange = Callable[[str, int, int], bytes]


class S3ObjectWriter:
    """An object under construction, in parts of 32 MiB: 10,000 of them hold 335 GB.

    Memory: one part. What fits into one part is put whole, in one request. Long ranges of other objects become parts
    that S3 copies, a few at a time, while more is written.
    """

    def __init__(
        self, client: Any, named: dict[str, Any], described: dict[str, str], read_range: ReadRange | None = None
    ) -> None:
        self._client = client
        self._named = named
        self._described = described
        self._read_range = read_range
        self._upload: Upload | None = None
        self._part = bytearray()
        self._size = 0
        self._open = True

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes; sends whole parts as they fill."""
        self._check_open()
        rest = memoryview(data).cast("B")
        written = len(rest)
        while rest:
            room = PART - len(self._part)
            self._part += rest[:room]
            rest = rest[room:]
            if len(self._part) == PART:
                self._send_part()
        self._size += written
        return written

    def append(self, key: str, start: int, length: int) -> None:
        """Append a range of another object of the bucket: by S3 itself where it is long enough for a part."""
        self._check_open()
        missing = max(0, SMALLEST_PART - len(self._part)) if self._part else 0
        if length - missing < SMALLEST_PART:
            self._read_in(key, start, length)
            return
        self._read_in(key, start, missing)
        if self._part:
            self._send_part()
        self._copy_in(key, start + missing, length - missing)

    def _read_in(self, key: str, start: int, length: int) -> None:
        if not length:
            return
        if self._read_range is None:
            raise ValueError("this writer was not told how to read")
        found = self._read_range(key, start, length)
        if len(found) != length:
            raise UnavailableError("the object's transfer ended early; try again later")
        self.write(found)

    def _copy_in(self, key: str, start: int, length: int) -> None:
        source = {"Bucket": self._named["Bucket"], "Key": key}
        count = -(-length // LARGEST_COPY)
        cuts = [start + length * at // count for at in range(count + 1)]
        for first, end in pairwise(cuts):
            self._parts().begin_copy(source, first, end - 1)
        self._size += length

    def commit(self) -> int:
        """Make the object visible and return its size."""
        self._check_open()
        if self._upload is None:
            with aws_errors():
                self._client.put_object(**self._named, Body=self._part, **self._described)
        else:
            if self._part:
                self._send_part()
            self._upload.complete()
        self._open = False
        return self._size

    def abort(self) -> None:
        """Drop everything written; after a commit it does nothing."""
        self._open = False
        self._part = bytearray()
        if self._upload is not None:
            self._upload.abort()

    def _parts(self) -> "Upload":
        if self._upload is None:
            self._upload = Upload(self._client, self._named, self._described)
        return self._upload

    def _send_part(self) -> None:
        self._parts().send_part(self._part)
        self._part = bytearray()

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("this object is written or dropped already")


class Upload:
    """A multi-part upload, from its start to `complete` or `abort`."""

    def __init__(self, client: Any, named: dict[str, Any], described: dict[str, str]) -> None:
        self._client = client
        with aws_errors():
            begun = client.create_multipart_upload(**named, **described)
        self._named = {**named, "UploadId": begun["UploadId"]}
        self._tags: list[Callable[[], str]] = []
        self._copies: ThreadPoolExecutor | None = None
        self._open = True

    @property
    def count(self) -> int:
        """The number of parts sent."""
        return len(self._tags)

    def send_part(self, body: bytearray) -> None:
        """Send one part."""
        with aws_errors():
            answer = self._client.upload_part(**self._named, PartNumber=self._following(), Body=body)
        tag: str = answer["ETag"]
        self._tags.append(lambda: tag)

    def copy_part(self, source: dict[str, str], first: int, last: int) -> None:
        """Copy the bytes from `first` to `last`, both included, as one part."""
        tag = self._copied(self._following(), source, first, last)
        self._tags.append(lambda: tag)

    def begin_copy(self, source: dict[str, str], first: int, last: int) -> None:
        """Begin to copy a part as `copy_part` does; `complete` waits for it and raises what went wrong."""
        if self._copies is None:
            self._copies = ThreadPoolExecutor(COPIES_AT_ONCE)
        self._tags.append(self._copies.submit(self._copied, self._following(), source, first, last).result)

    def _copied(self, number: int, source: dict[str, str], first: int, last: int) -> str:
        with aws_errors():
            answer = self._client.upload_part_copy(
                **self._named, PartNumber=number, CopySource=source, CopySourceRange=f"bytes={first}-{last}"
            )
        tag: str = answer["CopyPartResult"]["ETag"]
        return tag

    def _following(self) -> int:
        if self.count == MAX_PARTS:
            raise TooLargeError("an object of S3 has at most 10,000 parts; write it as more than one")
        return self.count + 1

    def complete(self) -> None:
        """Make the object of the parts."""
        parts = [{"PartNumber": number, "ETag": tag()} for number, tag in enumerate(self._tags, 1)]
        self._end_copies()
        with aws_errors():
            self._client.complete_multipart_upload(**self._named, MultipartUpload={"Parts": parts})
        self._open = False

    def abort(self) -> None:
        """Drop the parts; after `complete` it does nothing."""
        if self._open:
            self._open = False
            self._end_copies()
            with aws_errors():
                self._client.abort_multipart_upload(**self._named)

    def _end_copies(self) -> None:
        """A part whose copy ends behind an abort would be kept, and charged for."""
        if self._copies is not None:
            self._copies.shutdown(cancel_futures=True)

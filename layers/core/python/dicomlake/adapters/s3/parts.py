"""Objects written to S3 in parts, in bounded memory."""

from typing import Any

from dicomlake.adapters.aws_errors import aws_errors
from dicomlake.domain.errors import TooLargeError

MIB = 1024 * 1024
PART = 32 * MIB
"""A batch's pack is mostly smaller, so it is one request instead of five, and one write of the store instead of two."""
MAX_PARTS = 10_000


class S3ObjectWriter:
    """An object under construction, in parts of 32 MiB: 10,000 of them hold 335 GB.

    Memory: one part. What fits into one part is put whole, in one request.
    """

    def __init__(self, client: Any, named: dict[str, Any], encryption: dict[str, str]) -> None:
        self._client = client
        self._named = named
        self._encryption = encryption
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

    def commit(self) -> int:
        """Make the object visible and return its size."""
        self._check_open()
        if self._upload is None:
            with aws_errors():
                self._client.put_object(**self._named, Body=self._part, **self._encryption)
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

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = Upload(self._client, self._named, self._encryption)
        self._upload.send_part(self._part)
        self._part = bytearray()

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError("this object is written or dropped already")


class Upload:
    """A multi-part upload, from its start to `complete` or `abort`."""

    def __init__(self, client: Any, named: dict[str, Any], encryption: dict[str, str]) -> None:
        self._client = client
        with aws_errors():
            begun = client.create_multipart_upload(**named, **encryption)
        self._named = {**named, "UploadId": begun["UploadId"]}
        self._tags: list[str] = []
        self._open = True

    @property
    def count(self) -> int:
        """The number of parts sent."""
        return len(self._tags)

    def send_part(self, body: bytearray) -> None:
        """Send one part."""
        with aws_errors():
            answer = self._client.upload_part(**self._named, PartNumber=self._following(), Body=body)
        self._tags.append(answer["ETag"])

    def copy_part(self, source: dict[str, str], first: int, last: int) -> None:
        """Copy the bytes from `first` to `last`, both included, as one part."""
        with aws_errors():
            answer = self._client.upload_part_copy(
                **self._named,
                PartNumber=self._following(),
                CopySource=source,
                CopySourceRange=f"bytes={first}-{last}",
            )
        self._tags.append(answer["CopyPartResult"]["ETag"])

    def _following(self) -> int:
        if self.count == MAX_PARTS:
            raise TooLargeError("an object of S3 has at most 10,000 parts; write it as more than one")
        return self.count + 1

    def complete(self) -> None:
        """Make the object of the parts."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(self._tags, 1)]
        with aws_errors():
            self._client.complete_multipart_upload(**self._named, MultipartUpload={"Parts": parts})
        self._open = False

    def abort(self) -> None:
        """Drop the parts; after `complete` it does nothing."""
        if self._open:
            self._open = False
            with aws_errors():
                self._client.abort_multipart_upload(**self._named)

"""One bucket of S3."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors, client_error, code_of
from dicomlake.adapters.s3.parts import MIB, S3ObjectWriter, Upload
from dicomlake.domain.errors import InvalidRequestError, ThrottledError, UnavailableError, UnreadableError
from dicomlake.domain.study import format_time
from dicomlake.ports import ObjectInfo, Page

PARTIAL_CONTENT = 206
DELETE_BATCH = 1000
COPY_WHOLE = 1024 * MIB
"""CopyObject takes up to 5 GB, but answers only when it is done; above this, parts are copied one by one."""
COPY_PART = 512 * MIB


UNREADABLE = frozenset({"AccessDenied", "InvalidObjectState", "InvalidRequest"})
"""What S3 answers for a version that is there and is not given: a key or a grant that is denied; archived; SSE-C. And
every code that begins with `KMS.`: the key is disabled, deleted or elsewhere."""


@contextmanager
def landed_errors(version_id: str) -> Iterator[None]:
    """Raise the lake's errors, and UnreadableError for a version that may not be read.

    Only landed objects are read by version: senders choose how those lie. For what the lake wrote itself the same
    codes are a defect of ours and pass through, to be loud.
    """
    try:
        with aws_errors():
            yield
    except client_error() as exc:
        code = code_of(exc)
        if not version_id or not (code in UNREADABLE or code.startswith("KMS.")):
            raise
        raise UnreadableError(f"the object is there, but it may not be read ({code})") from exc


class S3ObjectStore:
    """One bucket. `kms_key` encrypts what is written under that key instead of the bucket's default."""

    def __init__(self, client: Any, bucket: str, kms_key: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}

    def _named(self, key: str, version_id: str = "") -> dict[str, Any]:
        named = {"Bucket": self._bucket, "Key": key}
        return named | ({"VersionId": version_id} if version_id else {})

    def get(self, key: str, version_id: str = "") -> bytearray:
        """Return an object's bytes, writable: one buffer of the object's size, read into in place."""
        with landed_errors(version_id):
            answer = self._client.get_object(**self._named(key, version_id))
            body = bytearray(answer["ContentLength"])
            _read_into(answer["Body"], body)
        return body

    def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
        """Return `length` bytes from `start`, fewer at the object's end; one request."""
        if length <= 0:
            return b""
        try:
            with landed_errors(version_id):
                answer = self._client.get_object(
                    **self._named(key, version_id), Range=f"bytes={start}-{start + length - 1}"
                )
                if answer["ResponseMetadata"]["HTTPStatusCode"] != PARTIAL_CONTENT:
                    return _cut(answer["Body"], start, length)
                body: bytes = answer["Body"].read()
        except client_error() as exc:
            if code_of(exc) not in ("InvalidRange", "416"):
                raise
            return b""
        return body

    def read_end(self, key: str, length: int) -> tuple[bytes, int]:
        """Return an object's last `length` bytes, all of a shorter one, and its size; one request, and no HEAD."""
        try:
            with aws_errors():
                answer = self._client.get_object(**self._named(key), Range=f"bytes=-{length}")
                body: bytes = answer["Body"].read()
        except client_error() as exc:
            if code_of(exc) not in ("InvalidRange", "416"):
                raise
            return b"", 0
        size = int(str(answer.get("ContentRange") or len(body)).rpartition("/")[2])
        return body[-length:], size

    def put(
        self, key: str, body: bytes | bytearray | memoryview, content_type: str = "application/octet-stream"
    ) -> str:
        """Write an object whole and return its version, "" where the bucket keeps none."""
        with aws_errors():
            answer = self._client.put_object(
                **self._named(key), Body=_sendable(body), ContentType=content_type, **self._encryption
            )
        return str(answer.get("VersionId") or "")

    @contextmanager
    def open_writer(self, key: str, content_type: str = "application/octet-stream") -> Iterator[S3ObjectWriter]:
        """Write an object of unknown size in bounded memory; leaving the context without `commit` aborts."""
        described = {"ContentType": content_type, **self._encryption}
        writer = S3ObjectWriter(self._client, self._named(key), described, self.read_range)
        try:
            yield writer
        finally:
            writer.abort()

    def copy_in(self, source_bucket: str, source_key: str, source_version: str, key: str, size: int) -> None:
        """Copy an object of any size from another bucket, server side, without its tags: they rule its old place."""
        source = {"Bucket": source_bucket, "Key": source_key}
        source |= {"VersionId": source_version} if source_version else {}
        if size <= COPY_WHOLE:
            with landed_errors(source_version):
                self._client.copy_object(
                    **self._named(key), CopySource=source, TaggingDirective="REPLACE", **self._encryption
                )
            return
        upload = Upload(self._client, self._named(key), self._encryption)
        try:
            for start in range(0, size, COPY_PART):
                with landed_errors(source_version):
                    upload.copy_part(source, start, min(start + COPY_PART, size) - 1)
            upload.complete()
        finally:
            upload.abort()

    def info(self, key: str, version_id: str = "") -> ObjectInfo:
        """Return what is known of an object without reading it; `is_latest` where no version was asked for."""
        with aws_errors():
            head = self._client.head_object(**self._named(key, version_id))
            latest = not version_id or self._client.head_object(**self._named(key)).get("VersionId") == version_id
        return ObjectInfo(
            key, head.get("VersionId", ""), head["ContentLength"], format_time(head["LastModified"]), latest
        )

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, a thousand a request; UnavailableError if the service kept one."""
        for some in batched(keys, DELETE_BATCH, strict=False):
            listed = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            with aws_errors():
                answer = self._client.delete_objects(Bucket=self._bucket, Delete=listed)
            failed = {error.get("Code", "") for error in answer.get("Errors", [])}
            if failed:
                kind = ThrottledError if "SlowDown" in failed else UnavailableError
                raise kind(f"some objects were not deleted ({', '.join(sorted(failed))}); try again later")

    def versions(self, prefix: str = "", after: str = "", limit: int = 1000) -> Page[ObjectInfo]:
        """List every version of every object, a page at a time, in key order, newest version first."""
        with aws_errors():
            answer = self._client.list_object_versions(
                Bucket=self._bucket, Prefix=prefix, MaxKeys=min(limit, 1000), **_markers(after)
            )
        items = tuple(_listed(version) for version in answer.get("Versions", []))
        following = (
            f"{answer.get('NextVersionIdMarker', '')}/{answer['NextKeyMarker']}" if answer["IsTruncated"] else ""
        )
        return Page(items, following, len(items) + len(answer.get("DeleteMarkers", [])))

    def sign_get(self, key: str, seconds: int, version_id: str = "") -> str:
        """Return a URL that reads the object without credentials, for that long."""
        return self._sign("get_object", self._named(key, version_id), seconds)

    def sign_put(self, key: str, seconds: int) -> str:
        """Return a URL that writes the object without credentials, for that long."""
        return self._sign("put_object", self._named(key), seconds)

    def _sign(self, call: str, named: dict[str, Any], seconds: int) -> str:
        url: str = self._client.generate_presigned_url(call, Params=named, ExpiresIn=seconds)
        return url


def _read_into(stream: Any, body: bytearray) -> None:
    """Fill the buffer from the answer; a connection that ends early is an error, never a shorter object.

    The last read meets the end: only there does botocore compare the object's checksum with what it read.
    """
    view, filled = memoryview(body), 0
    while filled < len(body):
        count = stream.readinto(view[filled:])
        if not count:
            raise UnavailableError("the object's transfer ended early; try again later")
        filled += count
    stream.readinto(bytearray(1))


def _cut(stream: Any, start: int, length: int) -> bytes:
    """Take a range out of a whole object, in bounded memory: a server may ignore Range (RFC 9110, 14.2)."""
    try:
        while start and (skipped := stream.read(min(start, MIB))):
            start -= len(skipped)
        found: bytes = b"" if start else stream.read(length)
        return found
    finally:
        stream.close()


def _sendable(body: bytes | bytearray | memoryview) -> bytes | bytearray:
    """A body as botocore takes it; it sends no memoryview."""
    return bytes(body) if isinstance(body, memoryview) else body


def _markers(after: str) -> dict[str, str]:
    if not after:
        return {}
    version_id, slash, key = after.partition("/")
    if not slash:
        raise InvalidRequestError("the continuation does not belong to this listing; start it again")
    return {"KeyMarker": key} | ({"VersionIdMarker": version_id} if version_id else {})


def _listed(version: dict[str, Any]) -> ObjectInfo:
    modified: datetime = version["LastModified"]
    return ObjectInfo(version["Key"], version["VersionId"], version["Size"], format_time(modified), version["IsLatest"])

"""S3's objects, read and written whole or by range, by the names and shapes of botocore's client."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from zlib import crc32

from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.rest.connections import Answer, Body
from dicomlake.adapters.rest.place import Caller, Place
from dicomlake.adapters.rest.protocols import xml_refusal
from dicomlake.adapters.rest.signature import UNSIGNED, Request
from dicomlake.domain.errors import UnavailableError

HEADERS = {
    "ContentType": "content-type",
    "Range": "range",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "x-amz-server-side-encryption",
}
_ADDRESS = frozenset({"Bucket", "Key", "VersionId", "Body"})
_KEPT_IN_A_PATH = "/-_.~"


class RestS3:
    """Reading and writing objects; what else is asked of it, botocore's client does, made when it is needed."""

    def __init__(self, place: Place, meter: CallMeter, rest: Callable[[], Any]) -> None:
        self._caller = Caller(place, "s3", meter)
        self._rest = rest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rest(), name)

    def get_object(self, **named: Any) -> dict[str, Any]:
        """Read an object or a range of it: `Body` to read from, `ContentLength` and, of a range, `ContentRange`."""
        if not self._knows(named):
            return self._by_botocore("get_object", named)
        headers = {} if "Range" in named else {"x-amz-checksum-mode": "ENABLED"}
        answer = self._ask("GetObject", "GET", named, headers)
        checksum = answer.headers.get("x-amz-checksum-crc32", "") if answer.status == 200 else ""
        body = Checked(answer, b64decode(checksum)) if checksum and "-" not in checksum else answer
        length, extent = int(answer.headers["content-length"]), answer.headers.get("content-range", "")
        return {"Body": body, "ContentLength": length, "ContentRange": extent, **_met(answer)}

    def put_object(self, **named: Any) -> dict[str, Any]:
        """Write an object whole; S3 checks its CRC-32."""
        if not self._knows(named):
            return self._by_botocore("put_object", named)
        body: Body = named.get("Body", b"")
        checksum = b64encode(crc32(body).to_bytes(4)).decode()
        answer = self._ask("PutObject", "PUT", named, {"x-amz-checksum-crc32": checksum}, body)
        answer.read()
        return {"ETag": answer.headers.get("etag", ""), "VersionId": answer.headers.get("x-amz-version-id", "")} | _met(
            answer
        )

    def _knows(self, named: Mapping[str, Any]) -> bool:
        """Whether a request asks for nothing but what is done here; a bucket's dots do not go into a host's name."""
        return named.keys() <= HEADERS.keys() | _ADDRESS and "." not in named["Bucket"]

    def _by_botocore(self, call: str, named: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._rest(), call)(**named)
        return answer

    def _ask(
        self, operation: str, method: str, named: Mapping[str, Any], headers: dict[str, str], body: Body = b""
    ) -> Answer:
        origin, path = self._caller.origin(named["Bucket"]), quote(f"/{named['Key']}", _KEPT_IN_A_PATH)
        if self._caller.place.endpoint:
            path = f"/{named['Bucket']}{path}"
        query = {"versionId": named["VersionId"]} if named.get("VersionId") else {}
        headers |= {header: named[name] for name, header in HEADERS.items() if name in named}
        headers["x-amz-content-sha256"] = UNSIGNED
        request = Request(method, origin.partition("//")[2], path, query, headers)
        return self._caller.ask(operation, origin, request, UNSIGNED, body, xml_refusal)


class Checked:
    """A body that is an error at its end if it does not have the CRC-32 that was stored with it."""

    def __init__(self, answer: Answer, checksum: bytes) -> None:
        self._answer = answer
        self._expected = int.from_bytes(checksum)
        self._found = 0

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes, all that are left without a size."""
        data = self._answer.read(size)
        self._check(data, at_end=size is None or (size > 0 and not data))
        return data

    def readinto(self, view: memoryview | bytearray) -> int:
        """Fill a buffer with the next bytes and return their number; 0 at the end."""
        count = self._answer.readinto(view)
        self._check(memoryview(view)[:count], at_end=count == 0)
        return count

    def close(self) -> None:
        """Leave the rest unread, and unproved."""
        self._answer.close()

    def _check(self, data: Body, at_end: bool) -> None:
        self._found = crc32(data, self._found)
        if at_end and self._found != self._expected:
            raise UnavailableError("what arrived does not have the checksum that was sent; try again")


def _met(answer: Answer) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": answer.status}}

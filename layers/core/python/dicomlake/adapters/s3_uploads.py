"""Uploads to one bucket of S3 by signed URL, whole or in parts."""

import base64
from collections.abc import Sequence
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors, client_error, code_of
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.ports import SignedRequest

_WRONG_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "BadDigest"})
PARTS_A_PAGE = 1000


class S3UploadSigner:
    """Signs PUTs into one bucket with the client's own credentials; no URL outlives those."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def sign_whole(self, key: str, seconds: int, sha256: str = "", crc32c: str = "") -> SignedRequest:
        """Sign the PUT of a whole object; a checksum is signed as a header, which S3 checks the content against."""
        named, headers = {"Bucket": self._bucket, "Key": key}, []
        for name, checksum in (("SHA256", sha256), ("CRC32C", crc32c)):
            if checksum:
                named[f"Checksum{name}"] = _base64(checksum)
                headers.append((f"x-amz-checksum-{name.lower()}", _base64(checksum)))
        url = self._client.generate_presigned_url("put_object", Params=named, ExpiresIn=seconds)
        return SignedRequest(url, tuple(headers))

    def begin_parts(self, key: str, crc32c: bool = False) -> str:
        """Begin an upload in parts and return its id; S3 puts the CRC-32C of the whole together from the parts'."""
        checked = {"ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"} if crc32c else {}
        with aws_errors():
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **checked)
        return str(begun["UploadId"])

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> SignedRequest:
        """Sign the PUT of one part."""
        named = {"Bucket": self._bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        return SignedRequest(self._client.generate_presigned_url("upload_part", Params=named, ExpiresIn=seconds))

    def sent_parts(self, key: str, upload: str) -> dict[int, str]:
        """Return the ETags of the parts that are there, by number."""
        found: dict[int, str] = {}
        named = {"Bucket": self._bucket, "Key": key, "UploadId": upload, "MaxParts": PARTS_A_PAGE}
        while True:
            with aws_errors():
                answer = self._client.list_parts(**named)
            found |= {part["PartNumber"]: part["ETag"] for part in answer.get("Parts", [])}
            if not answer.get("IsTruncated"):
                return found
            named["PartNumberMarker"] = answer["NextPartNumberMarker"]

    def complete_parts(self, key: str, upload: str, etags: Sequence[str], crc32c: str = "") -> None:
        """Make an object of the parts; InvalidRequestError where they are not those that were sent."""
        checked = {"ChecksumCRC32C": _base64(crc32c), "ChecksumType": "FULL_OBJECT"} if crc32c else {}
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        try:
            with aws_errors():
                self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **checked
                )
        except client_error() as exc:
            if code_of(exc) not in _WRONG_PARTS:
                raise
            raise InvalidRequestError("the parts are not those that were sent: send the missing ones again") from exc


def _base64(checksum: str) -> str:
    """A checksum as S3's headers have it."""
    return base64.b64encode(bytes.fromhex(checksum)).decode()

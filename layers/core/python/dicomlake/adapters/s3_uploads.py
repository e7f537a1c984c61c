"""Uploads to one bucket of S3 by signed URL, whole or in parts."""

import base64
from collections.abc import Sequence
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors, client_error, code_of
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.ports import SignedRequest

_WRONG_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"})


class S3UploadSigner:
    """Signs PUTs into one bucket with the client's own credentials; no URL outlives those."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def sign_whole(self, key: str, seconds: int, sha256: str = "") -> SignedRequest:
        """Sign the PUT of a whole object; a SHA-256 is signed as a header, which S3 checks the content against."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        named = {"Bucket": self._bucket, "Key": key} | ({"ChecksumSHA256": checksum} if checksum else {})
        url = self._client.generate_presigned_url("put_object", Params=named, ExpiresIn=seconds)
        return SignedRequest(url, (("x-amz-checksum-sha256", checksum),) if checksum else ())

    def begin_parts(self, key: str) -> str:
        """Begin an upload in parts and return its id."""
        with aws_errors():
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key)
        return str(begun["UploadId"])

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> SignedRequest:
        """Sign the PUT of one part."""
        named = {"Bucket": self._bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        return SignedRequest(self._client.generate_presigned_url("upload_part", Params=named, ExpiresIn=seconds))

    def complete_parts(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Make an object of the parts; InvalidRequestError where they are not those that were sent."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        try:
            with aws_errors():
                self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
                )
        except client_error() as exc:
            if code_of(exc) not in _WRONG_PARTS:
                raise
            raise InvalidRequestError("the parts are not those that were sent: send the missing ones again") from exc

"""Objects are on the engine's disk and not in its memory, and everything S3 says of them stays true."""

import base64
import random
import zlib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dicomlake.local.endpoints import Endpoints
from tests.pipeline.lakes import client

pytestmark = pytest.mark.timeout(120)

FIRST, SECOND, SOURCE = (random.Random(seed).randbytes(5_300_000) for seed in (1, 2, 3))  # noqa: S311 - test bytes


BUCKET = "objects-under-test"
"""Of its own: no event tells of what is in it."""


@pytest.fixture(scope="module", autouse=True)
def bucket(small: Endpoints) -> None:
    """A versioned bucket."""
    s3 = client(small, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


class Upload:
    """A multipart upload under test."""

    def __init__(self, small: Endpoints, key: str) -> None:
        self.s3 = client(small, "s3")
        self.named = {"Bucket": BUCKET, "Key": key}
        self.id = self.s3.create_multipart_upload(**self.named)["UploadId"]
        self.parts: list[dict[str, Any]] = []

    def send(self, body: bytes) -> None:
        self._add(self.s3.upload_part(**self._next(), Body=body))

    def copy(self, source: dict[str, str], wanted: str) -> None:
        self._add(self.s3.upload_part_copy(**self._next(), CopySource=source, CopySourceRange=wanted)["CopyPartResult"])

    def complete(self, parts: list[dict[str, Any]] | None = None) -> Any:
        named = {"Parts": self.parts if parts is None else parts}
        return self.s3.complete_multipart_upload(**self.named, UploadId=self.id, MultipartUpload=named)

    def _next(self) -> dict[str, Any]:
        return {**self.named, "UploadId": self.id, "PartNumber": len(self.parts) + 1}

    def _add(self, answer: Any) -> None:
        self.parts.append({"PartNumber": len(self.parts) + 1, "ETag": answer["ETag"]})


def read(small: Endpoints, key: str, **more: str) -> bytes:
    body: bytes = client(small, "s3").get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()
    return body


def test_an_object_of_parts_is_their_bytes_in_order(small: Endpoints) -> None:
    upload = Upload(small, "parts")

    upload.send(FIRST)
    upload.send(SECOND)
    upload.send(b"end")
    answer = upload.complete()

    assert answer["ETag"].endswith('-3"')
    assert read(small, "parts") == read(small, "parts", VersionId=answer["VersionId"]) == FIRST + SECOND + b"end"
    assert upload.s3.head_object(**upload.named)["ContentLength"] == len(FIRST + SECOND) + 3


def test_a_copied_part_is_what_its_source_was(small: Endpoints) -> None:
    s3 = client(small, "s3")
    version = s3.put_object(Bucket=BUCKET, Key="source", Body=SOURCE)["VersionId"]
    upload = Upload(small, "copied")

    upload.copy({"Bucket": BUCKET, "Key": "source", "VersionId": version}, "bytes=100-5242979")
    upload.copy({"Bucket": BUCKET, "Key": "source"}, "bytes=7-9")
    upload.send(b"end")
    s3.delete_object(Bucket=BUCKET, Key="source", VersionId=version)
    upload.complete()

    assert read(small, "copied") == SOURCE[100:5_242_980] + SOURCE[7:10] + b"end"


def test_an_object_made_of_another_leaves_the_other_as_it_is(small: Endpoints) -> None:
    client(small, "s3").put_object(Bucket=BUCKET, Key="kept", Body=SOURCE)
    upload = Upload(small, "longer")

    upload.copy({"Bucket": BUCKET, "Key": "kept"}, f"bytes=0-{len(SOURCE) - 1}")
    upload.send(b"more")
    upload.complete()

    assert read(small, "longer") == SOURCE + b"more"
    assert read(small, "kept") == SOURCE


def test_a_part_by_another_tag_is_refused_and_the_upload_goes_on(small: Endpoints) -> None:
    upload = Upload(small, "tagged")
    upload.send(FIRST)

    with pytest.raises(ClientError, match="InvalidPart"):
        upload.complete([{"PartNumber": 1, "ETag": '"0123"'}])
    with pytest.raises(ClientError, match="InvalidPart"):
        upload.complete([*upload.parts, {"PartNumber": 2, "ETag": '"0123"'}])
    answers = [upload.complete()["ETag"] for _ in range(2)]

    assert answers[0] == answers[1]
    assert read(small, "tagged") == FIRST


def test_a_part_sent_again_takes_the_place_of_the_first(small: Endpoints) -> None:
    upload = Upload(small, "again")
    upload.send(FIRST)
    upload.parts.clear()

    upload.send(SECOND)
    upload.complete()

    assert read(small, "again") == SECOND


def test_a_condition_holds_for_an_object_of_parts(small: Endpoints) -> None:
    s3 = client(small, "s3")
    s3.put_object(Bucket=BUCKET, Key="there", Body=b"first")
    upload = Upload(small, "there")
    upload.send(FIRST)

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.complete_multipart_upload(
            **upload.named, UploadId=upload.id, MultipartUpload={"Parts": upload.parts}, IfNoneMatch="*"
        )

    assert read(small, "there") == b"first"


def test_an_aborted_upload_is_gone(small: Endpoints) -> None:
    upload = Upload(small, "aborted")
    upload.send(FIRST)

    upload.s3.abort_multipart_upload(**upload.named, UploadId=upload.id)

    with pytest.raises(ClientError, match="NoSuchUpload"):
        upload.complete()


@pytest.mark.parametrize("named", [{}, {"ChecksumAlgorithm": "CRC32"}])
def test_a_checksum_is_proved(small: Endpoints, named: dict[str, str]) -> None:
    s3 = client(small, "s3")
    right, wrong = (base64.b64encode(zlib.crc32(body).to_bytes(4)).decode() for body in (FIRST, SECOND))

    s3.put_object(Bucket=BUCKET, Key="sum", Body=FIRST, ChecksumCRC32=right, **named)
    told = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")

    assert told["ChecksumCRC32"] == right
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=BUCKET, Key="sum", Body=FIRST, ChecksumCRC32=wrong, **named)


def test_every_version_is_there_and_the_last_but_one_comes_back(small: Endpoints) -> None:
    s3 = client(small, "s3")
    old, new = (s3.put_object(Bucket=BUCKET, Key="twice", Body=body)["VersionId"] for body in (FIRST, SECOND))

    assert [read(small, "twice", VersionId=version) for version in (old, new)] == [FIRST, SECOND]
    s3.delete_object(Bucket=BUCKET, Key="twice", VersionId=new)

    assert read(small, "twice") == read(small, "twice", VersionId=old) == FIRST


def test_what_is_written_twice_has_two_tags(small: Endpoints) -> None:
    s3 = client(small, "s3")

    tags = {s3.put_object(Bucket=BUCKET, Key="tag", Body=b"same")["ETag"] for _ in range(2)}

    assert len(tags) == 2
    assert s3.head_object(Bucket=BUCKET, Key="tag")["ETag"] in tags


def test_versions_do_not_stay_in_the_engines_memory(small: Endpoints) -> None:
    s3 = client(small, "s3")

    def put(count: int) -> int:
        for number in range(count):
            s3.put_object(Bucket=BUCKET, Key=f"held-{number}", Body=bytes(2_000_000))
        return _resident_mb(small)

    before = put(10)

    assert put(60) - before < 40


def _resident_mb(small: Endpoints) -> int:
    tasks = Path(f"/proc/{small.pid}/task")
    if not tasks.exists():
        pytest.skip("there is no /proc here")
    (engine,) = {int(pid) for file in tasks.glob("*/children") for pid in file.read_text().split()}
    return int(Path(f"/proc/{engine}/statm").read_text().split()[1]) * 4096 >> 20


def test_a_checksum_of_the_whole_is_checked_when_its_parts_are_joined(small: Endpoints) -> None:
    s3, named = client(small, "s3"), {"Bucket": BUCKET, "Key": "whole"}
    checked = {"ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"}
    upload = s3.create_multipart_upload(**named, **checked)["UploadId"]
    etag = s3.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"123456789")["ETag"]
    parts = {"UploadId": upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}

    with pytest.raises(ClientError, match="BadDigest"):
        s3.complete_multipart_upload(**named, **parts, ChecksumCRC32C="AAAAAA==", ChecksumType="FULL_OBJECT")
    answer = s3.complete_multipart_upload(**named, **parts, ChecksumCRC32C="4waSgw==", ChecksumType="FULL_OBJECT")

    assert (answer["ChecksumCRC32C"], answer["ChecksumType"]) == ("4waSgw==", "FULL_OBJECT")
    assert read(small, "whole") == b"123456789"

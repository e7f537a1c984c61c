"""What every UploadSigner promises: a sender without credentials writes what was announced, and nothing else."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.adapters.memory.uploads import MemoryUploadSigner
from dicomlake.adapters.s3 import S3ObjectStore
from dicomlake.adapters.s3_uploads import S3UploadSigner
from dicomlake.domain.errors import InvalidRequestError, NotFoundError
from dicomlake.ports import ObjectStore, SignedRequest, UploadSigner
from tests.contract.conftest import Aws

KEY = "sources/default/" + "0" * 32 + "/0"
PART = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploads:
    """A signer, the bucket it signs for, and how a sender sends a part: its upload, number and body; the ETag."""

    signer: UploadSigner
    objects: ObjectStore
    send_part: Callable[[str, int, bytes], str]


@pytest.fixture
def uploads(place: Aws | None, unique: Callable[[str], str]) -> Uploads:
    if place is None:
        store = MemoryObjectStore("landing")
        memory = MemoryUploadSigner(store)
        return Uploads(memory, store, memory.send_part)
    name = unique("landing")
    client = place.bucket(name)
    signer = S3UploadSigner(client, name)

    def send(upload: str, number: int, body: bytes) -> str:
        return put(signer.sign_part(KEY, upload, number, 60), body).headers["ETag"]

    return Uploads(signer, S3ObjectStore(client, name), send)


def put(signed: SignedRequest, body: bytes) -> requests.Response:
    return requests.put(signed.url, data=body, headers=dict(signed.headers), timeout=30)


def test_parts_become_one_object_when_they_are_completed(uploads: Uploads) -> None:
    upload = uploads.signer.begin_parts(KEY)
    etags = [uploads.send_part(upload, number, body) for number, body in ((1, b"a" * PART), (2, b"b"))]
    with pytest.raises(NotFoundError):
        uploads.objects.info(KEY)

    uploads.signer.complete_parts(KEY, upload, etags)

    assert uploads.objects.get(KEY) == b"a" * PART + b"b"


def test_parts_that_were_not_sent_are_no_object(uploads: Uploads) -> None:
    upload = uploads.signer.begin_parts(KEY)
    uploads.send_part(upload, 1, b"a")

    with pytest.raises(InvalidRequestError):
        uploads.signer.complete_parts(KEY, upload, ["0" * 32, "1" * 32])

    with pytest.raises(NotFoundError):
        uploads.objects.info(KEY)


def test_the_parts_that_are_there_are_told_by_number(uploads: Uploads) -> None:
    upload = uploads.signer.begin_parts(KEY)
    etag = uploads.send_part(upload, 2, b"b")

    assert uploads.signer.sent_parts(KEY, upload) == {2: etag}


@pytest.mark.parametrize("place", ["memory", pytest.param("engine", marks=pytest.mark.engine)], indirect=True)
def test_an_upload_that_never_began_is_not_found(uploads: Uploads) -> None:
    with pytest.raises(NotFoundError):
        uploads.signer.complete_parts(KEY, "no-such-upload", ["0" * 32])
    with pytest.raises(NotFoundError):
        uploads.signer.sent_parts(KEY, "no-such-upload")


@pytest.mark.parametrize("place", ["moto", pytest.param("engine", marks=pytest.mark.engine)], indirect=True)
def test_a_signed_url_writes_its_object_and_no_other(uploads: Uploads) -> None:
    signed = uploads.signer.sign_whole(KEY, 60)

    assert put(signed, b"content").status_code == 200
    assert uploads.objects.get(KEY) == b"content"
    assert KEY in signed.url


@pytest.mark.parametrize("place", ["moto"], indirect=True)
def test_an_announced_checksum_is_signed_as_a_header(uploads: Uploads) -> None:
    digest = hashlib.sha256(b"content")

    signed = uploads.signer.sign_whole(KEY, 60, digest.hexdigest())

    assert dict(signed.headers) == {"x-amz-checksum-sha256": base64.b64encode(digest.digest()).decode()}
    assert "x-amz-checksum-sha256" in signed.url


@pytest.mark.parametrize("place", ["moto"], indirect=True)
def test_an_announced_crc32c_is_signed_as_a_header(uploads: Uploads) -> None:
    signed = uploads.signer.sign_whole(KEY, 60, crc32c="e3069283")

    assert dict(signed.headers) == {"x-amz-checksum-crc32c": "4waSgw=="}
    assert "x-amz-checksum-crc32c" in signed.url


@pytest.mark.parametrize("place", ["memory", "moto"], indirect=True)
def test_parts_with_a_checksum_of_the_whole_become_one_object(uploads: Uploads) -> None:
    upload = uploads.signer.begin_parts(KEY, crc32c=True)
    etags = [uploads.send_part(upload, 1, b"123456789")]

    uploads.signer.complete_parts(KEY, upload, etags, "e3069283")

    assert uploads.objects.get(KEY) == b"123456789"

"""What S3 answers for a landed version that is there and is not given, as an error that sends it to quarantine."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dicomlake.adapters.s3 import S3ObjectStore
from dicomlake.domain.errors import NotFoundError, UnreadableError
from tests.contract.conftest import Aws

CODES = ("AccessDenied", "InvalidObjectState", "InvalidRequest", "KMS.DisabledException", "KMS.NotFoundException")


class Refusing:
    """An S3 client that answers everything with one error code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> None:
            raise ClientError({"Error": {"Code": self._code}, "ResponseMetadata": {"HTTPStatusCode": 403}}, name)

        return call


@pytest.mark.parametrize("code", CODES)
def test_a_version_that_may_not_be_read_is_told_by_its_code_alone(code: str) -> None:
    store = S3ObjectStore(Refusing(code), "landing")

    for read in (
        lambda: store.get("patient", "v1"),
        lambda: store.read_range("patient", 0, 10, "v1"),
        lambda: store.copy_in("landing", "patient", "v1", "objects/1", 10),
    ):
        with pytest.raises(UnreadableError, match=code) as told:
            read()
        assert "patient" not in str(told.value)


@pytest.mark.parametrize("code", CODES)
def test_the_lakes_own_objects_refused_are_a_defect_and_loud(code: str) -> None:
    with pytest.raises(ClientError):
        S3ObjectStore(Refusing(code), "packs").get("packs/1")


def test_a_deleted_version_is_no_unreadable_one() -> None:
    with pytest.raises(NotFoundError):
        S3ObjectStore(Refusing("NoSuchVersion"), "landing").get("patient", "v1")


def test_an_archived_object_is_unreadable(moto_aws: Aws) -> None:
    client = moto_aws.bucket("landing")
    version = client.put_object(Bucket="landing", Key="k", Body=b"x", StorageClass="DEEP_ARCHIVE")["VersionId"]

    with pytest.raises(UnreadableError, match="InvalidObjectState"):
        S3ObjectStore(client, "landing").get("k", version)

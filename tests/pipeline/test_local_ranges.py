"""The engine answers ranges as S3 does: of the current object and of any version, with that part and no more."""

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dicomlake.local.endpoints import Endpoints
from tests.pipeline.lakes import client

pytestmark = pytest.mark.timeout(400)

OLD, NEW = random.Random(1).randbytes(3_000_000), random.Random(2).randbytes(2_000_000)  # noqa: S311 - test bytes


@pytest.fixture(scope="module")
def versions(small: Endpoints) -> tuple[str, str]:
    """Two versions of an object."""
    s3 = client(small, "s3")
    old, new = (s3.put_object(Bucket=small.landingBucket, Key="ranged", Body=body) for body in (OLD, NEW))
    return old["VersionId"], new["VersionId"]


def get(small: Endpoints, wanted: str, **more: str) -> dict[str, Any]:
    answer = client(small, "s3").get_object(Bucket=small.landingBucket, Key="ranged", Range=wanted, **more)
    return {**answer, "Body": answer["Body"].read()}


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=1000000-1999999", 1_000_000, 2_000_000),
        ("bytes=0-0", 0, 1),
        ("bytes=1999990-", 1_999_990, None),
        ("bytes=-7", -7, None),
    ],
)
def test_a_range_is_that_part_of_that_version(
    small: Endpoints, versions: tuple[str, str], wanted: str, start: int, end: int | None
) -> None:
    for version, body in zip(versions, (OLD, NEW), strict=True):
        answer = get(small, wanted, VersionId=version)

        assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"]) == (206, body[start:end])
        assert answer["ContentRange"].endswith(f"/{len(body)}")
    assert get(small, wanted)["Body"] == NEW[start:end]


def test_a_range_beyond_the_end_is_cut_or_refused(small: Endpoints, versions: tuple[str, str]) -> None:
    assert get(small, "bytes=2999999-9999999", VersionId=versions[0])["Body"] == OLD[-1:]

    for more in ({}, {"VersionId": versions[1]}):
        with pytest.raises(ClientError, match="InvalidRange"):
            get(small, "bytes=2000000-", **more)


def test_a_whole_object_is_still_whole(small: Endpoints, versions: tuple[str, str]) -> None:
    s3 = client(small, "s3")

    for version, body in zip(versions, (OLD, NEW), strict=True):
        answer = s3.get_object(Bucket=small.landingBucket, Key="ranged", VersionId=version)
        assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (200, body)

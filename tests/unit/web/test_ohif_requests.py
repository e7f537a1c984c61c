"""The requests that viewers and DICOMweb clients send, verbatim (docs/conformance.md)."""

import json
from email import message_from_bytes
from email.message import Message
from typing import Any, cast

import pytest

from dicomlake.web.services import Services
from tests.unit.web.events import body_of, get, get_json
from tests.usecases.stored_lake import StoredLake

ROOT = "/dicomweb/reading-room"
OHIF_LIST = (
    f"{ROOT}/studies?limit=101&offset=0&fuzzymatching=true&includefield=00081030%2C00080060%2C00080090%2C00100030"
)
OHIF_FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax="*"'


@pytest.fixture(scope="module")
def services() -> Services:
    lake = StoredLake()
    lake.add("1.2.1", "1.2.1.1", [[b"one"], [b"two"], [b"three"]])
    lake.add("1.2.1", "1.2.1.2", [[b"cine-%d" % number for number in range(10)]], modality="US")
    return lake.services()


def parts_of(response: dict[str, Any]) -> list[Message]:
    head = f"Content-Type: {response['headers']['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + body_of(response))
    assert message.is_multipart()
    return cast(list[Message], message.get_payload())


def test_ohif_lists_studies(services: Services) -> None:
    (study,) = get_json(services, OHIF_LIST, "application/dicom+json")

    assert study["0020000D"]["Value"] == ["1.2.1"]
    assert study["00080061"]["Value"] == ["CT", "US"]
    assert study["00081030"]["Value"] == ["Chest"]
    assert study["00201208"]["Value"] == [4]
    assert study["00201206"]["Value"] == [2]
    assert study["00081190"]["Value"] == [f"https://lake.example.org{ROOT}/studies/1.2.1"]
    assert study["00080056"]["Value"] == ["ONLINE"]


def test_ohif_asks_for_one_study_and_for_priors(services: Services) -> None:
    assert get_json(services, f"{OHIF_LIST}&StudyInstanceUID=1.2.1", "application/dicom+json")
    assert get_json(services, f"{ROOT}/studies?00100020=P1&limit=101", "application/dicom+json")
    assert get(services, f"{ROOT}/studies?00100020=P2&limit=101")["statusCode"] == 204


def test_ohif_lists_series(services: Services) -> None:
    url = f"{ROOT}/studies/1.2.1/series?includefield=00080021%2C00080031%2C0008103E%2C00200011"

    series = get_json(services, url, "application/dicom+json")

    assert [one["0020000E"]["Value"][0] for one in series] == ["1.2.1.1", "1.2.1.2"]
    assert [one["00201209"]["Value"][0] for one in series] == [3, 1]
    assert [one["0008103E"]["Value"][0] for one in series] == ["series 1.2.1.1", "series 1.2.1.2"]


def test_ohif_reads_series_metadata(services: Services) -> None:
    response = get(services, f"{ROOT}/studies/1.2.1/series/1.2.1.1/metadata", "application/dicom+json")

    assert response["headers"]["content-type"] == "application/dicom+json"
    assert [one["00200013"]["Value"][0] for one in json.loads(body_of(response))] == [1, 2, 3]


def test_ohif_reads_a_frame_as_stored(services: Services) -> None:
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/frames/1"

    response = get(services, url, OHIF_FRAMES)

    (part,) = parts_of(response)
    assert part.get_payload(decode=True) == b"two"
    assert part["Content-Type"] == "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"
    assert part["Content-Location"] == f"https://lake.example.org{url}"


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="*/*"',
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        'multipart/related; type="image/jphc"',
        'multipart/related; type="image/jphc"; transfer-syntax=1.2.840.10008.1.2.4.202',
        'multipart/related; type="image/jxl", multipart/related; type="image/*"; q=0.5',
        "*/*",
        "",
    ],
)
def test_frames_come_in_the_order_asked_for(services: Services, accept: str) -> None:
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.2/instances/1.2.1.2.1/frames/7,1,10"

    response = get(services, url, accept)

    assert [part.get_payload(decode=True) for part in parts_of(response)] == [b"cine-6", b"cine-0", b"cine-9"]


def test_one_frame_may_come_alone(services: Services) -> None:
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/frames/1"

    response = get(services, url, "image/jphc")

    assert body_of(response) == b"two"
    assert response["headers"]["content-type"] == "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.202"


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50',
        'multipart/related; type="image/jphc"; transfer-syntax=1.2.840.10008.1.2.4.203',
        'multipart/related; type="image/png"',
        "multipart/related; q=0",
        "application/dicom+json",
    ],
)
def test_what_is_not_stored_so_is_refused_with_what_is_available(services: Services, accept: str) -> None:
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/frames/1"

    response = get(services, url, accept)

    assert response["statusCode"] == 406
    assert "1.2.840.10008.1.2.4.202" in json.loads(body_of(response))["message"]


@pytest.mark.parametrize(
    ("frames", "status"),
    [("11", 404), ("0", 404), ("1,1", 400), ("a", 400), ("1,", 400), ("-1", 400), ("1%2C2", 200)],
)
def test_frame_numbers_that_do_not_exist_are_told_from_those_that_are_none(
    services: Services, frames: str, status: int
) -> None:
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.2/instances/1.2.1.2.1/frames/{frames}"

    assert get(services, url)["statusCode"] == status


def test_a_percent_encoded_wildcard_is_a_wildcard(services: Services) -> None:
    assert len(get_json(services, f"{ROOT}/studies?PatientName=Yama%2A%5ET%3Frou")) == 1
    assert len(get_json(services, f"{ROOT}/studies?PatientName=%E5%B1%B1%E7%94%B0*")) == 1
    assert len(get_json(services, f"{ROOT}/studies?PatientName=taro+yam&fuzzymatching=true")) == 1

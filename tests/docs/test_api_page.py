"""docs/api.md says what the API does: its routes, its examples, its tables."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dicomlake.domain.access import READ_BUDGET, plan_access
from dicomlake.domain.levels import ATTRIBUTES, QueryLevel
from dicomlake.domain.query import DEFAULT_LIMIT, MAX_LIMIT, parse_query
from dicomlake.domain.study import parse_time
from dicomlake.usecases.search_children import SCOPED_BUDGET
from dicomlake.web import deferred
from dicomlake.web.app import answer
from dicomlake.web.authorize import Permission
from dicomlake.web.errors import STATUSES
from dicomlake.web.imaging import OFFERED
from dicomlake.web.openapi import openapi_document
from dicomlake.web.routes import ROUTES
from tests.builders import AT
from tests.docs.docs_given import tables
from tests.unit.web.events import OPERATING, event
from tests.unit.web.imaging_client import issued
from tests.unit.web.pixel_lake import PixelLake
from tests.unit.web.stow_lake import Document, StowLake
from tests.unit.web.test_operations import quarantine
from tests.usecases.dicom_files import changed, ct_slice
from tests.usecases.stored_lake import STORE, StoredLake

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text()
HEADINGS = re.findall(r"^### (GET|POST|PUT|PATCH|DELETE) (\S+)$", PAGE, re.M)
SECTIONS = re.split(r"^##+ ", PAGE, flags=re.M)

STORING = {
    (route.method, route.template)
    for route in ROUTES
    if route.handler in (deferred.post_instances, deferred.get_received)
}
WITH_PIXELS = {(route.method, route.template) for route in ROUTES if route.handler in vars(deferred).values()}


def section(title: str) -> str:
    """The text under a heading."""
    return next(text for text in SECTIONS if text.startswith(title + "\n"))


def test_every_route_has_a_heading_and_every_heading_a_route() -> None:
    own = [route for route in ROUTES if route.permission is not Permission.SIGNED]

    assert [(route.method, route.template) for route in sorted(own, key=place)] == HEADINGS
    assert len(HEADINGS) == len(own)


def test_every_operation_of_healthimaging_has_a_row() -> None:
    told = [cell for row in tables(section("HealthImaging"))[1:] for cell in row[0].split(", ")]

    assert sorted(told) == sorted(OFFERED)


def place(route: object) -> int:
    template, method = getattr(route, "template", ""), getattr(route, "method", "")
    heading = f"### {method} {template}\n"
    assert heading in PAGE, f"docs/api.md has no heading for {method} {template}"
    return PAGE.index(heading)


@pytest.mark.parametrize(("method", "template"), [heading for heading in HEADINGS if heading not in STORING])
def test_every_example_is_answered(method: str, template: str) -> None:
    lake = StoredLake()
    lake.add("1.2.1", "1.2.1.1", [[b"a"], [b"b"]])
    lake.clock.set(parse_time(AT) + timedelta(hours=1))
    kept = quarantine(lake, "in/1")
    if "{number}" in template:
        answer(event(f"/dicomweb/{STORE}/studies/1.2.1", method="DELETE", caller=OPERATING), lake.services())
    url, body = example(f"{method} {template}", method)
    url = url.replace("{key}", issued(lake.services()).access_key_id)
    url = url.replace("{hash}", kept.key.object_hash).replace("{version}", kept.key.version_id)
    services = with_pixels().services() if (method, template) in WITH_PIXELS else lake.services(cleared=False)

    response = answer(event(url, method=method, body=body, caller=OPERATING), services)

    assert response["statusCode"] == USUAL.get(f"{method} {template}", 200), response
    assert_described(method, template, response)


BELOW_A_STUDY = ("", "/series/{series}", "/series/{series}/instances/{instance}")

USUAL = {
    "POST /uploads/complete": 404,
    "POST /lake/keys": 201,
    "POST /lake/links": 201,
    "DELETE /lake/links/{link}": 204,
    "POST /lake/studies/{study}/history/{number}/undo": 204,
    "POST /lake/studies/{study}/purge": 202,
    "PUT /lake/studies/{study}/hold": 204,
    "DELETE /lake/studies/{study}/hold": 204,
    **{
        f"{method} /dicomweb/{{datastore}}/studies/{{study}}{rest}/metadata": 204
        for method in ("PATCH", "PUT")
        for rest in BELOW_A_STUDY
    },
    **{f"DELETE /dicomweb/{{datastore}}/studies/{{study}}{rest}": 204 for rest in BELOW_A_STUDY},
}
"""What examples are answered with where it is not 200; there is no upload to complete."""


def assert_described(method: str, template: str, response: dict[str, Any]) -> None:
    """The OpenAPI document has the answer's status, and its media type."""
    responses = openapi_document(ROUTES)["paths"][template][method.lower()]["responses"]
    described = responses[str(response["statusCode"])]
    if response["body"] and "content" in described:
        assert response["headers"]["content-type"].partition(";")[0] in described["content"]


def stored(body: str) -> tuple[StowLake, Document]:
    """A lake that was sent the page's request to store, and the answer."""
    lake = StowLake()
    head, _, parts = body.partition("\n\n")
    sent = parts.strip().replace("\n", "\r\n").encode().replace(b"(the bytes of a DICOM file)", ct_slice())
    return lake, lake.post(sent, head.removeprefix("Content-Type: "))


def test_the_example_of_storing_is_answered() -> None:
    for template in ("/dicomweb/{datastore}/studies", "/dicomweb/{datastore}/studies/{study}"):
        match = re.search(r"```http\nPOST (\S+)\n(.*?)```", section(f"POST {template}"), re.S)
        assert match

        _, response = stored(match[2])

        assert response["statusCode"] == 200, response


def test_the_example_of_asking_after_a_request_is_answered() -> None:
    match = re.search(r"```http\nPOST \S+\n(.*?)```", section("POST /dicomweb/{datastore}/studies"), re.S)
    assert match
    lake, _ = stored(match[1])
    url, _ = example("GET /dicomweb/{datastore}/received/{receipt}", "GET")
    landed = lake.landing.versions().items[0].key.split("/")[1]

    asked = url.replace("c1f0d7a2b3e44b5d8f90a1b2c3d4e5f6-300", f"{landed}-1")

    assert answer(event(asked), lake.services())["statusCode"] == 200


def with_pixels() -> PixelLake:
    """A lake that holds the page's instance as a real file."""
    lake = PixelLake()
    lake.store_files(
        changed(ct_slice(), StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", SOPInstanceUID="1.2.1.1.1")
    )
    return lake


def example(title: str, method: str) -> tuple[str, object]:
    """The request of a section, and its body if it has one."""
    match = re.search(r"```http\n(\w+) (\S+)\n(.*?)```", section(title), re.S)
    assert match, f"{title} has no example"
    assert match[1] == method
    return match[2], json.loads(match[3]) if match[3].strip() else None


def test_every_json_block_is_json() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.S)

    assert len(blocks) > 4
    for block in blocks:
        json.loads(block)


@pytest.mark.parametrize("level", QueryLevel)
def test_the_keys_that_can_be_matched_are_listed(level: QueryLevel) -> None:
    keys = [row.keyword for row in ATTRIBUTES if row.level is level and row.vr not in ("SQ", "UR")]

    line = next(
        line for line in section("What can be matched").splitlines() if line.startswith(f"| {level.name.lower()}")
    )

    assert re.findall(r"[A-Z]\w+", line) == keys


@pytest.mark.parametrize(
    ("keys", "partition"),
    [
        ("AccessionNumber=A", "accession#"),
        ("PatientID=P&IssuerOfPatientID=H", "patient-of#"),
        ("PatientID=P", "patient#"),
        ("PatientName=Yama*", "name#"),
        ("ReferringPhysicianName=Suzuki", "referrer#"),
        ("StudyID=1", "study-id#"),
        ("ModalitiesInStudy=CT&StudyDate=20240101", "modality#"),
        ("StudyDate=20240101", "studies"),
    ],
)
def test_the_access_paths_are_those_of_the_table(keys: str, partition: str) -> None:
    parameters = [(name, value) for name, _, value in (pair.partition("=") for pair in keys.split("&"))]

    path = plan_access(parse_query(QueryLevel.STUDY, parameters))

    assert path.ranges[0].partition.startswith(partition)
    line = next(line for line in section("How studies are found").splitlines() if f"`{partition}`" in line)
    assert path.key in line


def test_the_numbers_are_those_of_the_code() -> None:
    limits = section("Limits")

    assert f"{READ_BUDGET:,}; {SCOPED_BUDGET:,} inside one study" in limits
    assert f"{DEFAULT_LIMIT} unless" in limits
    assert f"at most {MAX_LIMIT:,}" in limits
    for _, status in STATUSES:
        assert f"| {status.code} |" in section("Errors")
        assert f"`{status.reason}`" in section("Errors")

"""The HealthImaging API against botocore's model: the table, the routes, and every constraint of a request."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.web.imaging import CHANGES, OFFERED
from dicomlake.web.imaging_arguments import read_arguments
from dicomlake.web.imaging_model_table import EDITION, OPERATIONS, SHAPES
from dicomlake.web.request import Request
from dicomlake.web.routes import ROUTES, find_route

ROOT = Path(__file__).parents[3]
MODEL: dict[str, Any] = Loader().load_service_model("medical-imaging", "service-2")
STORE = "a" * 32


def test_the_table_is_what_the_installed_model_gives() -> None:
    generator = runpy.run_path(str(ROOT / "layers/core/build_imaging_model.py"))

    assert generator["module"]() == generator["TARGET"].read_text()
    assert MODEL["metadata"]["apiVersion"] in EDITION


def test_every_offered_operation_has_the_models_route() -> None:
    routes = {(route.method, route.template) for route in ROUTES}

    for name in OFFERED:
        http = MODEL["operations"][name]["http"]
        assert (http["method"], http["requestUri"]) in routes
        assert http["responseCode"] == 200
    assert set(OFFERED) <= set(OPERATIONS)
    assert set(OPERATIONS) >= CHANGES


def test_an_arn_is_one_name_whether_its_slash_was_decoded_or_not() -> None:
    arn = f"arn:aws:medical-imaging:eu-central-1:123456789012:datastore/{STORE}"

    decoded = find_route("GET", ("tags", *arn.split("/")))
    encoded = find_route("GET", ("tags", arn))

    assert decoded[1] == encoded[1] == {"resourceArn": arn}


def test_every_pattern_of_the_model_is_one_of_pythons() -> None:
    patterns = [shape["pattern"] for shape in SHAPES.values() if "pattern" in shape]

    assert len(patterns) > 10
    for pattern in patterns:
        assert re.compile(pattern, re.ASCII)


def asked(operation: str, body: object = None, query: tuple[tuple[str, str], ...] = (), **path: str) -> dict[str, Any]:
    sent = Request("POST", (), query, body=json.dumps(body).encode() if body is not None else b"")
    return read_arguments(operation, {"datastoreId": STORE, **path}, sent)


def test_members_come_from_path_query_and_body() -> None:
    update = {"DICOMUpdates": {"updatableAttributes": "e30="}}
    query = (("latestVersion", "3"), ("force", "true"))

    read = asked("UpdateImageSetMetadata", update, query, imageSetId="b" * 32)

    assert read == {
        "datastoreId": STORE,
        "imageSetId": "b" * 32,
        "latestVersionId": "3",
        "force": True,
        "updateImageSetMetadataUpdates": {"DICOMUpdates": {"updatableAttributes": b"{}"}},
    }


def test_times_are_seconds_and_lists_of_a_query_are_whole() -> None:
    search = {"filters": [{"values": [{"createdAt": 1.5}], "operator": "EQUAL"}], "later": "passed over"}
    arn = f"arn:aws:medical-imaging:eu-central-1:123456789012:datastore/{STORE}"

    read = asked("SearchImageSets", search)["searchCriteria"]
    tags = asked("UntagResource", query=(("tagKeys", "a"), ("tagKeys", "b")), resourceArn=arn)

    assert read["filters"][0]["values"][0]["createdAt"].timestamp() == 1.5
    assert "later" not in read
    assert tags["tagKeys"] == ["a", "b"]


@pytest.mark.parametrize(
    ("operation", "body", "told"),
    [
        ("CreateDatastore", {}, "clientToken"),
        ("CreateDatastore", {"clientToken": "*"}, "regular expression pattern: [A-Za-z0-9._-]+"),
        ("CreateDatastore", {"clientToken": "x" * 65}, "less than or equal to 64"),
        ("CreateDatastore", {"clientToken": "x", "datastoreName": ""}, "greater than or equal to 1"),
        ("CreateDatastore", {"clientToken": "x", "datastoreName": 5}, "string"),
        ("CreateDatastore", {"clientToken": "x", "tags": {"aws:a": "b"}}, "tags"),
        ("CreateDatastore", {"clientToken": "x", "tags": []}, "object"),
        ("CreateDatastore", {"clientToken": "x", "losslessStorageFormat": "JPEG"}, "HTJ2K, JPEG_2000_LOSSLESS"),
        ("SearchImageSets", {"filters": []}, "filters"),
        ("SearchImageSets", {"filters": {}}, "list"),
        ("SearchImageSets", {"filters": [5]}, "filters.1.member"),
        ("SearchImageSets", {"filters": [{"operator": "EQUAL", "values": [{}]}]}, "Exactly one"),
        ("SearchImageSets", {"filters": [{"operator": "EQUAL", "values": [{"isPrimary": 1}]}]}, "true or false"),
        ("SearchImageSets", {"filters": [{"operator": "EQUAL", "values": [{"createdAt": "soon"}]}]}, "timestamp"),
        ("SearchImageSets", {"filters": [{"operator": "EQUAL", "values": [{"createdAt": 1e300}]}]}, "timestamp"),
        ("SearchImageSets", {"sort": {"sortOrder": "ASC"}}, "sort.sortField"),
        ("SearchImageSets", [], "JSON object"),
        ("GetImageFrame", {"imageFrameId": "short"}, "imageFrameInformation.imageFrameId"),
    ],
)
def test_what_breaks_the_model_is_told_by_name(operation: str, body: object, told: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(told)):
        asked(operation, body, imageSetId="b" * 32)


def test_a_refused_value_is_not_told_again() -> None:
    patient = "Yamada^Tarou" * 50
    search = {"filters": [{"operator": "EQUAL", "values": [{"DICOMPatientId": patient}]}]}

    with pytest.raises(InvalidRequestError) as refused:
        asked("SearchImageSets", search)

    assert "Yamada" not in str(refused.value)


def test_the_api_is_found_without_botocore_and_its_handlers_do_not_import_it() -> None:
    modules = sorted({f"dicomlake.web.{place.split('.')[0]}" for place in OFFERED.values()})
    code = "import sys, importlib, dicomlake.web.app, dicomlake.web.imaging_access\n"
    code += f"[importlib.import_module(name) for name in {modules!r}]\n"
    code += "print(sorted({m.split('.')[0] for m in sys.modules} & {'botocore', 'boto3', 'pydicom', 'numpy'}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "[]"

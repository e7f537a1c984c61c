"""Events in, responses out: identities, errors, gzip, limits, and what the look-up path must not import."""

import ast
import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dicomlake.domain import errors
from dicomlake.domain.errors import InvalidRequestError, PipelineError, Reason, TooLargeError
from dicomlake.web.accept import parse_accept
from dicomlake.web.app import answer
from dicomlake.web.authorize import is_operator
from dicomlake.web.errors import STATUSES, error_response
from dicomlake.web.multipart import Part, multipart_body
from dicomlake.web.request import read_event
from dicomlake.web.response import Response, write_event
from tests.unit.web.events import CALLER, OPERATING, body_of, event, get, get_json
from tests.usecases.stored_lake import OPERATOR, StoredLake

ROOT = "/dicomweb/reading-room"
GOLDEN = Path(__file__).parents[2] / "events/http/search_studies.json"


@pytest.fixture(scope="module")
def lake() -> StoredLake:
    lake = StoredLake()
    lake.add("1.2.1", "1.2.1.1", [[b"a"] for _ in range(30)])
    return lake


# --- requests ------------------------------------------------------------------------------------------------------


def test_the_golden_event_of_the_gateway_is_read_whole() -> None:
    request = read_event(json.loads(GOLDEN.read_text()))

    assert request.method == "GET"
    assert request.path == ("dicomweb", "reading-room", "studies")
    assert request.query == (("PatientName", "山田 太郎*"), ("includefield", "00081030,00080060"), ("limit", "101"))
    assert request.caller == "arn:aws:sts::123456789012:assumed-role/reader/session"
    assert request.base_url == "https://lake.example.org/dev"
    assert request.request_id == "JKJaXmPLvHcESHA="
    assert request.accepts_gzip()


def test_the_golden_event_is_answered(lake: StoredLake) -> None:
    response = answer(json.loads(GOLDEN.read_text()), lake.services())

    assert response["statusCode"] == 200
    (study,) = json.loads(body_of(response))
    assert study["00081190"]["Value"] == ["https://lake.example.org/dev/dicomweb/reading-room/studies/1.2.1"]


@pytest.mark.parametrize("change", [{"rawQueryString": "a=%FF"}, {"body": "***", "isBase64Encoded": True}])
def test_an_event_that_cannot_be_decoded_is_a_bad_request(lake: StoredLake, change: dict[str, object]) -> None:
    response = answer({**event(f"{ROOT}/studies"), **change}, lake.services())

    assert response["statusCode"] == 400


@pytest.mark.parametrize("path", ["/studies", "/dicom-web/studies", "/wado/studies/1.2.1/series", "/dicomweb/studies"])
def test_a_wrong_root_of_dicomweb_is_told_the_right_one(lake: StoredLake, path: str) -> None:
    response = get(lake.services(), path)

    assert response["statusCode"] == 404
    assert "/dicomweb/DATASTORE-ID" in json.loads(body_of(response))["message"]


def test_a_body_in_base64_is_decoded() -> None:
    sent = {**event("/uploads", method="POST"), "body": base64.b64encode(b'{"a":1}').decode(), "isBase64Encoded": True}

    assert read_event(sent).json() == {"a": 1}


@pytest.mark.parametrize("body", ["[1]", "no json", '"a"'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequestError):
        read_event({**event("/uploads", method="POST"), "body": body}).json()


@pytest.mark.parametrize(
    ("encoding", "takes"),
    [("gzip", True), ("br, gzip;q=0.8", True), ("*", True), ("identity", False), ("gzip;q=0", False), ("", False)],
)
def test_gzip_is_taken_when_it_is_accepted(encoding: str, takes: bool) -> None:
    assert read_event(event("/", accept_encoding=encoding)).accepts_gzip() is takes


# --- who may do what -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "url", "cleared", "status"),
    [
        (CALLER, f"{ROOT}/studies", True, 200),
        (CALLER, f"{ROOT}/studies", False, 403),
        (CALLER, "/lake/studies/1.2.1", False, 403),
        (CALLER, "/lake/where?uid=1.2.1", False, 403),
        (CALLER, "/lake/restore/1.2.1/1.2.1.1/1.2.1.1.1", False, 403),
        (CALLER, "/lake/statistics", True, 403),
        (CALLER, "/lake/quarantine", True, 403),
        (CALLER, "/lake/changes", True, 403),
        (OPERATING, f"{ROOT}/studies", False, 200),
        (OPERATOR, f"{ROOT}/studies", False, 200),
        (OPERATING, "/lake/statistics", False, 200),
        ("", f"{ROOT}/studies", True, 403),
        ("", "/lake/statistics", True, 403),
    ],
)
def test_only_operators_read_what_is_not_cleared(
    lake: StoredLake, caller: str, url: str, cleared: bool, status: int
) -> None:
    assert get(lake.services(cleared), url, caller=caller)["statusCode"] == status


@pytest.mark.parametrize(
    ("arn", "operator"),
    [
        ("arn:aws:iam::123456789012:role/lake/operator", True),
        ("arn:aws:sts::123456789012:assumed-role/operator/anyone", True),
        ("arn:aws:sts::999999999999:assumed-role/operator/anyone", False),
        ("arn:aws:sts::123456789012:assumed-role/reader/operator", False),
        ("arn:aws:sts::123456789012:assumed-role/operators/x", False),
        ("arn:aws:iam::123456789012:user/operator", False),
        ("arn:aws-cn:sts::123456789012:assumed-role/operator/x", False),
        ("", False),
    ],
)
def test_an_operator_is_the_role_in_its_account_and_nobody_else(arn: str, operator: bool) -> None:
    assert is_operator(arn, frozenset({OPERATOR})) is operator


def test_without_operators_nobody_is_one() -> None:
    assert not is_operator(CALLER, frozenset())
    assert not is_operator("", frozenset())


def test_an_upload_needs_an_identity_but_no_operator(lake: StoredLake) -> None:
    body = {"files": [{"name": "a", "size": 1}]}

    known = answer(event("/uploads", method="POST", body=body), lake.services(cleared=False))
    unknown = answer(event("/uploads", method="POST", body=body, caller=""), lake.services(cleared=False))

    assert (known["statusCode"], unknown["statusCode"]) == (200, 403)


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "status", "reason", "told"),
    [
        (f"{ROOT}/studies?NoSuchKey=1", 400, "invalid-request", "NoSuchKey"),
        (f"{ROOT}/studies/x/series", 400, "invalid-request", "study in the path"),
        (f"{ROOT}/studies/9.9/metadata", 404, "not-found", "study"),
        ("/dicomweb/elsewhere/studies", 404, "not-found", "data store"),
        ("/nothing", 404, "not-found", "docs/api.md"),
        (f"{ROOT}/studies?StudyDate=x", 400, "invalid-request", "YYYYMMDD"),
    ],
)
def test_an_error_says_what_which_and_what_to_do(
    lake: StoredLake, url: str, status: int, reason: str, told: str
) -> None:
    response = get(lake.services(), url)

    content = json.loads(body_of(response))
    assert (response["statusCode"], content["reason"], content["requestId"]) == (status, reason, "request-1")
    assert told in content["message"]


def test_every_error_of_the_tree_has_a_status() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PipelineError)]

    assert len(classes) > 10
    for kind in classes:
        error = kind("text")
        status = next(status for known, status in STATUSES if isinstance(error, known))
        assert error_response(error, "r").status == status.code
    assert [known for known, _ in STATUSES][-1] is PipelineError


def test_what_may_work_later_says_when() -> None:
    assert error_response(errors.ThrottledError("slow"), "r").headers["retry-after"]
    assert error_response(errors.UnavailableError("down"), "r").status == 503
    assert error_response(errors.MalformedError("bad", Reason.MALFORMED), "r").status == 500


# --- responses -----------------------------------------------------------------------------------------------------


def test_json_over_a_kilobyte_is_compressed_where_gzip_is_accepted(lake: StoredLake) -> None:
    plain = get(lake.services(), f"{ROOT}/studies/1.2.1/instances")
    packed = get(lake.services(), f"{ROOT}/studies/1.2.1/instances", accept_encoding="gzip")

    assert not plain["isBase64Encoded"]
    assert packed["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(body_of(packed)) == body_of(plain)
    assert len(body_of(packed)) * 5 < len(body_of(plain))


def test_a_pre_built_answer_reaches_both_kinds_of_client() -> None:
    lake = StoredLake()
    array = lake.finalise("1.2.1", "1.2.1.1", lake.add("1.2.1", "1.2.1.1", [[b"a"] for _ in range(9)]))
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.1/metadata"

    plain = get(lake.services(), url)
    packed = get(lake.services(), url, accept_encoding="gzip")

    assert body_of(plain) == array
    assert "content-encoding" not in plain["headers"]
    assert gzip.decompress(body_of(packed)) == array


def test_metadata_that_did_not_change_is_not_sent_again(lake: StoredLake) -> None:
    url = f"{ROOT}/studies/1.2.1/series/1.2.1.1/metadata"
    tag = get(lake.services(), url)["headers"]["etag"]

    again = get(lake.services(), url, if_none_match=tag)
    other = get(lake.services(), url, if_none_match='W/"0"')

    assert (again["statusCode"], again["body"]) == (304, "")
    assert other["statusCode"] == 200


def test_an_answer_over_the_limit_is_refused_never_cut() -> None:
    request = read_event(event("/"))

    fits = write_event(Response(200, b"\0" * 4_500_000, {"content-type": "image/jphc"}), request)
    assert len(fits["body"]) <= 6 * 1024 * 1024
    with pytest.raises(TooLargeError, match="restore"):
        write_event(Response(200, b"\0" * 4_500_001, {"content-type": "image/jphc"}), request)


def test_a_packed_answer_that_unpacks_over_the_limit_is_refused_to_clients_without_gzip() -> None:
    packed = Response(
        200, gzip.compress(b" " * 50_000_000), {"content-type": "application/dicom+json", "content-encoding": "gzip"}
    )

    assert write_event(packed, read_event(event("/", accept_encoding="gzip")))["statusCode"] == 200
    with pytest.raises(TooLargeError, match="accept gzip"):
        write_event(packed, read_event(event("/")))


def test_no_answer_is_cached_on_the_way(lake: StoredLake) -> None:
    assert get(lake.services(), f"{ROOT}/studies")["headers"]["cache-control"] == "no-store"


def test_a_boundary_occurs_in_no_part() -> None:
    first, _ = multipart_body([Part("a/b", b"content")])

    boundary, body = multipart_body([Part("a/b", first.encode()), Part("a/b", b"--")])

    assert body.count(boundary.encode()) == 3


# --- search through the web ----------------------------------------------------------------------------------------


def test_more_results_are_announced_and_an_empty_page_is_204(lake: StoredLake) -> None:
    first = get(lake.services(), f"{ROOT}/studies/1.2.1/instances?limit=29")
    last = get(lake.services(), f"{ROOT}/studies/1.2.1/instances?limit=29&offset=29")
    past = get(lake.services(), f"{ROOT}/studies/1.2.1/instances?offset=30")

    service = f"https://lake.example.org{ROOT}"
    assert first["headers"]["warning"] == f"299 {service}: There are 1 additional results that can be requested"
    assert len(json.loads(body_of(first))) == 29
    assert "warning" not in last["headers"]
    assert len(json.loads(body_of(last))) == 1
    assert (past["statusCode"], past["body"]) == (204, "")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/dicom+json", 200),
        ("application/json", 200),
        ("*/*", 200),
        ('multipart/related; type="application/dicom+xml"', 200),
        ("application/dicom+json;q=0", 406),
        ("text/html", 406),
        ('multipart/related; type="application/dicom"', 406),
    ],
)
def test_answers_are_json_or_xml_or_406(lake: StoredLake, accept: str, status: int) -> None:
    assert get(lake.services(), f"{ROOT}/studies", accept)["statusCode"] == status


def test_the_accept_parameter_wins_over_the_header(lake: StoredLake) -> None:
    response = get(lake.services(), f"{ROOT}/studies?accept=application/json", "text/html")

    assert response["headers"]["content-type"] == "application/json"


def test_series_and_instances_are_searched_across_studies() -> None:
    lake = StoredLake()
    for study in ("1.2.1", "1.2.2"):
        lake.add(study, f"{study}.1", [[b"a"], [b"b"]])
        lake.add(study, f"{study}.2", [[b"c"]], modality="MR")
    services = lake.services()

    series = get_json(services, f"{ROOT}/series?PatientID=P1&Modality=MR")
    instances = get_json(services, f"{ROOT}/instances?PatientID=P1&InstanceNumber=2")
    by_uid = get_json(services, f"{ROOT}/instances?SOPInstanceUID=1.2.2.1.2")
    of_study = get_json(services, f"{ROOT}/studies/1.2.1/instances")

    assert [one["0020000E"]["Value"][0] for one in series] == ["1.2.2.2", "1.2.1.2"]
    assert series[0]["00100020"]["Value"] == ["P1"]
    assert [one["00080018"]["Value"][0] for one in instances] == ["1.2.2.1.2", "1.2.1.1.2"]
    assert instances[0]["00080060"]["Value"] == ["CT"]
    assert [one["00080018"]["Value"][0] for one in by_uid] == ["1.2.2.1.2"]
    assert len(of_study) == 3
    assert of_study[0]["00083002"]["Value"][0] == "1.2.840.10008.1.2.4.202"
    assert {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"} <= set(of_study[0]["00083002"]["Value"])
    assert of_study[0]["00280010"]["Value"] == [512]


# --- accept --------------------------------------------------------------------------------------------------------


def test_quotes_hold_what_would_end_an_entry() -> None:
    (entry,) = parse_accept('multipart/related; type="a/b; c, d"; q=0.5')

    assert entry.parameters == {"type": "a/b; c, d"}
    assert entry.weight == 0.5


# --- imports -------------------------------------------------------------------------------------------------------


def test_a_look_up_starts_without_pydicom_and_numpy() -> None:
    code = "import sys, dicomlake.web.app; print(sorted({m.split('.')[0] for m in sys.modules}))"

    loaded = ast.literal_eval(subprocess.check_output([sys.executable, "-c", code], text=True))  # noqa: S603

    assert not {"pydicom", "numpy", "boto3", "aws_lambda_powertools", "imagecodecs"} & set(loaded)

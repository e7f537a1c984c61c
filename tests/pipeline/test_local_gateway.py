"""The gateway: one port, the principals of the deployed roles, and AWS's limits."""

import pytest
import requests

from dicomlake.local.endpoints import Endpoints
from tests.pipeline.lakes import client, until
from tests.pipeline.test_local_flow import row

pytestmark = pytest.mark.timeout(400)


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=60)


def test_a_caller_without_a_token_is_the_reader(small: Endpoints) -> None:
    answer = get(small.dicomweb + "/studies?PatientID=1%2F2&limit=5")

    assert answer.status_code == 200
    assert ":assumed-role/" in answer.json()["caller"]
    assert "ReaderRole" in answer.json()["caller"]
    assert answer.json()["query"] == "PatientID=1%2F2&limit=5"


def test_the_research_data_store_is_the_operators_alone(small: Endpoints) -> None:
    research = small.dicomweb.replace("/clinical", "/research") + "/studies"

    assert get(research).status_code == 403
    assert get(research, Authorization=f"Bearer {small.operatorToken}").status_code == 200


def test_a_wrong_token_is_refused(small: Endpoints) -> None:
    assert get(small.dicomweb + "/studies", Authorization="Bearer guessed").status_code == 403


def test_the_api_itself_refuses_what_is_not_signed(small: Endpoints) -> None:
    api = client(small, "apigatewayv2").get_apis()["Items"][0]["ApiId"]

    assert get(f"{small.s3}/_aws/execute-api/{api}/$default/dicomweb/clinical/studies").status_code == 403


@pytest.mark.parametrize(
    ("size", "kind", "status"),
    [
        (4_700_000, "application/dicom", 200),
        (4_800_000, "application/dicom", 413),
        (6_000_000, "application/json", 200),
        (6_300_000, "application/json", 413),
        (10_485_761, "application/json", 413),
    ],
)
def test_a_body_may_be_as_large_as_a_lambda_event_takes(small: Endpoints, size: int, kind: str, status: int) -> None:
    answer = requests.post(small.uploads, data=b"1" * size, headers={"Content-Type": kind}, timeout=60)

    assert answer.status_code == status


def test_headers_over_ten_kilobytes_are_refused(small: Endpoints) -> None:
    assert get(small.dicomweb + "/studies", Fill="x" * 10_300).status_code == 431


def test_a_failing_handler_says_nothing_of_its_insides(small: Endpoints) -> None:
    answer = get(small.dicomweb + "/fail")

    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal Server Error"}


def test_an_answer_over_six_megabytes_fails_as_on_aws(small: Endpoints) -> None:
    assert get(small.dicomweb + "/large").status_code == 500


def test_s3_requests_pass_through_the_same_port(small: Endpoints) -> None:
    s3 = client(small, "s3", endpoint=small.imaging)

    s3.put_object(Bucket=small.landingBucket, Key="through the gateway 患者", Body=b"z" * 700)

    assert s3.get_object(Bucket=small.landingBucket, Key="through the gateway 患者")["Body"].read() == b"z" * 700
    listed = s3.list_objects_v2(Bucket=small.landingBucket, Prefix="through")["Contents"]
    assert [item["Size"] for item in listed] == [700]


def test_an_object_uploaded_through_the_gateway_starts_the_flow(small: Endpoints) -> None:
    s3 = client(small, "s3", endpoint=small.imaging)

    s3.put_object(Bucket=small.landingBucket, Key="gate", Body=b"z" * 600)

    assert until(lambda: row(small, "gate"))["size"] == "600"


def test_a_page_of_this_machine_may_ask_and_read_the_answer(small: Endpoints) -> None:
    page = {"Origin": "http://localhost:3000"}

    preflight = requests.options(
        small.dicomweb + "/studies", headers={**page, "Access-Control-Request-Method": "GET"}, timeout=10
    )
    answer = get(small.dicomweb + "/studies", **page)

    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == page["Origin"]
    assert "warning" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["x-request-id"]


def test_a_page_of_anybody_else_may_not(small: Endpoints) -> None:
    answer = get(small.dicomweb + "/studies", Origin="https://viewer.example")

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_console_is_a_page(small: Endpoints) -> None:
    page = get(small.console)

    assert page.headers["Content-Type"].startswith("text/html")
    assert "dicomlake" in page.text
    assert get(small.console + "config.json").json()["dicomweb"] == "/dicomweb/clinical"

"""Handlers run as Lambda runs them: its runtime client, its environment, its errors, its limits, its logs."""

import json
from typing import Any

import pytest

from dicomlake.local.endpoints import Endpoints
from tests.pipeline.lakes import client, until
from tests.pipeline.test_local_flow import output

pytestmark = pytest.mark.timeout(400)


def invoke(small: Endpoints, **event: object) -> tuple[str | None, Any]:
    name = output(small, "EventFunction")
    answer = client(small, "lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def test_an_environment_is_reused_and_knows_its_deadline(small: Endpoints) -> None:
    first, second = invoke(small)[1], invoke(small)[1]

    assert first["pid"] == second["pid"]
    assert 0 < first["left"] <= 4000
    assert first["greeting"] == "hello"


def test_an_error_goes_back_under_the_class_it_was_raised_as(small: Endpoints) -> None:
    kind, error = invoke(small, do="raise")

    assert (kind, error["errorType"], error["errorMessage"]) == ("Unhandled", "SlowDownError", "as raised")


def test_a_handler_that_ends_its_process_is_replaced(small: Endpoints) -> None:
    kind, error = invoke(small, do="exit")

    assert (kind, error["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "exit status 7" in error["errorMessage"]
    assert invoke(small)[0] is None


def test_a_handler_over_its_time_is_killed(small: Endpoints) -> None:
    kind, error = invoke(small, do="sleep")

    assert (kind, error["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert "Task timed out after 4.00 seconds" in error["errorMessage"]


def test_a_handler_over_its_memory_is_killed(small: Endpoints) -> None:
    kind, error = invoke(small, do="fill", megabytes=600)

    assert (kind, error["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "signal: kill" in error["errorMessage"]


@pytest.mark.parametrize(("size", "failed"), [(6_291_000, None), (6_291_600, "Unhandled")])
def test_an_answer_may_have_six_megabytes(small: Endpoints, size: int, failed: str | None) -> None:
    kind, answer = invoke(small, do="answer", bytes=size)

    assert kind == failed
    assert failed is None or answer["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_request_may_have_six_megabytes(small: Endpoints) -> None:
    kind, answer = invoke(small, do="nothing", text="x" * 6_300_000)

    assert kind == "Unhandled"
    assert answer["errorType"] == "RequestEntityTooLargeException"


def test_nothing_of_the_host_is_in_a_handlers_environment(small: Endpoints) -> None:
    environment = invoke(small, do="environment")[1]

    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_ENDPOINT_URL"] == small.s3
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    ours = ("AWS_", "LAMBDA_", "_HANDLER", "PYTHONPATH", "TMPDIR", "TABLE", "PATH", "LANG", "LC_CTYPE", "TZ", "_X_AMZN")
    assert [name for name in environment if not name.startswith(ours)] == []


def test_what_a_handler_prints_is_in_its_log_group(small: Endpoints) -> None:
    name = output(small, "EventFunction")
    invoke(small, do="nothing in particular")

    def lines() -> list[str]:
        events = client(small, "logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return [event["message"] for event in events]

    assert until(lambda: "handling nothing in particular" in lines())
    assert any(line.startswith("REPORT RequestId: ") and "Memory Size: 256 MB" in line for line in lines())

"""The shapes of the lake work on the embedded engine: events, queues, streams, machines and tasks."""

import json
from typing import Any

import pytest

from dicomlake.local.endpoints import Endpoints
from tests.pipeline.lakes import client, until

pytestmark = pytest.mark.timeout(400)


def output(small: Endpoints, name: str) -> str:
    stacks = client(small, "cloudformation").describe_stacks()["Stacks"]
    outputs = {o["OutputKey"]: o["OutputValue"] for stack in stacks for o in stack.get("Outputs", [])}
    return str(outputs[name])


def row(small: Endpoints, key: str) -> dict[str, Any]:
    table = output(small, "TableName")
    found: dict[str, Any] = client(small, "dynamodb").get_item(TableName=table, Key={"pk": {"S": key}}).get("Item", {})
    return {name: next(iter(value.values())) for name, value in found.items()}


def test_a_landed_object_is_read_by_version_and_indexed(small: Endpoints) -> None:
    client(small, "s3").put_object(Bucket=small.landingBucket, Key="one", Body=b"x" * 1234)

    found = until(lambda: row(small, "one"))

    assert found["size"] == "1234"


def test_the_tables_stream_reaches_its_function(small: Endpoints) -> None:
    client(small, "s3").put_object(Bucket=small.landingBucket, Key="streamed", Body=b"x")

    assert until(lambda: row(small, "seen-streamed"))


def test_a_queue_batch_is_larger_than_ten_and_waits_for_its_window(small: Endpoints) -> None:
    queue, url = client(small, "sqs"), output(small, "QueueUrl")
    version = client(small, "s3").put_object(Bucket=small.landingBucket, Key="many", Body=b"x")["VersionId"]
    until(lambda: row(small, "many"))
    record = {"s3": {"bucket": {"name": small.landingBucket}, "object": {"key": "many", "versionId": version}}}
    body = json.dumps({"Records": [record]})

    def are_one_batch() -> bool:
        for _ in range(2):
            entries = [{"Id": str(n), "MessageBody": body} for n in range(10)]
            queue.send_message_batch(QueueUrl=url, Entries=entries)
        return until(lambda: row(small, "many")["batch"] == "20", 10)

    assert any(are_one_batch() for _ in range(5)), row(small, "many")  # on a busy machine the second ten come too late


def test_a_machine_retries_by_the_handlers_class_name_and_runs_a_task_to_its_end(small: Endpoints) -> None:
    steps, machine = client(small, "stepfunctions"), output(small, "MachineArn")
    _set_attempts(small, 0)

    started = steps.start_execution(stateMachineArn=machine, input=json.dumps({"endWith": "0"}))["executionArn"]
    ended = _ended(steps, started)

    assert ended["status"] == "SUCCEEDED", ended
    assert json.loads(ended["output"])["step"] == {"attempts": 3}
    assert row(small, "task")["word"] == "stored"
    assert until(lambda: _task_log(small)) == ["task starts"]


def test_a_task_that_ends_with_an_error_code_fails_its_machine(small: Endpoints) -> None:
    steps, machine = client(small, "stepfunctions"), output(small, "MachineArn")
    _set_attempts(small, 5)

    started = steps.start_execution(stateMachineArn=machine, input=json.dumps({"endWith": "3"}))["executionArn"]
    ended = _ended(steps, started)

    assert ended["status"] == "FAILED", ended


def _set_attempts(small: Endpoints, count: int) -> None:
    item = {"pk": {"S": "attempts"}, "n": {"N": str(count)}}
    client(small, "dynamodb").put_item(TableName=output(small, "TableName"), Item=item)


def _ended(steps: Any, execution: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        told: dict[str, Any] = steps.describe_execution(executionArn=execution)
        return told if told["status"] != "RUNNING" else {}

    return until(look)


def _task_log(small: Endpoints) -> list[str]:
    events = client(small, "logs").filter_log_events(logGroupName="small-task")["events"]
    return [event["message"] for event in events][:1]


def test_a_signed_url_takes_an_upload_from_the_users_machine(small: Endpoints) -> None:
    import requests

    place = {"Bucket": small.landingBucket, "Key": "signed"}
    url = client(small, "s3").generate_presigned_url("put_object", Params=place, ExpiresIn=60)

    answer = requests.put(url, data=b"y" * 500, timeout=10)

    assert answer.status_code == 200
    assert until(lambda: row(small, "signed"))["size"] == "500"


def test_the_engine_listens_on_loopback_only(small: Endpoints) -> None:
    import socket

    port = int(small.s3.rsplit(":", 1)[1])
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}

    for address in addresses - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex((str(address), port)) != 0

"""What publishers, queues and state machines promise, and how AWS carries it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dicomlake.adapters.memory import MemoryEventPublisher, MemoryWorkflows, MemoryWorkQueue
from dicomlake.adapters.sns import EncodedMessage, SnsEventPublisher
from dicomlake.adapters.sqs import SqsWorkQueue
from dicomlake.adapters.stepfunctions import Machines, StepFunctionsWorkflows
from dicomlake.domain.errors import ThrottledError, UnavailableError
from dicomlake.domain.events import IngestObject, InstancesStored, SettleStudy
from dicomlake.domain.model import DatastoreId, StudyUid
from dicomlake.ports import EventPublisher, Workflows, WorkQueue
from tests.builders import Builder
from tests.contract.conftest import Aws

STORE = DatastoreId("0" * 32)
ROLE = "arn:aws:iam::123456789012:role/machines"


def encode(message: object) -> str:
    return json.dumps({"type": type(message).__name__, "repr": repr(message)})


def settle(generation: int) -> SettleStudy:
    return SettleStudy(STORE, StudyUid("1.2.3"), generation)


@pytest.fixture
def url(cloud: Aws, unique: Callable[[str], str]) -> str:
    """The URL of an empty queue."""
    return str(cloud.client("sqs").create_queue(QueueName=unique("work"))["QueueUrl"])


def received(aws: Aws, url: str) -> list[dict[str, Any]]:
    """Everything visible in a queue."""
    found: list[dict[str, Any]] = []
    while some := aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += some
    return found


def test_an_event_reaches_a_queue_that_filters_for_it(cloud: Aws, url: str, unique: Callable[[str], str]) -> None:
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name=unique("events"))["TopicArn"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"type": ["InstancesStored"]})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=policy)
    attributes = {"InstancesStored": {"type": "InstancesStored", "datastore": STORE}}
    publisher: EventPublisher = SnsEventPublisher(
        cloud.ours("sns"),
        topic,
        lambda m: EncodedMessage(encode(m), attributes.get(type(m).__name__, {"type": "other", "empty": ""})),
    )
    event = InstancesStored(STORE, "packs/1", (StudyUid("1.2.3"),))

    publisher.publish(event)
    publisher.publish(settle(1))

    assert [message["Body"] for message in received(cloud, url)] == [encode(event)]


def test_the_memory_publisher_remembers_events_in_order() -> None:
    publisher = MemoryEventPublisher()
    port: EventPublisher = publisher

    port.publish(settle(1))
    port.publish(settle(2))

    assert publisher.events == [settle(1), settle(2)]


def test_more_commands_than_one_request_takes_are_all_queued(cloud: Aws, url: str) -> None:
    queue: WorkQueue = SqsWorkQueue(cloud.ours("sqs"), url, encode)

    queue.send([settle(number) for number in range(23)])
    queue.send([])

    bodies = [message["Body"] for message in received(cloud, url)]
    assert sorted(bodies) == sorted(encode(settle(number)) for number in range(23))


def test_a_delayed_command_is_not_seen_yet(cloud: Aws, url: str) -> None:
    SqsWorkQueue(cloud.ours("sqs"), url, encode).send([settle(1)], 900)

    assert received(cloud, url) == []


def test_commands_of_different_delays_are_one_request() -> None:
    client, memory = FlakyQueue([set(), set()]), MemoryWorkQueue()
    timed = [(settle(number), number) for number in range(12)]

    for queue in (SqsWorkQueue(client, "url", encode), memory):
        queue.send_timed(timed)

    assert [len(call) for call in client.calls] == [10, 2]
    assert client.delays == list(range(12))
    assert memory.sent == timed


class FlakyQueue:
    """A client of which a batch fails in part: the ids in `fails`, one set a call."""

    def __init__(self, fails: Sequence[set[str]], sender_fault: bool = False) -> None:
        self._fails = list(fails)
        self._sender_fault = sender_fault
        self.calls: list[list[str]] = []
        self.delays: list[int] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append([entry["Id"] for entry in Entries])
        self.delays += [entry["DelaySeconds"] for entry in Entries]
        failed = self._fails.pop(0)
        fault = {"SenderFault": self._sender_fault, "Code": "InternalError"}
        return {"Failed": [{"Id": name, **fault} for name in sorted(failed)]}


def test_only_what_failed_of_a_batch_is_sent_again() -> None:
    client, waits = FlakyQueue([{"1", "2"}, {"2"}, set()]), list[float]()

    SqsWorkQueue(client, "url", encode, waits.append).send([settle(1), settle(2), settle(3)])

    assert client.calls == [["0", "1", "2"], ["1", "2"], ["2"]]
    assert len(waits) == 2


def test_a_batch_that_keeps_failing_is_throttled_and_a_refused_message_is_said_at_once() -> None:
    with pytest.raises(ThrottledError):
        SqsWorkQueue(FlakyQueue([{"0"}] * 5), "url", encode, lambda _: None).send([settle(1)])

    refusing = FlakyQueue([{"0"}], sender_fault=True)
    with pytest.raises(UnavailableError, match="InternalError"):
        SqsWorkQueue(refusing, "url", encode, lambda _: None).send([settle(1)])
    assert len(refusing.calls) == 1


@pytest.mark.parametrize("delay", [-1, 901])
def test_a_delay_beyond_what_a_queue_knows_is_refused(delay: int) -> None:
    queues: list[WorkQueue] = [MemoryWorkQueue(), SqsWorkQueue(None, "url", encode)]

    for queue in queues:
        with pytest.raises(ValueError, match="900"):
            queue.send([settle(1)], delay)


def test_the_memory_queue_gives_what_was_sent_once() -> None:
    queue = MemoryWorkQueue()

    queue.send([settle(1), settle(2)], 30)

    assert queue.commands == [settle(1), settle(2)]
    assert queue.take() == [(settle(1), 30), (settle(2), 30)]
    assert queue.take() == []


@pytest.fixture
def machines(cloud: Aws, unique: Callable[[str], str]) -> Machines:
    client = cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Pass", "End": True}}})
    arns = [
        client.create_state_machine(name=unique(name), definition=definition, roleArn=ROLE)["stateMachineArn"]
        for name in ("settle", "settle-large", "ingest-large")
    ]
    return Machines(*arns)


def test_every_start_reaches_its_machine_with_its_input(cloud: Aws, machines: Machines, builder: Builder) -> None:
    client = cloud.client("stepfunctions")
    workflows: Workflows = StepFunctionsWorkflows(cloud.ours("stepfunctions"), machines, encode)
    landed = builder.landed()

    workflows.settle_study("a", settle(1), large=False)
    workflows.settle_study("b", settle(2), large=True)
    workflows.ingest_large("c", landed)

    started = {
        machine: [
            client.describe_execution(executionArn=run["executionArn"])["input"]
            for run in client.list_executions(stateMachineArn=machine)["executions"]
        ]
        for machine in (machines.settle_study, machines.settle_large_study, machines.ingest_large)
    }
    assert list(started.values()) == [[encode(settle(1))], [encode(settle(2))], [encode(IngestObject(landed))]]


def test_starting_the_same_name_again_is_success_and_starts_nothing(cloud: Aws, machines: Machines) -> None:
    client = cloud.client("stepfunctions")
    workflows = StepFunctionsWorkflows(cloud.ours("stepfunctions"), machines, encode)

    workflows.settle_study("a", settle(1), large=True)
    workflows.settle_study("a", settle(2), large=True)

    (run,) = client.list_executions(stateMachineArn=machines.settle_large_study)["executions"]
    assert client.describe_execution(executionArn=run["executionArn"])["input"] == encode(settle(1))


def test_the_memory_machines_remember_the_first_start_of_a_name(builder: Builder) -> None:
    workflows, landed = MemoryWorkflows(), builder.landed()
    port: Workflows = workflows

    port.settle_study("a", settle(1), large=True)
    port.settle_study("a", settle(2), large=False)
    port.ingest_large("b", landed)

    assert workflows.studies == {"a": (settle(1), True)}
    assert workflows.large_objects == {"b": landed}

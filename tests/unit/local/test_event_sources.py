"""When queues and streams are looked at, and what a look finds: full batches, windows that are over, delays."""

import math
import threading
import time
from typing import Any

import pytest

from dicomlake.local.enginehost.polling import StreamPoller, Waker
from dicomlake.local.enginehost.queues import QueueReceiver

QUEUE, STREAM = "arn:aws:sqs:here:1:work", "arn:aws:dynamodb:here:1:table/rows/stream/now"


class FakeEngine:
    """The names of the engine's SQS, Lambda and DynamoDB that are used."""

    def __init__(self, window: float = 0.0) -> None:
        self.queue: dict[str, Any] = {"messages": [], "attributes": {"QueueArn": QUEUE}}
        self.records: list[dict[str, Any]] = []
        self.looks = 0
        self.looked = threading.Event()
        self._mappings = [
            {"EventSourceArn": arn, "MaximumBatchingWindowInSeconds": window, "BatchSize": 3} for arn in (QUEUE, STREAM)
        ]
        self._queues_lock = threading.RLock()

    def message(self, visible_in: float) -> None:
        self.queue["messages"].append({"visible_at": time.time() + visible_in})

    def record(self, age: float) -> None:
        number = f"{int((time.time() - age) * 1000):020d}{len(self.records):010d}"
        self.records.append({"dynamodb": {"SequenceNumber": number}})

    def _get_q(self, _: str) -> dict[str, Any]:
        return self.queue

    def _expire_retained(self, _: object) -> None: ...

    def _dlq_sweep(self, _: object) -> None: ...

    def _collect_msgs(self, queue: dict[str, Any], count: int, _: int) -> list[dict[str, Any]]:
        return [message for message in queue["messages"] if message["visible_at"] <= time.time()][:count]

    def _iter_all_esms(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [("1", "here", mapping) for mapping in self._mappings]

    def _poll_dynamodb_streams(self) -> bool:
        self.looks += 1
        self.looked.set()
        return self.looks % 2 == 1

    def stream_records_since(self, _: str, position: int, limit: int, **__: object) -> list[dict[str, Any]]:
        return self.records[position : position + limit]


class Asked(Waker):
    """A waker that only remembers when it was asked for."""

    def __init__(self) -> None:
        self.due: list[float] = []

    def at(self, due: float) -> None:
        self.due.append(due)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def receiver(engine: FakeEngine, asked: Waker) -> QueueReceiver:
    return QueueReceiver(engine, engine, asked)


def test_a_message_with_a_delay_is_looked_for_when_it_becomes_visible(asked: Asked) -> None:
    engine = FakeEngine()
    engine.message(visible_in=60)

    assert receiver(engine, asked).receive("url", 10) == []

    assert asked.due == [engine.queue["messages"][0]["visible_at"]]


def test_what_is_visible_is_taken_at_once_without_a_window(asked: Asked) -> None:
    engine = FakeEngine()
    engine.message(visible_in=-1)
    engine.message(visible_in=60)

    assert len(receiver(engine, asked).receive("url", 10)) == 1
    assert asked.due == []


@pytest.mark.parametrize(("ages", "taken"), [([0.0], 0), ([0.0] * 3, 3), ([61.0], 1)])
def test_a_queues_batch_is_full_or_its_window_is_over(asked: Asked, ages: list[float], taken: int) -> None:
    engine = FakeEngine(window=60)
    for age in ages:
        engine.message(visible_in=-age)

    assert len(receiver(engine, asked).receive("url", 3)) == taken
    assert asked.due == ([] if taken else [engine.queue["messages"][0]["visible_at"] + 60])


def test_an_empty_queue_is_not_waited_for(asked: Asked) -> None:
    assert receiver(FakeEngine(), asked).receive("url", 10) == []
    assert asked.due == []


@pytest.mark.parametrize(("ages", "taken"), [([0.0], 0), ([0.0] * 3, 3), ([61.0, 0.0], 2)])
def test_a_streams_batch_is_full_or_its_window_is_over(asked: Asked, ages: list[float], taken: int) -> None:
    engine = FakeEngine(window=60)
    for age in ages:
        engine.record(age)

    found = StreamPoller(engine, engine, asked).records_since("rows", 0, 3)

    assert len(found) == taken
    assert [round(due - time.time()) for due in asked.due] == ([] if taken else [60])


def test_another_reader_of_the_stream_has_no_window(asked: Asked) -> None:
    engine = FakeEngine(window=60)
    engine.record(0.0)

    assert len(StreamPoller(engine, engine, asked).records_since("rows", 0, 3, account_id="1", region="here")) == 1
    assert len(StreamPoller(FakeEngine(), engine, asked).records_since("rows", 0, 3)) == 1


def test_streams_are_looked_at_beside_the_queues_and_again_while_there_is_more(asked: Asked) -> None:
    engine = FakeEngine()

    assert StreamPoller(engine, engine, asked).poll() is False

    assert engine.looked.wait(10)
    deadline = time.monotonic() + 10
    while engine.looks < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.looks == 2


def test_a_waker_wakes_for_the_soonest() -> None:
    woken = threading.Event()
    waker = Waker(woken.set)

    waker.at(math.inf)
    waker.at(time.time() + 3600)
    assert not woken.is_set()
    waker.at(time.time() + 0.01)

    assert woken.wait(10)


def test_a_look_that_fails_is_not_the_last(asked: Asked) -> None:
    class Failing(FakeEngine):
        def _poll_dynamodb_streams(self) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise RuntimeError("dictionary changed size during iteration")
            self.looked.set()
            return False

    engine = Failing()
    poller = StreamPoller(engine, engine, asked)

    deadline = time.monotonic() + 10
    while not engine.looked.is_set() and time.monotonic() < deadline:
        poller.poll()
        time.sleep(0.01)
    assert engine.looked.is_set()

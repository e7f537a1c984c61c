"""A table's stream is handed on in full batches, or when the first record is a window old."""

import time
from threading import Event
from typing import Any

import pytest

from dicomlake.local.enginehost.streams import StreamWindows

TABLE = "index"
LIMIT = 4


class Engine:
    """As much of the engine's tables and functions as reading a stream takes."""

    def __init__(self, window: float, ages: list[float]) -> None:
        now = time.time()
        self.records = [{"dynamodb": {"ApproximateCreationDateTime": now - age}} for age in ages]
        self.mapping = {"EventSourceArn": f"arn:aws:dynamodb:::table/{TABLE}/stream/1"}
        self.mapping |= {"MaximumBatchingWindowInSeconds": window}  # type: ignore[dict-item]
        self._esm_wake = Event()

    def stream_records_since(self, table_name: str, position: int, limit: int) -> list[dict[str, Any]]:
        return self.records[position : position + limit]

    def _iter_all_esms(self) -> list[tuple[str, str, dict[str, str]]]:
        return [("account", "region", self.mapping)]


def read(engine: Engine) -> int:
    return len(StreamWindows(engine, engine).since(TABLE, 0, LIMIT))


@pytest.mark.parametrize(
    ("window", "ages", "handed"),
    [(5, [], 0), (5, [1, 0], 0), (5, [6, 0], 2), (5, [0, 0, 0, 0, 0], LIMIT), (0, [0], 1)],
)
def test_a_batch_is_handed_on_when_it_is_full_or_its_window_is_over(
    window: float, ages: list[float], handed: int
) -> None:
    assert read(Engine(window, ages)) == handed


def test_the_reader_is_woken_when_the_window_is_over() -> None:
    engine = Engine(0.2, [0.0])

    waits = read(engine)
    woken = engine._esm_wake.wait(10)

    assert (waits, woken, read(engine)) == (0, True, 1)

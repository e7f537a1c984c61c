"""Around every event: the lake is composed once, the work runs, and one line in the log tells what it was and cost."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dicomlake.composition import Lake
from dicomlake.domain.errors import PipelineError
from dicomlake.entry.peak_memory import peak_mb
from dicomlake.settings import Settings

Event = dict[str, Any]
METRICS_NAMESPACE = "dicomlake"


class Line(dict[str, Any]):
    """The one log line of an event."""

    def __init__(self, environment: str, **values: Any) -> None:
        super().__init__(values)
        self._environment = environment

    def metric(self, name: str, value: float, unit: str) -> None:
        """Put a value into the line, and tell CloudWatch of it; the one dimension is the environment.

        Powertools is imported here: of all functions two have a metric to tell.
        """
        from aws_lambda_powertools.metrics import MetricUnit, single_metric

        self[name[0].lower() + name[1:]] = value
        with single_metric(name=name, unit=MetricUnit(unit), value=value, namespace=METRICS_NAMESPACE) as metric:
            metric.add_dimension(name="environment", value=self._environment)


class UnforeseenError(PipelineError):
    """Something that no line of the lake foresaw, by its class: its text may tell of a patient, and the runtime logs
    the text of what a function raises. The traceback stays; it holds lines of code and no values."""


Handler = Callable[[Event, Any], Any]
Work = Callable[[Event, Any, Lake, Line], Any]

MARGIN_MS = 10_000
"""Milliseconds before its time-out at which a function takes no more work: enough to commit what it has."""


def handler(name: str, work: Work) -> Handler:
    """Return a Lambda handler: the lake is composed at the first event, each event is one line in the log."""
    lakes: list[Lake] = []

    def handle(event: Event, context: Any) -> Any:
        if not lakes:
            lakes.append(Lake(Settings.from_env(os.environ)))
        with logged(name, lakes[0], context) as line:
            return work(event, context, lakes[0], line)

    return handle


@contextmanager
def logged(name: str, lake: Lake, context: Any) -> Iterator[Line]:
    """Write the canonical line: what was done, what it cost, how it ended. Never keys, UIDs or data sets."""
    lake.meter.reset()
    started, cpu = time.perf_counter(), time.process_time()
    request_id = getattr(context, "aws_request_id", "")
    line = Line(lake.settings.environment, event=name, outcome="ok", requestId=request_id)
    try:
        yield line
    except PipelineError as error:
        line["outcome"], line["error"] = "error", type(error).__name__
        raise
    except Exception as error:
        line["outcome"], line["error"] = "error", type(error).__name__
        raise UnforeseenError(type(error).__name__).with_traceback(error.__traceback__) from None
    finally:
        used = lake.meter.snapshot()
        line["ms"] = round((time.perf_counter() - started) * 1000, 1)
        line["cpuMs"] = round((time.process_time() - cpu) * 1000, 1)
        line["peakMb"] = peak_mb()
        line["memoryMb"] = int(getattr(context, "memory_limit_in_mb", 0) or 0)
        line["calls"] = dict(used.calls)
        line["units"] = {"read": used.read_units, "write": used.write_units}
        line["bytes"] = {"in": used.bytes_in, "out": used.bytes_out}
        sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
        sys.stdout.flush()


def tell_rejected(line: Line, count: int) -> None:
    """Tell the alarm of objects that went into quarantine for a reason somebody should look at."""
    if count:
        line.metric("RejectedObjects", count, "Count")


def out_of_time(context: Any, margin_ms: int = MARGIN_MS) -> Callable[[], bool]:
    """Return a question: is there too little time left to take up more work?"""
    return lambda: context.get_remaining_time_in_millis() < margin_ms


def each_record(event: Event, line: Line, decide: Callable[[str], None]) -> Event:
    """Run one decision per queue message; a message whose decision fails goes back alone (ReportBatchItemFailures)."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(event.get("Records", []), lambda record: decide(record.body)):
        processor.process()
    line["messages"] = len(event.get("Records", []))
    if processor.exceptions:
        kinds = {kind.__name__ for kind, _, _ in processor.exceptions if kind is not None}
        line["outcome"], line["errors"] = "partial", sorted(kinds)
    return dict(processor.response())

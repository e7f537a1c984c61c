"""The bill: what the handlers' log lines say they called, priced; what no line can say is modelled and marked so.

Pure: lines in, bill out. docs/cost.md explains every line and every model.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.prices import MILLION, OPERATIONS, PRICES

LogLine = Mapping[str, Any]

STAGES: dict[str, str] = {
    "ingest": "ingest",
    "store": "ingest",
    "quarantine-crashed": "ingest",
    "start-large": "ingest",
    "large-instance": "ingest",
    "track-study": "study",
    "settle-study": "study",
    "plan-study": "study",
    "finish-study": "study",
    "sequence-changes": "study",
    "compact-series": "compaction",
    "deidentify": "de-identified copy",
    "dicomweb": "API",
    "pixels": "API",
    "operations": "API",
    "imaging": "API",
    "gateway": "API",
    "changes": "API",
    "change-study": "API",
    "run-import": "API",
    "sweep": "sweep",
}
"""Which part of the bill an event's work belongs to."""

INGEST_STAGES = ("landing", "ingest", "study", "compaction")
"""What bringing images in costs; the other stages are told apart."""

TOLD_BY_THE_TOPIC = frozenset({"track-study", "deidentify"})
"""Events whose messages come from the topic lake-events; a delivery to a queue is a request to the queue."""

QUEUES: dict[str, str] = {
    "ingest": "ingest-work",
    "quarantine-crashed": "crashed-work",
    "start-large": "large-work",
    "track-study": "study-work",
    "settle-study": "settle-work",
    "deidentify": "deidentify-work",
}
"""The queue whose messages an event's function works; ingest-one-work's are counted with ingest-work's."""

SENDS: dict[str, str] = {
    "ingest": "what it hands on, to ingest-work, ingest-one-work, large-work",
    "store": "what it hands on, to ingest-work, ingest-one-work, large-work",
    "track-study": "timers to settle-work, what it had no time for to study-work",
    "settle-study": "timers to settle-work",
    "sweep": "what was lost, to ingest-work, study-work, settle-work",
    "deidentify": "what it had no time for, to deidentify-work",
}
"""What an event's function sends, and to which queues."""

FULL_CORE_MB = 1769
"""Memory at which a Lambda function has one whole vCPU (AWS Lambda, "Configure function memory")."""

WAIT_MS: dict[str, float] = {"s3": 20, "dynamodb": 6, "sns": 10, "sqs": 8, "sfn": 15, "secrets-manager": 15}
"""Modelled time that a call of a service keeps a function waiting on AWS, each waited for in turn."""

LAMBDA_LINES_BYTES = 420
"""Bytes of the START, END and REPORT lines that Lambda writes beside ours."""

EVENT_BYTES = 26
"""What CloudWatch Logs adds to each event."""

EXPRESS_GB = 0.064
"""Memory that an Express execution is charged for: the smallest step."""

KMS_SHARE = 0.01
"""Requests to KMS for each S3 request: bucket keys save up to 99 of 100 (Amazon S3, "Reducing the cost of SSE-KMS")."""

MESSAGES_A_CALL = 10
"""Messages that one call of Lambda's poller receives, and one deletes."""

FARGATE_CPU, FARGATE_GB = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line: so much of something at its price, counted from calls or modelled."""

    stage: str
    price: str
    quantity: float
    modelled: bool = False
    note: str = ""

    @property
    def usd(self) -> float:
        """What it costs."""
        return PRICES[self.price].of(self.quantity)


@dataclass(frozen=True, slots=True)
class Bill:
    """All lines of some work on so many landed objects; `measured_usd` prices Lambda's time as this machine took it."""

    lines: tuple[BillLine, ...]
    images: int
    measured_lambda_usd: float = 0.0

    def usd(self, *stages: str) -> float:
        """What these stages cost; all of them where none is named."""
        return sum(line.usd for line in self.lines if not stages or line.stage in stages)

    @property
    def per_million(self) -> float | None:
        """What bringing in a million such images costs; None without images."""
        return self.usd(*INGEST_STAGES) / self.images * MILLION if self.images else None

    def document(self) -> dict[str, Any]:
        """Return the bill for scripts."""
        return {
            "images": self.images,
            "usd": round(self.usd(*INGEST_STAGES), 9),
            "usdPerMillion": round(self.per_million, 4) if self.per_million is not None else None,
            "usdApart": {
                stage: round(self.usd(stage), 9)
                for stage in sorted({one.stage for one in self.lines})
                if stage not in INGEST_STAGES
            },
            "lambdaUsdAsMeasuredHere": round(self.measured_lambda_usd, 9),
            "lines": [
                {
                    "stage": one.stage,
                    "what": one.price,
                    "quantity": round(one.quantity, 6),
                    "unit": PRICES[one.price].unit,
                    "usd": round(one.usd, 12),
                    "modelled": one.modelled,
                    "note": one.note,
                }
                for one in self.lines
            ],
        }


@dataclass(slots=True)
class _Sums:
    """What the lines of one stage add up to."""

    calls: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    invocations: int = 0
    gb_seconds: float = 0.0
    measured_gb_seconds: float = 0.0
    messages: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    log_bytes: int = 0
    landed: int = 0
    task_seconds: float = 0.0
    machine_seconds: float = 0.0


def make_bill(lines: Iterable[tuple[LogLine, int]]) -> Bill:
    """Price log lines, each with its length in bytes. Raises InvalidRequestError for an operation without a price."""
    stages: dict[str, _Sums] = {}
    for line, length in lines:
        _add(stages.setdefault(STAGES.get(str(line["event"]), "other"), _Sums()), line, length)
    landed = sum(sums.landed for sums in stages.values())
    priced = [*_landing(landed), *(one for stage, sums in stages.items() for one in _priced(stage, sums))]
    measured = sum(sums.measured_gb_seconds for stage, sums in stages.items() if stage in INGEST_STAGES)
    order = [*INGEST_STAGES, *sorted(set(stages) - set(INGEST_STAGES))]
    kept = sorted((one for one in priced if one.quantity), key=lambda one: order.index(one.stage))
    return Bill(tuple(kept), landed, PRICES["lambda-time"].of(measured))


def _add(sums: _Sums, line: LogLine, length: int) -> None:
    calls: Mapping[str, int] = line.get("calls", {})
    sums.calls.update(calls)
    sums.units.update(line.get("units", {}))
    sums.messages[line["event"]] += int(line.get("messages", 0))
    sums.sent[line["event"]] += sum(count for name, count in calls.items() if _is_to_a_queue(name))
    if line["event"] in ("ingest", "large-instance", "quarantine-crashed"):
        sums.landed += sum(int(line.get(name, 0)) for name in ("images", "duplicates", "quarantined"))
    if line["event"] in ("plan-study", "compact-series", "finish-study"):
        sums.machine_seconds += float(line["ms"]) / 1000
    sums.log_bytes += length + EVENT_BYTES
    if line["event"] == "large-instance":
        sums.task_seconds += float(line["ms"]) / 1000
        return
    gb = int(line["memoryMb"]) / 1024
    sums.invocations += 1
    sums.log_bytes += LAMBDA_LINES_BYTES + 3 * EVENT_BYTES
    sums.gb_seconds += gb * _modelled_ms(line, calls) / 1000
    sums.measured_gb_seconds += gb * float(line["ms"]) / 1000


def _modelled_ms(line: LogLine, calls: Mapping[str, int]) -> float:
    """Return what Lambda would charge: the CPU's time on the function's share of a core, and the calls' waiting."""
    share = min(1.0, int(line["memoryMb"]) / FULL_CORE_MB)
    waiting = sum(count * WAIT_MS.get(name.partition(":")[0], 10) for name, count in calls.items())
    return float(line["cpuMs"]) / share + waiting


def _landing(landed: int) -> list[BillLine]:
    """What every landed object costs before a handler sees it."""
    return [
        BillLine("landing", "s3-put", landed, note="the sender's PUT"),
        BillLine("landing", "sns-publish", landed, True, "S3 tells the topic"),
        BillLine("landing", "sqs-request", landed, True, "the topic tells the queue"),
    ]


def _is_to_a_queue(operation: str) -> bool:
    return operation.startswith("sqs:") and _price_of(operation) == "sqs-request"


def _priced(stage: str, sums: _Sums) -> list[BillLine]:
    s3 = sum(count for name, count in sums.calls.items() if name.startswith("s3:"))
    counted = Counter[str]()
    for name, count in sums.calls.items():
        if not name.startswith(("dynamodb:", "sqs:")):
            counted[_price_of(name)] += count
    return [
        *(BillLine(stage, price, count) for price, count in sorted(counted.items())),
        BillLine(stage, "dynamodb-write", sums.units["write"], note="transactions count twice, as DynamoDB reports"),
        BillLine(stage, "dynamodb-read", sums.units["read"]),
        *_queued(stage, sums),
        BillLine(stage, "lambda-request", sums.invocations),
        BillLine(stage, "lambda-time", sums.gb_seconds, True, "CPU time measured, waiting modelled"),
        BillLine(stage, "express-time", sums.machine_seconds * EXPRESS_GB, True, "its steps' time at 64 MB"),
        BillLine(stage, "fargate-cpu", sums.task_seconds * FARGATE_CPU),
        BillLine(stage, "fargate-memory", sums.task_seconds * FARGATE_GB),
        BillLine(stage, "kms-request", s3 * KMS_SHARE, True, "bucket keys"),
        BillLine(stage, "logs-ingest", sums.log_bytes, True, "our lines counted, Lambda's modelled"),
        *([BillLine(stage, "api-request", sums.invocations)] if stage == "API" else []),
    ]


def _queued(stage: str, sums: _Sums) -> Iterable[BillLine]:
    """Return the requests to each queue: what was sent, what the topic delivered, what Lambda received and deleted."""
    for event, count in sorted(sums.sent.items()):
        yield BillLine(stage, "sqs-request", count, note=f"{event} sends {SENDS.get(event, 'messages')}")
    for event, count in sorted(sums.messages.items()):
        queue = QUEUES.get(event, event)
        if event in TOLD_BY_THE_TOPIC:
            yield BillLine(stage, "sqs-request", count, True, f"the topic tells {queue}")
        polled = 2 * count / MESSAGES_A_CALL
        yield BillLine(stage, "sqs-request", polled, True, f"{queue}: receive and delete, {MESSAGES_A_CALL} a call")


def _price_of(operation: str) -> str:
    if operation not in OPERATIONS:
        raise InvalidRequestError(f"{operation} has no price: add it to dicomlake/prices.py.")
    return OPERATIONS[operation]


def share(bill: Bill, images: int) -> Sequence[BillLine]:
    """Return the lines of `images` of the bill's images: each batch is shared by the images in it."""
    part = images / bill.images if bill.images else 0.0
    return [BillLine(one.stage, one.price, one.quantity * part, one.modelled, one.note) for one in bill.lines]

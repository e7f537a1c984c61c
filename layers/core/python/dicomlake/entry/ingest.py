"""Wiring of ingest: queue messages to commands, the data store's ports, and the large task's single command."""

import os
import sys
from collections.abc import Callable
from typing import Any

from dicomlake.composition import Lake
from dicomlake.dicom.codecs.lossless import Encoder, encoder_in_use
from dicomlake.domain.errors import MalformedError, PipelineError, UnexpectedError
from dicomlake.domain.ids import frame_key
from dicomlake.domain.routing import Received, RoutePolicy
from dicomlake.entry.handling import Event, Line, logged, out_of_time, tell_rejected
from dicomlake.landing_events import ingest_commands
from dicomlake.settings import Settings
from dicomlake.usecases.admission import accept_all, refuse_conflicts
from dicomlake.usecases.ingest_batch import BatchReport, IngestPorts, IngestQueues, ingest_batch
from dicomlake.usecases.ingest_large import ingest_large
from dicomlake.usecases.store_instance import StoreContext

BYTE_BUDGET = 256 * 1024 * 1024
"""Bytes of landed objects that one batch takes in hand, of the function's 1.7 GB: four are in memory at a time."""


def ingest_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Decide a batch; a RetryableError that stops the whole batch sends every message back."""
    received, failures = _received(event)
    policy = RoutePolicy(
        large_limit=lake.settings.integer("LARGE_LIMIT"),
        byte_budget=BYTE_BUDGET,
        alone=_is_from(event, lake.settings.text("INGEST_ONE_QUEUE_URL")),
    )
    queues = IngestQueues(lake.queue("INGEST"), lake.queue("INGEST_ONE"), lake.queue("LARGE"))
    ports = ingest_ports(lake)
    report = ingest_batch(received, ports, queues, policy, out_of_time(context))
    _tell(line, report, len(received))
    tell_pixels(line, ports.context)
    return {"batchItemFailures": failures}


def run_large_task() -> None:
    """Decide the one object that the large machine named."""
    lake = Lake(Settings.from_env(os.environ))
    with logged("large-instance", lake, None) as line:
        (command,) = ingest_commands(lake.settings.text("MESSAGE"))
        ports = ingest_ports(lake)
        report = ingest_large(command, ports)
        line |= {"result": report.outcome, "images": report.tally.stored, "frames": report.frames}
        line |= {"landedBytes": command.landed.size, "storedBytes": report.stored_bytes}
        line |= {"quarantined": report.tally.quarantined}
        tell_rejected(line, report.alarming)
        tell_pixels(line, ports.context)


def tell_pixels(line: Line, context: StoreContext) -> None:
    """Tell which frames stayed as they came though they should not have, and alarms of what nobody should live with.

    An encoder whose frame did not decode to its source is a fault; without the fast one all is exact, and slower.
    """
    line["notExact"] = dict(context.not_exact)
    if context.not_exact["verify-mismatch"]:
        line.metric("VerifyMismatches", context.not_exact["verify-mismatch"], "Count")
    if encoder_in_use() is Encoder.IMAGECODECS:
        line.metric("EncoderFallbacks", 1, "Count")


def ingest_ports(lake: Lake) -> IngestPorts:
    """Return what deciding landed objects takes, for the data store that they go into."""
    datastore_id = lake.settings.default_store
    store = lake.datastore(datastore_id)
    return IngestPorts(
        datastore_id=datastore_id,
        store=store,
        landing=lake.landing,
        quarantine=lake.quarantine,
        events=lake.events,
        context=StoreContext(
            frame_key(lake.secret, datastore_id),
            lake.clock,
            keep_code_streams=lake.settings.keeps_code_streams,
            accept=refuse_conflicts(store.instances) if lake.settings.rejects_conflicts else accept_all,
        ),
        secret=lake.secret,
        clock=lake.clock,
        ids=lake.ids,
        guard=_one_object_only,
    )


def _one_object_only(store: Callable[[], object]) -> object:
    """Turn what nobody foresaw into an error of this one object; its class goes to the log, its text may hold data."""
    try:
        return store()
    except PipelineError:
        raise
    except Exception as error:
        sys.stderr.write(f"unexpected {type(error).__name__} while storing an object\n")
        raise UnexpectedError(type(error).__name__) from None


def _received(event: Event) -> tuple[tuple[Received, ...], list[dict[str, str]]]:
    """The commands of a batch; a message that is none of ours goes back, and after its tries to the DLQ."""
    received: list[Received] = []
    failures: list[dict[str, str]] = []
    for record in event.get("Records", []):
        receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
        try:
            commands = ingest_commands(record["body"])
        except MalformedError:
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        received += [Received(command, record["messageId"], receives) for command in commands]
    return tuple(received), failures


def _is_from(event: Event, queue_url: str) -> bool:
    name = queue_url.rsplit("/", 1)[-1]
    return any(str(record.get("eventSourceARN", "")).endswith(f":{name}") for record in event.get("Records", []))


def _tell(line: Line, report: BatchReport, messages: int) -> None:
    line |= {"messages": messages, "images": report.tally.stored, "studies": len(report.studies)}
    line |= {"duplicates": report.tally.duplicates, "quarantined": report.tally.quarantined}
    line |= {"decidedBefore": report.decided_before, "vanished": report.vanished, "sent": report.sent}
    line |= {"frames": report.counts.frames, "landedBytes": report.counts.landed_bytes}
    line |= {"storedBytes": report.counts.stored_bytes}
    tell_rejected(line, report.alarming)

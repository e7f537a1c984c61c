"""Wiring of what goes aside: large objects to their machine, and what no process survived to quarantine."""

from typing import Any

from dicomlake.composition import Lake
from dicomlake.domain.errors import Reason
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.ledger import LedgerEntry, alarming
from dicomlake.entry.handling import Event, Line, each_record, tell_rejected
from dicomlake.landing_events import ingest_commands
from dicomlake.usecases.quarantine_objects import Rejected, quarantine_objects

DETAIL = "its process ended or timed out every time"


def large_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Start one execution per object and attempt, named by its ledger key: a redelivered message starts none.

    A machine takes a name once, even one that failed; what the sweep sends again is another attempt.
    """

    def start(body: str) -> None:
        for command in ingest_commands(body):
            key = ledger_key(lake.secret, command.landed)
            version = ledger_key(lake.secret, type(command.landed)("", key.version_id, "", 0)).object_hash
            lake.workflows.ingest_large(f"{key.object_hash}-{version}-{command.attempt}", command.landed)

    return each_record(event, line, start)


def quarantine_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Decide crashed objects in the ledger; those that another delivery decided meanwhile stay as they are."""
    store = lake.datastore(lake.settings.default_store)
    decided: list[LedgerEntry] = []

    def quarantine(body: str) -> None:
        rejected = [Rejected(c.landed, Reason.CRASHED, DETAIL, c.attempt) for c in ingest_commands(body)]
        kept = quarantine_objects(rejected, store, lake.quarantine, lake.secret, lake.clock, lake.ids)
        decided.extend(kept)

    answer = each_record(event, line, quarantine)
    line["quarantined"] = len(decided)
    tell_rejected(line, alarming(decided))
    return answer

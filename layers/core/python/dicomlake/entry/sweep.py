"""Wiring of the sweep: the landing bucket against the ledger, packs against the index, studies against the clock."""

from typing import Any

from dicomlake.composition import Lake
from dicomlake.domain.model import JsonObject
from dicomlake.entry.handling import Event, Line, out_of_time
from dicomlake.entry.rebuild import rebuild_work
from dicomlake.landing_events import source_of
from dicomlake.usecases.sweep_commits import sweep_commits
from dicomlake.usecases.sweep_copies import CopyPorts, sweep_copies
from dicomlake.usecases.sweep_landing import sweep_landing
from dicomlake.usecases.sweep_packs import sweep_packs
from dicomlake.usecases.sweep_studies import sweep_studies


def sweep_work(event: Event, context: Any, lake: Lake, line: Line) -> JsonObject:
    """Repair what no event told of; counts go to the log and the drift to its alarm. {"rebuild": true} rebuilds."""
    if event.get("rebuild") is True:
        return rebuild_work(event, context, lake, line)
    settings, default = lake.settings, lake.settings.default_store
    late = out_of_time(context)
    for datastore_id in settings.stores:
        store = lake.datastore(datastore_id)
        stuck = sweep_studies(datastore_id, store, lake.queue("SETTLE"), settings.settle, lake.clock)
        untold = sweep_commits(datastore_id, store, lake.queue("STUDY"), lake.clock, late)
        packs = sweep_packs(store, lake.clock, late)
        line["stuckStudies"] = line.get("stuckStudies", 0) + stuck
        line["untoldStudies"] = line.get("untoldStudies", 0) + untold
        line["packsDeleted"] = line.get("packsDeleted", 0) + packs.deleted
        line["packsUnreadable"] = line.get("packsUnreadable", 0) + packs.unreadable
        line["packsUnaccounted"] = line.get("packsUnaccounted", 0) + packs.unaccounted
    line["uncopiedStudies"] = sweep_copies(_copies(lake), late)
    bucket = settings.text("LANDING_BUCKET")
    landing = sweep_landing(
        bucket, lake.landing, lake.datastore(default), lake.queue("INGEST"), lake.secret, lake.clock, source_of, late
    )
    line |= {"listed": landing.listed, "missing": landing.missing, "complete": landing.complete}
    line.metric("LedgerDrift", landing.missing, "Count")
    return {}


def _copies(lake: Lake) -> CopyPorts:
    source_id, target_id = lake.settings.default_store, lake.settings.research_store
    return CopyPorts(
        source_id=source_id,
        source=lake.datastore(source_id),
        target_id=target_id,
        target=lake.datastore(target_id),
        queue=lake.queue("DEIDENTIFY"),
        secret=lake.secret,
        clock=lake.clock,
    )

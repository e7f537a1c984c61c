"""Wiring of the rebuild: what the sweep's function does with the event {"rebuild": true}."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dicomlake.composition import Lake
from dicomlake.domain.model import DatastoreId, JsonObject
from dicomlake.entry.handling import Event, Line, out_of_time
from dicomlake.landing_events import source_of
from dicomlake.usecases.rebuild_index import rebuild_index
from dicomlake.usecases.restore_quarantine import restore_quarantine
from dicomlake.usecases.sweep_landing import start_over, sweep_landing
from dicomlake.usecases.sweep_studies import look_again

FACTS = ("packs", "unreadable", "known", "moved", "stored", "copies", "duplicates", "quarantined", "readAgain")


def rebuild_work(event: Event, context: Any, lake: Lake, line: Line) -> JsonObject:
    """Rebuild every index, then what landed and is in none is read again; the answer says whether that was all.

    Copies come first: a study that becomes ready again is then found in the de-identified store.
    """
    late, default = out_of_time(context), lake.settings.default_store
    told = dict.fromkeys(FACTS, 0)
    complete = all(
        _rebuild(datastore_id, lake, late, told)
        for datastore_id in sorted(lake.settings.stores, key=lambda one: one == default)
    )
    complete = complete and _restore(lake, late, told)
    told["readAgain"] = _read_again(lake, late) if complete else 0
    line |= {**told, "complete": complete}
    return {**told, "complete": complete}


def _rebuild(datastore_id: DatastoreId, lake: Lake, late: Callable[[], bool], told: dict[str, int]) -> bool:
    store = lake.datastore(datastore_id)
    done = rebuild_index(datastore_id, store, lake.events, lake.clock, lake.ids, late)
    told["packs"] += done.packs
    told["unreadable"] += done.unreadable
    told["known"] += done.known
    told["moved"] += done.moved
    told["stored" if datastore_id == lake.settings.default_store else "copies"] += done.tally.stored
    told["duplicates"] += done.tally.duplicates
    if done.complete:
        look_again(datastore_id, store, lake.queue("SETTLE"), lake.clock.now())
    return done.complete


def _restore(lake: Lake, late: Callable[[], bool], told: dict[str, int]) -> bool:
    store = lake.datastore(lake.settings.default_store)
    done = restore_quarantine(store, lake.quarantine, lake.ids, late)
    told["quarantined"] += done.restored
    told["unreadable"] += done.unreadable
    return done.complete


def _read_again(lake: Lake, late: Callable[[], bool]) -> int:
    """Without the grace of a sweep: events of the time before may be lost with the index."""
    bucket, store = lake.settings.text("LANDING_BUCKET"), lake.datastore(lake.settings.default_store)
    start_over(store.objects)
    queue = lake.queue("INGEST")
    swept = sweep_landing(
        bucket, lake.landing, store, queue, lake.secret, lake.clock, source_of, late, grace=timedelta(0)
    )
    return swept.missing

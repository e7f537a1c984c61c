"""The ledger of one data store: where every landed object is."""

from collections.abc import Sequence
from heapq import merge
from itertools import islice

from dicomlake.adapters.dynamodb import keys as layout
from dicomlake.adapters.dynamodb.instances import UNDECIDED
from dicomlake.adapters.dynamodb.rows import ledger_in, ledger_item
from dicomlake.adapters.dynamodb.table import Table, put
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import LedgerKey, Outcome
from dicomlake.ports import Page

DAYS_A_PAGE = 8
"""Days of quarantine that one page looks through at most; a page may end short of its limit, with `after` set."""


class DynamoDbLedger:
    """The ledger of one data store, in its table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def entry(self, key: LedgerKey) -> LedgerEntry | None:
        """Return one entry."""
        item = self._table.get(layout.ledger(key))
        return ledger_in(item) if item else None

    def entries(self, keys: Sequence[LedgerKey]) -> dict[LedgerKey, LedgerEntry]:
        """Return those of the entries that exist."""
        found = (ledger_in(item) for item in self._table.get_many([layout.ledger(key) for key in keys]))
        return {entry.key: entry for entry in found}

    def versions(self, object_hash: str) -> tuple[LedgerEntry, ...]:
        """Return the entries of all versions of one object, oldest landing first."""
        pk, _ = layout.ledger(LedgerKey(object_hash, ""))
        items, _ = self._table.query(pk, " ", layout.END)
        return tuple(sorted(map(ledger_in, items), key=lambda e: (e.landed_at, e.key.version_id)))

    def note_pending(self, entry: LedgerEntry) -> None:
        """Write a pending entry unless the object is decided already."""
        if entry.outcome is not Outcome.PENDING:
            raise ValueError("only a pending entry is noted; an outcome is committed")
        self._table.write(put(ledger_item(entry), UNDECIDED))

    def quarantined(self, after: str = "", limit: int = 100) -> Page[LedgerEntry]:
        """List what is in quarantine, newest first: day by day, each day's partitions merged by time."""
        days, _ = self._table.query(
            layout.QUARANTINE_DAYS, "0", after[:10] or layout.LAST, limit=DAYS_A_PAGE + 1, descending=True
        )
        places: list[str] = []
        for item in days[:DAYS_A_PAGE]:
            day = item["sk"]["S"]
            places += self._places(day, after if after[:10] == day else "", limit - len(places))
            if len(places) == limit:
                return self._page(places, places[-1])
        return self._page(places, days[-1]["sk"]["S"] + layout.LAST if len(days) > DAYS_A_PAGE else "")

    def _places(self, day: str, after: str, limit: int) -> list[str]:
        """Return the newest rows of a day's list that are older than `after`."""
        shards = []
        for shard in range(layout.QUARANTINE_SHARDS):
            pk = layout.quarantine_shard(day, shard)
            items, _ = self._table.query(pk, day, after or day + layout.LAST, limit=limit + 1, descending=True)
            shards.append([sk for item in items if (sk := item["sk"]["S"]) != after])
        return list(islice(merge(*shards, reverse=True), limit))

    def _page(self, places: list[str], after: str) -> Page[LedgerEntry]:
        """Look up the listed entries. A row whose commit did not stand, or not at its time, leads to none."""
        wanted = [layout.quarantined_of(place) for place in places]
        items = self._table.get_many([layout.ledger(key) for _, key in wanted])
        held = {(item["q"]["S"], (entry := ledger_in(item)).key): entry for item in items if "q" in item}
        entries = tuple(held[place] for place in wanted if place in held)
        return Page(entries, after, len(places) + len(items))

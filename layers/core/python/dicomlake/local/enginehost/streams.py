"""Table streams in the engine's saved state: what no function has read yet is there again after a restart.

Unpatched, the engine saves how far each function has read, but not the records: a restarted engine counts records from
nothing, and every function passes over as many new ones as it had read before.
"""

from collections.abc import Callable
from typing import Any

_RECORDS, _TRIMMED = "dicomlake_stream_records", "dicomlake_stream_trimmed"


class StreamRecords:
    """Wraps the engine's `get_state` and `load_persisted_state` of DynamoDB."""

    def __init__(self, tables: Any, functions: Any, scoped: Callable[[], Any]) -> None:
        self._tables = tables
        self._functions = functions
        self._scoped = scoped
        self._get: Callable[[], dict[str, Any]] = tables.get_state
        self._load: Callable[[Any], None] = tables.load_persisted_state

    def get_state(self) -> dict[str, Any]:
        """Return the state with the records behind the slowest reader of each table, and how many came before."""
        state = self._get()
        records, trimmed = self._scoped(), self._scoped()
        for account, region, table, before, left in self._unread():
            records.set_scoped(account, region, table, left)
            trimmed.set_scoped(account, region, table, before)
        return state | {_RECORDS: records, _TRIMMED: trimmed}

    def load(self, data: Any) -> None:
        """Take the state, and put the records back where their readers left off."""
        self._load(data)
        self._tables._stream_records.update(data.get(_RECORDS, {}))
        self._tables._stream_trimmed.update(data.get(_TRIMMED, {}))

    def _unread(self) -> list[tuple[str, str, str, int, list[Any]]]:
        read = self._positions()
        unread = []
        for (account, region, table), records in list(self._tables._stream_records.all_items()):
            trimmed = self._tables._stream_trimmed.get_scoped(account, region, table, 0)
            before = min(max(read.get((account, region, table), trimmed), trimmed), trimmed + len(records))
            unread.append((account, region, table, before, list(records[before - trimmed :])))
        return unread

    def _positions(self) -> dict[tuple[str, str, str], int]:
        """How far the slowest function of each table has read."""
        slowest: dict[tuple[str, str, str], int] = {}
        for account, region, mapping in self._functions._iter_all_esms():
            arn = mapping.get("EventSourceArn", "")
            if ":table/" not in arn:
                continue
            key = (account, region, arn.split(":table/")[1].split("/")[0])
            position = self._functions._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"], 0)
            slowest[key] = min(slowest.get(key, position), position)
        return slowest

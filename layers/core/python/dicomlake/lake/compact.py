"""Compaction: after a study settles, gather each series, which came in many packs, into one.

Planning is pure: records in, copies out. A pack in which the series has 64 MB already is left as it is: what is read
from it saves no request by being elsewhere. So is a pack that was gathered before and holds more of the series than all
that is smaller: a series that grows in many generations is copied a few times and not once a generation, and lies in a
few packs, each larger than the smaller ones together. A series that came in one generation has one pack, and one more
for every 64 MB that came in a pack of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from dicomlake.domain.model import InstanceKey, InstanceRecord, LedgerKey, PackPointer, Visibility
from dicomlake.lake.copying import Copied, PackSource
from dicomlake.lake.paths import is_gathered
from dicomlake.lake.writer import PackWriter

FULL_SIZE = 64 * 1000 * 1000
"""Stored bytes of one series in one pack from which on the pack is left as it is; ingest splits its packs here too."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Instances to copy out of one pack, by ordinal."""

    pack: str
    ordinals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A record as it was read, and the pointer it is to have; the index switches it only if it still stands as read."""

    record: InstanceRecord
    to: PackPointer


def plan_series(records: Iterable[InstanceRecord]) -> tuple[Copy, ...]:
    """Say what to copy into one new pack so that a series is compact; () where it is.

    Deleted instances are not copied. Raises ValueError if the records are of several series.
    """
    packs = _by_pack(records)
    small = _outweighed({pack: members for pack, members in packs.items() if _stored(members) < FULL_SIZE})
    return _copies(small) if len(small) > 1 else ()


def _outweighed(packs: dict[str, list[InstanceRecord]]) -> dict[str, list[InstanceRecord]]:
    """Leave out the gathered packs that hold more than all smaller ones and all that ingest wrote."""
    fresh = {pack: members for pack, members in packs.items() if not is_gathered(pack)}
    size = sum(map(_stored, fresh.values()))
    for pack in sorted(packs.keys() - fresh.keys(), key=lambda pack: _stored(packs[pack])):
        if _stored(packs[pack]) > size:
            break
        fresh[pack] = packs[pack]
        size += _stored(packs[pack])
    return {pack: members for pack, members in packs.items() if pack in fresh}


def plan_purge(records: Iterable[InstanceRecord], purged: frozenset[str]) -> tuple[Copy, ...]:
    """Say what to copy so that no instance that remains lies in one of the purged packs."""
    packs = _by_pack(records)
    return _copies({pack: members for pack, members in packs.items() if pack in purged})


def carry_out(sources: Iterable[PackSource], writer: PackWriter) -> list[Copied]:
    """Copy what a plan says into a writer, pack by pack, in bounded memory; closing the writer is the caller's."""
    return [copied for source in sources for copied in source.copy_to(writer)]


def moves(before: Iterable[InstanceRecord], written: Iterable[InstanceRecord]) -> tuple[Move, ...]:
    """Pair the records of the index with their new places; `written` are the new pack's records."""
    places = {identity(record): record.pointer for record in written}
    known = ((record, places.get(identity(record))) for record in before)
    return tuple([Move(record, to) for record, to in known if to is not None])


def identity(record: InstanceRecord) -> tuple[InstanceKey, LedgerKey]:
    """What tells a record from all others, wherever it lies."""
    return record.key, record.ledger


def _by_pack(records: Iterable[InstanceRecord]) -> dict[str, list[InstanceRecord]]:
    kept = [record for record in records if record.visibility is not Visibility.DELETED]
    if len({(record.key.study_uid, record.key.series_uid) for record in kept}) > 1:
        raise ValueError("a plan is made for the records of one series")
    kept.sort(key=lambda record: (record.pointer.pack, record.pointer.ordinal))
    return {pack: list(members) for pack, members in groupby(kept, key=lambda record: record.pointer.pack)}


def _stored(records: Sequence[InstanceRecord]) -> int:
    return sum(record.stored_size for record in records)


def _copies(packs: dict[str, list[InstanceRecord]]) -> tuple[Copy, ...]:
    return tuple([Copy(pack, tuple([one.pointer.ordinal for one in members])) for pack, members in packs.items()])

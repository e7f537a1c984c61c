"""What every Ledger promises: one row a version of a landed object, with exactly one outcome."""

from dataclasses import replace

import pytest

from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import LedgerKey, Outcome
from dicomlake.ports import Datastore
from tests.builders import Builder


def quarantine(store: Datastore, builder: Builder, at: str, count: int = 1) -> list[LedgerEntry]:
    commit = builder.ended(Outcome.QUARANTINED, count, at)
    assert store.instances.commit(commit) == ()
    return list(commit.entries)


def listed(store: Datastore, limit: int) -> list[list[LedgerEntry]]:
    pages, after = [], ""
    while True:
        page = store.ledger.quarantined(after, limit)
        pages.append(list(page.items))
        after = page.after
        if not after:
            return pages


def test_an_unknown_object_has_no_entry(store: Datastore, builder: Builder) -> None:
    key = builder.ledger_key()

    assert store.ledger.entry(key) is None
    assert store.ledger.entries([key]) == {}
    assert store.ledger.versions(key.object_hash) == ()


@pytest.mark.parametrize("outcome", [Outcome.DUPLICATE, Outcome.QUARANTINED])
def test_an_object_without_a_record_ends_with_its_outcome(store: Datastore, builder: Builder, outcome: Outcome) -> None:
    commit = builder.ended(outcome)

    store.instances.commit(commit)

    assert store.ledger.entry(commit.entries[0].key) == commit.entries[0]


def test_a_pending_entry_is_replaced_by_a_later_one(store: Datastore, builder: Builder) -> None:
    entry = builder.entry(Outcome.PENDING)
    store.ledger.note_pending(entry)

    store.ledger.note_pending(replace(entry, attempts=2))

    assert store.ledger.entry(entry.key) == replace(entry, attempts=2)


def test_a_decided_object_does_not_become_pending_again(store: Datastore, builder: Builder) -> None:
    commit = builder.ended(Outcome.DUPLICATE)
    store.instances.commit(commit)

    store.ledger.note_pending(replace(commit.entries[0], outcome=Outcome.PENDING))

    assert store.ledger.entry(commit.entries[0].key) == commit.entries[0]


def test_only_pending_entries_are_noted(store: Datastore, builder: Builder) -> None:
    with pytest.raises(ValueError, match="committed"):
        store.ledger.note_pending(builder.entry(Outcome.STORED))


def test_more_entries_than_one_request_takes_are_looked_up(store: Datastore, builder: Builder) -> None:
    entries = [builder.entry(Outcome.PENDING) for _ in range(130)]
    for entry in entries:
        store.ledger.note_pending(entry)

    found = store.ledger.entries([*(entry.key for entry in entries), builder.ledger_key(), entries[0].key])

    assert found == {entry.key: entry for entry in entries}


def test_versions_of_an_object_come_oldest_landing_first(store: Datastore, builder: Builder) -> None:
    object_hash = builder.hex()
    at = ["2026-03-01T10:00:02.000Z", "2026-03-01T10:00:00.000Z", "2026-03-01T10:00:01.000Z"]
    entries = [
        replace(builder.entry(Outcome.PENDING), key=builder.ledger_key(object_hash), landed_at=stamp) for stamp in at
    ]
    unversioned = replace(builder.entry(Outcome.PENDING), key=LedgerKey(object_hash, ""), landed_at="")
    for entry in [*entries, unversioned, builder.entry(Outcome.PENDING)]:
        store.ledger.note_pending(entry)

    found = store.ledger.versions(object_hash)

    assert list(found) == [unversioned, entries[1], entries[2], entries[0]]


def test_quarantine_is_listed_newest_first_across_days(store: Datastore, builder: Builder) -> None:
    old = quarantine(store, builder, "2025-12-31T23:59:59.999Z")
    newest = quarantine(store, builder, "2026-03-02T00:00:00.000Z")
    middle = quarantine(store, builder, "2026-03-01T10:00:00.000Z")
    store.instances.commit(builder.ended(Outcome.DUPLICATE))

    assert [entry for page in listed(store, 100) for entry in page] == newest + middle + old


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_every_page_size_lists_every_quarantined_object_once(store: Datastore, builder: Builder, limit: int) -> None:
    kept = [
        entry
        for day in range(1, 12)
        for second in range(2)
        for entry in quarantine(store, builder, f"2026-03-{day:02d}T10:00:{second:02d}.000Z", 2)
    ]

    pages = listed(store, limit)

    found = [entry.key for page in pages for entry in page]
    assert sorted(found) == sorted(entry.key for entry in kept)
    assert len(found) == len(set(found))
    assert all(len(page) <= limit for page in pages)


def test_a_commit_that_did_not_stand_lists_nothing(store: Datastore, builder: Builder) -> None:
    first = builder.ended(Outcome.QUARANTINED, 1, "2026-03-01T10:00:00.000Z")
    store.instances.commit(first)
    fresh = builder.entry(Outcome.QUARANTINED)
    again = replace(
        first,
        row=replace(first.row, commit_id=builder.hex(), at="2026-03-01T10:00:09.000Z"),
        entries=(*first.entries, fresh),
    )

    assert store.instances.commit(again) != ()
    assert listed(store, 100) == [list(first.entries)]


def test_an_empty_quarantine_is_an_empty_page(store: Datastore) -> None:
    page = store.ledger.quarantined()

    assert (page.items, page.after) == ((), "")

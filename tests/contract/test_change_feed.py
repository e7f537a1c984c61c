"""What every ChangeFeed promises: numbers without a gap, given once, and totals that follow from them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dicomlake.adapters.dynamodb import DynamoDbChangeFeed, Table, keys
from dicomlake.adapters.dynamodb.rows import number, packed_item
from dicomlake.adapters.dynamodb.table import Action, Refusal
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.errors import LostRaceError
from dicomlake.domain.ledger import NO_TALLY, Tally
from dicomlake.domain.model import NO_COUNTS, Counts, Outcome
from dicomlake.ports import Datastore, FeedHead
from tests.builders import Builder
from tests.contract.conftest import Aws


def rows_of(builder: Builder, count: int) -> list[CommitRow]:
    return [builder.commit(builder.slices(1)).row for _ in range(count)]


def test_an_empty_feed_ends_at_zero(store: Datastore) -> None:
    assert store.feed.head() == FeedHead(0, NO_TALLY, NO_COUNTS)
    assert store.feed.read(0) == ()
    assert store.feed.append([]) == store.feed.head()


def test_rows_are_numbered_from_one_in_the_given_order(store: Datastore, builder: Builder) -> None:
    rows = [*rows_of(builder, 3), builder.ended(Outcome.QUARANTINED, 2).row]

    head = store.feed.append(rows)

    changes = store.feed.read(0)
    assert [change.number for change in changes] == [1, 2, 3, 4]
    assert [change.row for change in changes] == rows
    assert head == store.feed.head()
    assert head.tally == Tally(stored=3, quarantined=2)
    assert head.counts == sum((row.counts for row in rows), Counts())


def test_appending_twice_is_once_also_within_one_call(store: Datastore, builder: Builder) -> None:
    first, second, third = rows_of(builder, 3)
    store.feed.append([first, second, second])

    head = store.feed.append([second, third, first])

    assert [change.row for change in store.feed.read(0)] == [first, second, third]
    assert (head.number, head.tally.stored) == (3, 3)


def test_more_rows_than_one_transaction_takes_are_numbered(store: Datastore, builder: Builder) -> None:
    rows = rows_of(builder, 120)

    head = store.feed.append(rows)

    assert head.number == 120
    assert [change.row for change in store.feed.read(0, 1000)] == rows


def test_reading_goes_on_behind_a_number(store: Datastore, builder: Builder) -> None:
    rows = rows_of(builder, 7)
    store.feed.append(rows)

    assert [change.number for change in store.feed.read(2, 3)] == [3, 4, 5]
    assert [change.number for change in store.feed.read(5, 100)] == [6, 7]
    assert store.feed.read(7) == ()
    assert store.feed.read(900) == ()


@pytest.mark.parametrize("limit", [1, 4, 5, 100])
def test_reading_crosses_the_partitions_that_numbers_lie_in(
    store: Datastore, builder: Builder, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("dicomlake.adapters.dynamodb.keys.FEED_BUCKET", 4)
    store.feed.append(rows_of(builder, 12))

    found: list[int] = []
    while changes := store.feed.read(len(found), limit):
        assert len(changes) == min(limit, 12 - len(found))
        found += [change.number for change in changes]

    assert found == list(range(1, 13))


class Rivalled(Table):
    """A table of which every transaction, or the first few, meets a rival's."""

    def __init__(self, client: Any, losses: int) -> None:
        super().__init__(client, "index")
        self.losses = losses

    def transact(self, actions: Sequence[Action]) -> tuple[Refusal, ...]:
        if self.losses:
            self.losses -= 1
            raise LostRaceError("a rival was faster")
        return super().transact(actions)


def test_an_append_that_loses_its_race_tries_again_a_few_times(moto_aws: Aws, builder: Builder) -> None:
    client, rows, waits = moto_aws.table("index"), rows_of(builder, 2), list[float]()

    head = DynamoDbChangeFeed(Rivalled(client, 3), waits.append).append(rows)

    assert head.number == 2
    assert len(waits) == 3
    with pytest.raises(LostRaceError, match="every time"):
        DynamoDbChangeFeed(Rivalled(client, 100), waits.append).append(rows_of(builder, 1))


def at_times(rows: list[CommitRow], *times: str) -> list[CommitRow]:
    return [replace(row, at=at) for row, at in zip(rows, times, strict=True)]


def test_a_commit_that_comes_again_with_others_of_its_moment_keeps_its_number(
    store: Datastore, builder: Builder
) -> None:
    moment, later = "2026-03-01T10:00:00.120Z", "2026-03-01T10:00:00.310Z"
    rows = at_times(rows_of(builder, 5), moment, moment, later, moment, later)
    store.feed.append(rows[:1])
    store.feed.append(rows[:3])

    head = store.feed.append([rows[4], rows[2], rows[3], rows[0]])

    assert [change.row for change in store.feed.read(0)] == [*rows[:3], rows[4], rows[3]]
    assert head == store.feed.head()
    assert head.number == 5


def test_commits_numbered_together_are_paid_for_by_their_bytes(moto_aws: Aws, builder: Builder) -> None:
    table = Counting(moto_aws.table("index"), "index")
    rows = rows_of(builder, 40)

    DynamoDbChangeFeed(table).append(rows)
    together = table.actions
    DynamoDbChangeFeed(table).append(rows)

    assert together == 3
    assert table.actions == together


def test_a_change_that_was_written_alone_by_an_earlier_version_is_read(moto_aws: Aws, builder: Builder) -> None:
    table, (first, second, third) = Table(moto_aws.table("index"), "index"), rows_of(builder, 3)
    table.put_many([packed_item(keys.change(1), first), packed_item(keys.change(2), second)])
    table.put_many([packed_item(keys.FEED_HEAD, first, n=number(2))])

    feed = DynamoDbChangeFeed(table)
    feed.append([third])

    assert [(change.number, change.row) for change in feed.read(0)] == [(1, first), (2, second), (3, third)]


class Counting(Table):
    """A table that counts the actions of its transactions."""

    actions = 0

    def transact(self, actions: Sequence[Action]) -> tuple[Refusal, ...]:
        self.actions += len(actions)
        return super().transact(actions)

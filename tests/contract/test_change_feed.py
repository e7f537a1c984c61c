"""What every ChangeFeed promises: numbers without a gap, given once, and totals that follow from them."""

from dicomlake.domain.commit import CommitRow
from dicomlake.domain.ledger import NO_TALLY, Tally
from dicomlake.domain.model import NO_COUNTS, Counts, Outcome
from dicomlake.ports import Datastore, FeedHead
from tests.builders import Builder


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

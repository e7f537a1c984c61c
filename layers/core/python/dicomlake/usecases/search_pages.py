"""The pages of a search: what one may read, where the next one starts, and how many answers remain behind it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from dicomlake.domain.access import READ_BUDGET
from dicomlake.domain.cursor import KEPT, Cursor, cursor_name
from dicomlake.domain.errors import TooLargeError
from dicomlake.domain.model import JsonObject
from dicomlake.domain.query import Query
from dicomlake.ports import Datastore

LOOK_AHEAD = 200
"""Index items read behind a page, and answers counted there at most, to tell what remains."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """How many answers are behind a page: at least `count`, exactly so many where that is `certain`."""

    count: int = 0
    certain: bool = True

    @property
    def some(self) -> bool:
        """Whether there may be any."""
        return self.count > 0 or not self.certain


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Fact: the answers as DICOM JSON, what remains behind them, and how many index items were read."""

    items: tuple[JsonObject, ...]
    remaining: Remaining
    read: int

    @property
    def more(self) -> bool:
        """Whether there may be answers behind these."""
        return self.remaining.some


@dataclass(slots=True)
class ReadMeter:
    """Counts the index items one search reads. Raises TooLargeError beyond the budget, with the advice."""

    advice: str
    budget: int = READ_BUDGET
    read: int = field(default=0, init=False)

    @property
    def left(self) -> int:
        """How many items may still be read."""
        return self.budget - self.read

    def count(self, items: int) -> None:
        """Add what was read."""
        self.read += items
        self.check(0)

    def check(self, items: int) -> None:
        """Refuse to read so many more items if that is over the budget."""
        if self.read + items > self.budget:
            raise TooLargeError(f"the search reads more than {self.budget} index items: {self.advice}")


def count_ahead(found: Iterator[object], meter: ReadMeter) -> Remaining:
    """Return how many answers remain, as far as LOOK_AHEAD of them, or items behind the first of them, tell.

    The page is whole already: a budget that ends here makes the number uncertain, not the request fail.
    """
    count, last = 0, meter.budget
    try:
        for count, _ in enumerate(found, start=1):
            last = min(last, meter.read + LOOK_AHEAD)
            if count >= LOOK_AHEAD or meter.read >= last:
                return Remaining(count, certain=False)
    except TooLargeError:
        return Remaining(count, certain=False)
    return Remaining(count)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who searches and when: pages are remembered for each reader apart, so that readers do not move each other's."""

    name: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one search of one reader; without a reader nothing is remembered, and offsets count from the start.

    `scope` is the study and series in the request's path.
    """

    query: Query
    scope: tuple[str, ...]
    store: Datastore
    reader: Reader | None

    def start(self, meter: ReadMeter) -> Cursor | None:
        """Return what this page starts behind, if the page before it was read within the hour."""
        if self.reader is None or not self.query.offset:
            return None
        meter.count(1)
        return self.store.studies.cursor(self._name(self.reader, self.query.offset), self.reader.now)

    def end(self, answered: int, cursor: Cursor | None, remaining: Remaining) -> None:
        """Remember where this page ended, if anything may be behind it."""
        if self.reader and cursor and remaining.some:
            name = self._name(self.reader, self.query.offset + answered)
            self.store.studies.save_cursor(name, cursor, self.reader.now + KEPT)

    def _name(self, reader: Reader, offset: int) -> str:
        return cursor_name(self.query, self.scope, reader.name, offset)

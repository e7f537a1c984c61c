"""Search image sets: the narrowest filter chooses what is read from the index, the others are looked at after that.

Where nothing but the sort orders the answers, they are read in that order, a page as far as it goes. Else all that the
filter names is read and sorted, within a budget: beyond it the search is refused, and told what to add.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched

from dicomlake.domain.access import READ_BUDGET
from dicomlake.domain.errors import InvalidRequestError, TooLargeError
from dicomlake.domain.image_set_search import WITHIN, Attribute, Filter, Found, ImageSetSearch, SortField
from dicomlake.domain.image_sets import ImageSetState
from dicomlake.domain.model import SeriesUid, StudyUid
from dicomlake.domain.search_keys import STUDIES, exact_partition
from dicomlake.ports import Datastore, ImageSetOrder, Page

BATCH = 100
A_PAGE = READ_BUDGET // 2
"""Items after which a page that is read in order ends, full or not."""

_PARTITIONS = {
    Attribute.PATIENT_ID: "patient",
    Attribute.ACCESSION_NUMBER: "accession",
    Attribute.STUDY_ID: "study-id",
}
_ORDERS = {Attribute.CREATED_AT: ImageSetOrder.CREATED, Attribute.UPDATED_AT: ImageSetOrder.UPDATED}
_TOO_BROAD = (
    f"the search reads more than {READ_BUDGET:,} items of the index: add a filter on DICOMPatientId, "
    "DICOMAccessionNumber, DICOMStudyInstanceUID or DICOMSeriesInstanceUID, or a narrower time, and sort by it"
)

Batch = tuple[str, tuple[str, ...]]
"""Ids of image sets that were read together, and the place behind which reading goes on, "" at the end."""


@dataclass(slots=True)
class _Reading:
    """What a search has read so far."""

    store: Datastore
    read: int = 0
    seen: set[str] = field(default_factory=set)

    def count(self, items: int) -> None:
        self.read += items
        if self.read > READ_BUDGET:
            raise TooLargeError(_TOO_BROAD)

    def found(self, ids: Sequence[str]) -> list[Found]:
        """Return the image sets of these ids with their studies, those left out that are deleted or were seen."""
        fresh = [name for name in dict.fromkeys(ids) if name not in self.seen]
        self.seen.update(fresh)
        heads = self.store.image_sets.image_sets(fresh)
        shown = [heads[n] for n in fresh if n in heads and heads[n].state is not ImageSetState.DELETED]
        studies = self.store.studies.studies(sorted({one.study_uid for one in shown}))
        self.count(len(heads) + len(studies))
        return [Found(one, studies[one.study_uid]) for one in shown if one.study_uid in studies]


def search_image_sets(search: ImageSetSearch, after: str, limit: int, store: Datastore) -> Page[Found]:
    """Return a page of what a search finds; `after` is what the page before said.

    Raises TooLargeError where the search is too broad, InvalidRequestError where `after` is none of its places.
    """
    reading = _Reading(store)
    gathered = _gathered(search, reading)
    if gathered is None:
        return _streamed(search, after, limit, reading)
    ordered = sorted(filter(search.takes, gathered), key=search.place, reverse=search.newest_first)
    behind = [one for one in ordered if not after or _is_behind(search, one, after)]
    some = tuple(behind[:limit])
    return Page(some, _text(search.place(some[-1])) if len(behind) > limit else "", reading.read)


def _text(place: tuple[str, str]) -> str:
    return "|".join(place)


def _is_behind(search: ImageSetSearch, one: Found, after: str) -> bool:
    place = _place(after)
    return search.place(one) < place if search.newest_first else search.place(one) > place


def _place(after: str) -> tuple[str, str]:
    value, mark, name = after.rpartition("|")
    if not mark:
        raise InvalidRequestError("the nextToken belongs to another search: start again without it")
    return value, name


def _gathered(search: ImageSetSearch, reading: _Reading) -> list[Found] | None:
    """Return all that the narrowest filter names, None where only the order does."""
    for attributes, gather in _NARROW:
        narrow = search.filter_on(*attributes)
        if narrow is not None and not _is_ordered_by(search, narrow):
            return gather(narrow, reading)
    return None


def _is_ordered_by(search: ImageSetSearch, narrow: Filter) -> bool:
    return narrow.attribute.value == search.sort.value


def _by_series(narrow: Filter, reading: _Reading) -> list[Found]:
    return reading.found(reading.store.image_sets.of_series(SeriesUid(narrow.low)))


def _by_study(narrow: Filter, reading: _Reading) -> list[Found]:
    return reading.found(reading.store.image_sets.of_study(StudyUid(narrow.low)))


def _by_exact_key(narrow: Filter, reading: _Reading) -> list[Found]:
    return _of_studies(exact_partition(_PARTITIONS[narrow.attribute], narrow.low), "", "", reading)


def _by_study_date(narrow: Filter, reading: _Reading) -> list[Found]:
    return _of_studies(STUDIES, narrow.low, narrow.high, reading)


def _of_studies(partition: str, low: str, high: str, reading: _Reading) -> list[Found]:
    after, found = "", []
    while True:
        page = reading.store.studies.search(partition, low, high, after=after, limit=BATCH)
        reading.count(page.read)
        for hit in page.items:
            found += reading.found(_ids_of_study(hit.study_uid, reading))
        after = page.after
        if not after:
            return found


def _ids_of_study(study_uid: StudyUid, reading: _Reading) -> tuple[str, ...]:
    ids = reading.store.image_sets.of_study(study_uid)
    reading.count(len(ids))
    return ids


def _by_time(narrow: Filter, reading: _Reading) -> list[Found]:
    places: list[str] = []
    after = ""
    while True:
        order = _ORDERS[narrow.attribute]
        page = reading.store.image_sets.listed(order, narrow.low, narrow.high, after=after, limit=BATCH)
        reading.count(page.read)
        places += [place.image_set_id for place in page.items]
        after = page.after
        if not after:
            break
    return [one for some in batched(places, BATCH, strict=False) for one in reading.found(some)]


_NARROW: tuple[tuple[tuple[Attribute, ...], Callable[[Filter, _Reading], list[Found]]], ...] = (
    ((Attribute.SERIES_INSTANCE_UID,), _by_series),
    ((Attribute.STUDY_INSTANCE_UID,), _by_study),
    ((Attribute.ACCESSION_NUMBER, Attribute.PATIENT_ID, Attribute.STUDY_ID), _by_exact_key),
    ((Attribute.STUDY_DATE_AND_TIME,), _by_study_date),
    ((Attribute.CREATED_AT, Attribute.UPDATED_AT), _by_time),
)
"""Filters that choose what is read, the narrowest first."""


def _streamed(search: ImageSetSearch, after: str, limit: int, reading: _Reading) -> Page[Found]:
    """Read answers in their order until the page is full, and one more tells whether there is a next one.

    A page ends early where few of what is read are answers: the next one goes on behind it.
    """
    found: list[Found] = []
    last: Found | None = None
    for one in _in_order(search, after, limit, reading):
        if last is not None and (len(found) == limit or reading.read > A_PAGE):
            return Page(tuple(found), _text(search.place(last)), reading.read)
        last = one
        found += [one] if search.takes(one) else []
    return Page(tuple(found), "", reading.read)


def _in_order(search: ImageSetSearch, after: str, limit: int, reading: _Reading) -> Iterator[Found]:
    low, high = _bounds(search, after)
    read = _study_batches if search.sort is SortField.STUDY_DATE_AND_TIME else _time_batches
    for some in read(search, low, high, min(BATCH, limit + 1), reading):
        ordered = sorted(some, key=search.place, reverse=search.newest_first)
        yield from (one for one in ordered if not after or _is_behind(search, one, after))


def _bounds(search: ImageSetSearch, after: str) -> tuple[str, str]:
    """The sort texts between which there may be answers behind a place; what is equal to it is looked at again."""
    narrow = search.filter_on(Attribute(search.sort))
    low, high = (narrow.low, narrow.high) if narrow else ("", "")
    if not after:
        return low, high
    value = _place(after)[0].partition(WITHIN)[0]
    return (low, value) if search.newest_first else (value, high)


def _time_batches(search: ImageSetSearch, low: str, high: str, size: int, reading: _Reading) -> Iterator[list[Found]]:
    """Rows that tell of an earlier time than the image set's are passed over: it stands elsewhere in the list."""
    order, after = _ORDERS[Attribute(search.sort)], ""
    while True:
        page = reading.store.image_sets.listed(order, low, high, search.newest_first, after, size)
        reading.count(page.read)
        told = {place.image_set_id: place.at for place in page.items}
        found = reading.found(list(told))
        yield [one for one in found if search.place(one)[0] == told[one.image_set.image_set_id]]
        after = page.after
        if not after:
            return


def _study_batches(search: ImageSetSearch, low: str, high: str, size: int, reading: _Reading) -> Iterator[list[Found]]:
    after = ""
    while True:
        page = reading.store.studies.search(STUDIES, low, high, search.newest_first, after, size)
        reading.count(page.read)
        for hit in page.items:
            yield reading.found(_ids_of_study(hit.study_uid, reading))
        after = page.after
        if not after:
            return

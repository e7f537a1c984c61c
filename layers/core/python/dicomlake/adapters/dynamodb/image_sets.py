"""The image sets of one data store: the head, past versions, members, and rows to find them by.

The rows by which an image set is found are written before it and lead nowhere until it stands; one that tells of an
earlier time is passed over by whoever reads it.
"""

from collections.abc import Sequence

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.packing import pack
from dicomlake.adapters.dynamodb.rows import number, packed_item, value_in
from dicomlake.adapters.dynamodb.table import ABSENT, Condition, Item, Table, delete, item_of, put
from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.model import InstanceUid, SeriesUid, StudyUid
from dicomlake.ports import ImageSetOrder, ImageSetPlace, Page

MOST_BYTES = 350_000
"""Of a packed list of members: an item holds 400 kB. Longer ones, of some ten thousand instances, are not kept."""


class DynamoDbImageSetIndex:
    """The image sets of one data store, in its table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def image_set(self, image_set_id: str) -> ImageSet | None:
        """Return an image set as it is now, read consistently."""
        item = self._table.get(keys.image_set(image_set_id))
        return value_in(ImageSet, item) if item else None

    def image_sets(self, image_set_ids: Sequence[str]) -> dict[str, ImageSet]:
        """Return those of the image sets that exist, as they are now."""
        items = self._table.get_many([keys.image_set(name) for name in image_set_ids])
        return {one.image_set_id: one for one in (value_in(ImageSet, item) for item in items)}

    def image_set_version(self, image_set_id: str, version: int) -> ImageSet | None:
        """Return an image set as it was in a past version."""
        item = self._table.get(keys.image_set_version(image_set_id, version))
        return value_in(ImageSet, item) if item else None

    def image_set_versions(self, image_set_id: str, before: int, limit: int) -> Page[ImageSet]:
        """List past versions below a number, newest first."""
        pk, low = keys.image_set_version(image_set_id, 0)
        _, high = keys.image_set_version(image_set_id, before - 1)
        items, after = self._table.query(pk, low, high, limit=limit, descending=True)
        some = tuple(value_in(ImageSet, item) for item in items)
        return Page(some, str(some[-1].version) if after and some[-1].version > 1 else "", len(some))

    def members(self, image_set_id: str, content: str) -> tuple[InstanceUid, ...] | None:
        """Return which instances a content of an image set is made of; None where that was not kept."""
        item = self._table.get(keys.image_set_members(image_set_id, content))
        return value_in(tuple[InstanceUid, ...], item) if item else None

    def save_image_set(self, made: ImageSet, members: Sequence[InstanceUid], replaced: ImageSet | None) -> bool:
        """Write a version in place of the one that was read; return False where another one stands there."""
        self._table.put_many(self._found_by(made, members, replaced))
        if not self._put_head(made, replaced):
            return False
        if replaced is not None and replaced.updated_at != made.updated_at:
            self._table.write(delete(_updated(replaced)))
        return True

    def _put_head(self, made: ImageSet, replaced: ImageSet | None) -> bool:
        head = packed_item(keys.image_set(made.image_set_id), made, v=number(made.version))
        if replaced is None:
            return self._table.write(put(head, ABSENT))
        past = packed_item(keys.image_set_version(replaced.image_set_id, replaced.version), replaced)
        stands = Condition("v = :read", {":read": number(replaced.version)})
        return not self._table.transact([put(head, stands), put(past)])

    def _found_by(self, made: ImageSet, members: Sequence[InstanceUid], replaced: ImageSet | None) -> list[Item]:
        """The rows to find an image set by; what does not change is written with its first version."""
        rows = [item_of(_updated(made))]
        if replaced is None:
            rows += [
                item_of(keys.image_set_of_study(made.study_uid, made.image_set_id)),
                item_of(keys.image_set_of_series(made.series_uid, made.image_set_id)),
                item_of(_listed(ImageSetOrder.CREATED, ImageSetPlace(made.created_at, made.image_set_id))),
            ]
        if replaced is None or replaced.content != made.content:
            key = keys.image_set_members(made.image_set_id, made.content)
            packed = pack(tuple(members), *key)
            rows += [item_of(key, d={"B": packed})] if len(packed) <= MOST_BYTES else []
        return rows

    def listed(
        self,
        order: ImageSetOrder,
        low: str = "",
        high: str = "",
        newest_first: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Page[ImageSetPlace]:
        """List image sets by a time in [low, high]."""
        pk, first = keys.image_set_listed(order, low or "0")
        last = f"{high}#{keys.LAST}" if high else keys.END
        items, after = self._table.query(pk, first, last, after, limit, newest_first, False)
        return Page(tuple(_place(item) for item in items), after, len(items))

    def of_study(self, study_uid: StudyUid) -> tuple[str, ...]:
        """Return the ids of a study's image sets."""
        return self._ids(keys.image_set_of_study(study_uid, ""))

    def of_series(self, series_uid: SeriesUid) -> tuple[str, ...]:
        """Return the ids of a series' image sets."""
        return self._ids(keys.image_set_of_series(series_uid, ""))

    def _ids(self, prefix: keys.Key) -> tuple[str, ...]:
        items, _ = self._table.query(prefix[0], prefix[1], prefix[1] + keys.LAST)
        return tuple(item["sk"]["S"].removeprefix("G#") for item in items)


def _listed(order: ImageSetOrder, place: ImageSetPlace) -> keys.Key:
    return keys.image_set_listed(order, place.place)


def _updated(one: ImageSet) -> keys.Key:
    return _listed(ImageSetOrder.UPDATED, ImageSetPlace(one.updated_at, one.image_set_id))


def _place(item: Item) -> ImageSetPlace:
    at, _, image_set_id = item["sk"]["S"].rpartition("#")
    return ImageSetPlace(at, image_set_id)

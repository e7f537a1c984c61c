"""Image sets in memory: every version of each, the last one as it is now."""

from collections.abc import Callable, Sequence

from dicomlake.adapters.memory.state import MemoryState, page_of
from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.model import InstanceUid, SeriesUid, StudyUid
from dicomlake.ports import ImageSetOrder, ImageSetPlace, Page


class MemoryImageSetIndex:
    """The image sets of one data store, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def image_set(self, image_set_id: str) -> ImageSet | None:
        """Return an image set as it is now."""
        with self._state.lock:
            held = self._state.image_sets.get(image_set_id)
            return held[-1] if held else None

    def image_sets(self, image_set_ids: Sequence[str]) -> dict[str, ImageSet]:
        """Return those of the image sets that exist, as they are now."""
        with self._state.lock:
            held = self._state.image_sets
            return {name: held[name][-1] for name in image_set_ids if name in held}

    def image_set_version(self, image_set_id: str, version: int) -> ImageSet | None:
        """Return an image set as it was in a past version."""
        return next((one for one in self._past(image_set_id) if one.version == version), None)

    def image_set_versions(self, image_set_id: str, before: int, limit: int) -> Page[ImageSet]:
        """List past versions below a number, newest first."""
        below = [one for one in reversed(self._past(image_set_id)) if one.version < before]
        some = tuple(below[:limit])
        return Page(some, str(some[-1].version) if len(below) > limit else "", len(some))

    def _past(self, image_set_id: str) -> list[ImageSet]:
        with self._state.lock:
            return self._state.image_sets.get(image_set_id, [])[:-1]

    def members(self, image_set_id: str, content: str) -> tuple[InstanceUid, ...] | None:
        """Return which instances a content of an image set is made of."""
        with self._state.lock:
            return self._state.members.get((image_set_id, content))

    def save_image_set(self, made: ImageSet, members: Sequence[InstanceUid], replaced: ImageSet | None) -> bool:
        """Write a version in place of the one that was read; return False where another one stands there."""
        with self._state.lock:
            held = self._state.image_sets.setdefault(made.image_set_id, [])
            if (held[-1].version if held else 0) != (replaced.version if replaced else 0):
                return False
            held.append(made)
            self._state.members[made.image_set_id, made.content] = tuple(members)
            return True

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
        with self._state.lock:
            heads = [held[-1] for held in self._state.image_sets.values() if held]
        places = [
            ImageSetPlace(one.created_at if order is ImageSetOrder.CREATED else one.updated_at, one.image_set_id)
            for one in heads
        ]
        inside = [one for one in places if low <= one.at and (not high or one.at <= high)]
        return page_of(inside, lambda one: one.place, after, limit, newest_first)

    def of_study(self, study_uid: StudyUid) -> tuple[str, ...]:
        """Return the ids of a study's image sets."""
        return self._ids(lambda one: one.study_uid == study_uid)

    def of_series(self, series_uid: SeriesUid) -> tuple[str, ...]:
        """Return the ids of a series' image sets."""
        return self._ids(lambda one: one.series_uid == series_uid)

    def _ids(self, wanted: Callable[[ImageSet], bool]) -> tuple[str, ...]:
        with self._state.lock:
            heads = [held[-1] for held in self._state.image_sets.values() if held]
            return tuple(sorted(one.image_set_id for one in heads if wanted(one)))

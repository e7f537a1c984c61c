"""The image sets of a data store, their past versions, and the lists they are found by."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.model import InstanceUid, SeriesUid, StudyUid
from dicomlake.ports.surroundings import Page


class ImageSetOrder(StrEnum):
    """The times by which image sets are listed."""

    CREATED = "created"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class ImageSetPlace:
    """An image set in a list: its time, and its id. A list may tell of a time that is no longer the image set's."""

    at: str
    image_set_id: str

    @property
    def place(self) -> str:
        """What a listing goes on behind, given as `after`."""
        return f"{self.at}#{self.image_set_id}"


class ImageSetIndex(Protocol):
    """The image sets of one data store."""

    def image_set(self, image_set_id: str) -> ImageSet | None:
        """Return an image set as it is now, read consistently."""
        ...

    def image_sets(self, image_set_ids: Sequence[str]) -> dict[str, ImageSet]:
        """Return those of the image sets that exist, as they are now."""
        ...

    def image_set_version(self, image_set_id: str, version: int) -> ImageSet | None:
        """Return an image set as it was in a past version."""
        ...

    def image_set_versions(self, image_set_id: str, before: int, limit: int) -> Page[ImageSet]:
        """List past versions below a number, newest first."""
        ...

    def members(self, image_set_id: str, content: str) -> tuple[InstanceUid, ...] | None:
        """Return which instances a content of an image set is made of; None where that was not kept."""
        ...

    def save_image_set(self, made: ImageSet, members: Sequence[InstanceUid], replaced: ImageSet | None) -> bool:
        """Write a version in place of the one that was read (None: there is none), which becomes a past one.

        Return False, with the image set unchanged, where another version stands there. `members` are the instances
        that `made.content` is made of; they are kept once a content.
        """
        ...

    def listed(
        self,
        order: ImageSetOrder,
        low: str = "",
        high: str = "",
        newest_first: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> Page[ImageSetPlace]:
        """List image sets by a time in [low, high]; "" is open."""
        ...

    def of_study(self, study_uid: StudyUid) -> tuple[str, ...]:
        """Return the ids of a study's image sets."""
        ...

    def of_series(self, series_uid: SeriesUid) -> tuple[str, ...]:
        """Return the ids of a series' image sets."""
        ...

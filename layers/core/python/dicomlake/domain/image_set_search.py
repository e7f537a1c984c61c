"""What a search for image sets asks, and how its answers are ordered: pure, so that it can be tested by literals."""

from dataclasses import dataclass
from enum import StrEnum

from dicomlake.domain.image_sets import ImageSet
from dicomlake.domain.levels import text_of
from dicomlake.domain.search_keys import stamp_of
from dicomlake.domain.study import Study

WITHIN = "\x01"
"""Ends a study's time where studies of one time follow each other by UID, as in the index."""


class SortField(StrEnum):
    """By what answers are ordered."""

    UPDATED_AT = "updatedAt"
    CREATED_AT = "createdAt"
    STUDY_DATE_AND_TIME = "DICOMStudyDateAndTime"


class Attribute(StrEnum):
    """What a filter looks at."""

    PATIENT_ID = "DICOMPatientId"
    ACCESSION_NUMBER = "DICOMAccessionNumber"
    STUDY_ID = "DICOMStudyId"
    STUDY_INSTANCE_UID = "DICOMStudyInstanceUID"
    SERIES_INSTANCE_UID = "DICOMSeriesInstanceUID"
    CREATED_AT = "createdAt"
    UPDATED_AT = "updatedAt"
    STUDY_DATE_AND_TIME = "DICOMStudyDateAndTime"
    IS_PRIMARY = "isPrimary"


RANGES = frozenset({Attribute.CREATED_AT, Attribute.UPDATED_AT, Attribute.STUDY_DATE_AND_TIME})
"""What may be asked for between two values."""


@dataclass(frozen=True, slots=True)
class Found:
    """An image set with its study, as a search sees them."""

    image_set: ImageSet
    study: Study


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: the attribute's text lies in [low, high]; equal ends mean exactly this.

    Times are texts as the index writes them, study dates `<date>#<time>`, `isPrimary` is "true" or "false".
    """

    attribute: Attribute
    low: str
    high: str

    def takes(self, found: Found) -> bool:
        """Whether an image set meets the condition."""
        return self.low <= value_of(self.attribute, found) <= self.high


@dataclass(frozen=True, slots=True)
class ImageSetSearch:
    """Every filter has to be met."""

    filters: tuple[Filter, ...] = ()
    sort: SortField = SortField.UPDATED_AT
    newest_first: bool = True

    def takes(self, found: Found) -> bool:
        """Whether an image set is an answer."""
        return all(one.takes(found) for one in self.filters)

    def place(self, found: Found) -> tuple[str, str]:
        """Return where an answer stands among the others: by the sort field (and study), then by its id."""
        value, name = value_of(Attribute(self.sort), found), found.image_set.image_set_id
        if self.sort is SortField.STUDY_DATE_AND_TIME:
            return f"{value}{WITHIN}{found.study.study_uid}", name
        return value, name

    def filter_on(self, *attributes: Attribute) -> Filter | None:
        """Return the filter on the first of these attributes that has one."""
        held = {one.attribute: one for one in reversed(self.filters)}
        return next((held[name] for name in attributes if name in held), None)


_TAGS = {
    Attribute.PATIENT_ID: "00100020",
    Attribute.ACCESSION_NUMBER: "00080050",
    Attribute.STUDY_ID: "00200010",
}


def value_of(attribute: Attribute, found: Found) -> str:
    """Return the text of what a filter or a sort looks at."""
    if attribute in _TAGS:
        return text_of(found.study.attributes, _TAGS[attribute])
    image_set = found.image_set
    return {
        Attribute.STUDY_INSTANCE_UID: str(image_set.study_uid),
        Attribute.SERIES_INSTANCE_UID: str(image_set.series_uid),
        Attribute.CREATED_AT: image_set.created_at,
        Attribute.UPDATED_AT: image_set.updated_at,
        Attribute.STUDY_DATE_AND_TIME: stamp_of(found.study),
        Attribute.IS_PRIMARY: "true" if image_set.is_primary else "false",
    }[attribute]

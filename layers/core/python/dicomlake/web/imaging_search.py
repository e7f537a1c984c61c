"""SearchImageSets: filters, sort and pages as the model spells them."""

from datetime import datetime
from typing import Any

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.image_set_search import RANGES, Attribute, Filter, Found, ImageSetSearch, SortField
from dicomlake.domain.levels import first_value, text_of
from dicomlake.domain.names import written_name
from dicomlake.domain.study import format_time
from dicomlake.usecases.search_image_sets import search_image_sets
from dicomlake.web.imaging_call import ImagingCall, epoch, result
from dicomlake.web.imaging_pages import page_size, place_after, token_of
from dicomlake.web.imaging_sets import FREQUENT
from dicomlake.web.response import Response

FIRST, LAST = "000000", "235959"
"""The times of day that a study date without one begins and ends at."""


def search(call: ImagingCall) -> Response:
    """SearchImageSets; without a sort the last updated come first, as HealthImaging has it."""
    criteria = call.arguments.get("searchCriteria", {})
    sort = criteria.get("sort", {"sortField": SortField.UPDATED_AT, "sortOrder": "DESC"})
    asked = ImageSetSearch(
        filters=tuple(read_filter(one) for one in criteria.get("filters", ())),
        sort=SortField(sort["sortField"]),
        newest_first=sort["sortOrder"] == "DESC",
    )
    page = search_image_sets(asked, place_after(call), page_size(call), call.ports)
    return result(
        imageSetsMetadataSummaries=[_summary(found) for found in page.items], sort=sort, nextToken=token_of(page.after)
    )


def read_filter(given: dict[str, Any]) -> Filter:
    """Return a filter of a request. Raises InvalidRequestError where its values do not fit its operator."""
    values, operator = given["values"], given["operator"]
    names = {name for value in values for name in value}
    if len(names) != 1:
        raise InvalidRequestError("the values of a filter are all of one attribute")
    attribute = Attribute(names.pop())
    between = operator == "BETWEEN"
    if between and attribute not in RANGES:
        raise InvalidRequestError(f"BETWEEN is for {', '.join(sorted(RANGES))}; {attribute} takes EQUAL")
    if len(values) != (2 if between else 1):
        raise InvalidRequestError("BETWEEN takes two values, the lower and the upper; EQUAL takes one")
    bounds = [_bounds(attribute, value[attribute]) for value in values]
    if bounds[0][0] > bounds[-1][1]:
        raise InvalidRequestError("the first value of BETWEEN is the lower one")
    return Filter(attribute, bounds[0][0], bounds[-1][1])


def _bounds(attribute: Attribute, value: Any) -> tuple[str, str]:
    """The first and the last text that a value stands for: a day has times, every other value is itself."""
    if isinstance(value, datetime):
        return format_time(value), format_time(value)
    if isinstance(value, bool):
        return str(value).lower(), str(value).lower()
    if attribute is not Attribute.STUDY_DATE_AND_TIME:
        return value, value
    day, time = value["DICOMStudyDate"], value.get("DICOMStudyTime", "")
    whole = time.split(".")[0].replace(":", "")
    if not (day.isdigit() and len(day) == 8) or (whole and not (whole.isdigit() and len(whole) in (2, 4, 6))):
        raise InvalidRequestError("DICOMStudyDate is YYYYMMDD, DICOMStudyTime HHMMSS, HHMM or HH")
    return f"{day}#{whole + FIRST[len(whole) :]}", f"{day}#{whole + LAST[len(whole) :]}"


def _summary(found: Found) -> dict[str, Any]:
    one = found.image_set
    return {
        "imageSetId": one.image_set_id,
        "version": one.version,
        "createdAt": epoch(one.created_at),
        "updatedAt": epoch(one.updated_at),
        "storageTier": FREQUENT,
        "isPrimary": one.is_primary,
        "DICOMTags": _tags(found),
    }


_TEXTS = (
    ("DICOMPatientId", "00100020"),
    ("DICOMPatientBirthDate", "00100030"),
    ("DICOMPatientSex", "00100040"),
    ("DICOMStudyId", "00200010"),
    ("DICOMStudyDescription", "00081030"),
    ("DICOMAccessionNumber", "00080050"),
    ("DICOMStudyDate", "00080020"),
    ("DICOMStudyTime", "00080030"),
)
_OF_THE_SERIES = (("DICOMSeriesModality", "00080060"), ("DICOMSeriesBodyPart", "00180015"))


def _tags(found: Found) -> dict[str, Any]:
    study, one = found.study, found.image_set
    texts = [(name, text_of(study.attributes, tag)) for name, tag in _TEXTS]
    texts += [(name, text_of(one.attributes, tag)) for name, tag in _OF_THE_SERIES]
    texts.append(("DICOMPatientName", written_name(first_value(study.attributes, "00100010"))))
    number = text_of(one.attributes, "00200011")
    return {
        **{name: text for name, text in texts if text},
        **({"DICOMSeriesNumber": int(number)} if _is_number(number) else {}),
        "DICOMStudyInstanceUID": one.study_uid,
        "DICOMSeriesInstanceUID": one.series_uid,
        "DICOMNumberOfStudyRelatedSeries": study.series_count,
        "DICOMNumberOfStudyRelatedInstances": study.counts.instances,
    }


def _is_number(text: str) -> bool:
    return text.lstrip("+-").isdigit() and len(text) <= 11

"""What a search answers (PS3.18 10.6.3.3): the index's attributes with those that are derived when answering."""

from dicomlake.domain.levels import BY_TAG, QueryLevel
from dicomlake.domain.model import InstanceRecord, JsonObject, JsonValue
from dicomlake.domain.query import Query
from dicomlake.domain.study import Series, Study


def describe_study(study: Study, base_url: str) -> JsonObject:
    """Return all a search can tell of a study, as DICOM JSON; `base_url` is the data store's DICOMweb root."""
    return {
        **study.attributes,
        **element("0020000D", study.study_uid),
        **element("00080056", "ONLINE"),
        **element("00080061", *study.modalities),
        **element("00080062", *study.sop_classes),
        **element("00081190", f"{base_url}/studies/{study.study_uid}"),
        **element("00201206", study.series_count),
        **element("00201208", study.counts.instances),
    }


def describe_series(study: Study, series: Series, base_url: str) -> JsonObject:
    """Return all a search can tell of a series, as DICOM JSON, without what is the study's."""
    return {
        **element("0020000D", study.study_uid),
        **series.attributes,
        **element("0020000E", series.series_uid),
        **(element("00080060", series.modality) if series.modality else {}),
        **element("00080056", "ONLINE"),
        **element("00081190", f"{base_url}/studies/{study.study_uid}/series/{series.series_uid}"),
        **element("00201209", series.counts.instances),
    }


def describe_instance(record: InstanceRecord, base_url: str) -> JsonObject:
    """Return all a search can tell of an instance, as DICOM JSON, without what is its study's and series'."""
    key = record.key
    place = f"studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}"
    return {
        **element("0020000D", key.study_uid),
        **element("0020000E", key.series_uid),
        **record.attributes,
        **element("00080016", record.sop_class_uid),
        **element("00080018", key.instance_uid),
        **element("00080056", "ONLINE"),
        **element("00081190", f"{base_url}/{place}"),
        **element("00083002", record.stored_transfer_syntax),
    }


def element(tag: str, *values: str | int) -> JsonObject:
    """Return one DICOM JSON attribute of the table, without a Value where there is none."""
    held: list[JsonValue] = list(values)
    content: JsonObject = {"vr": BY_TAG[tag].vr}
    return {tag: {**content, "Value": held} if held else content}


def project(query: Query, described: JsonObject) -> JsonObject:
    """Keep of a description what the query's answer contains, in tag order.

    That is: what every answer of its level has, what `includefield` names, and what was matched on.
    """
    asked = query.include | {match.tag for match in query.matches}
    kept = {tag: content for tag, content in described.items() if query.include_all or tag in asked or _due(tag, query)}
    absent = [tag for tag in asked if tag not in kept]
    kept.update({tag: {"vr": BY_TAG[tag].vr} for tag in absent if tag in BY_TAG and BY_TAG[tag].level <= query.level})
    return dict(sorted(kept.items()))


_UIDS = frozenset({"0020000D", "0020000E", "00080018", "00080056", "00081190"})


def _due(tag: str, query: Query) -> bool:
    """Whether every answer of the query's level has this attribute; an answer is not the attributes above its level."""
    row = BY_TAG.get(tag)
    return tag in _UIDS or (row is not None and row.returned and row.level <= query.level)


def parents_of(level: QueryLevel, query: Query, study: JsonObject, series: JsonObject) -> JsonObject:
    """Return the attributes of the levels above that belong to an answer: all for a query across studies."""
    return {**(study if level > QueryLevel.STUDY else {}), **(series if level > QueryLevel.SERIES else {})}

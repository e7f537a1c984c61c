"""What a search answers (PS3.18 10.6.3.3): the index's attributes with those that are derived when answering."""

from functools import cache

from dicomlake.domain.levels import ATTRIBUTES, BY_TAG, QueryLevel
from dicomlake.domain.model import InstanceRecord, JsonObject, JsonValue, TransferSyntaxUid
from dicomlake.domain.query import Query
from dicomlake.domain.served import available_syntaxes
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
        **element("00083002", *_available(record)),
    }


def _available(record: InstanceRecord) -> tuple[TransferSyntaxUid, ...]:
    """Clients choose from these what they ask frames in; some that find none they know do not ask at all."""
    stored = record.stored_transfer_syntax
    return available_syntaxes(stored) if record.frame_count else (stored,)


def element(tag: str, *values: str | int) -> JsonObject:
    """Return one DICOM JSON attribute of the table, without a Value where there is none."""
    held: list[JsonValue] = list(values)
    content: JsonObject = {"vr": BY_TAG[tag].vr}
    return {tag: {**content, "Value": held} if held else content}


def project(query: Query, described: JsonObject, scope: QueryLevel | None = None) -> JsonObject:
    """Keep of a description what the query's answer contains, in tag order.

    That is: what every answer of its level has, what `includefield` names, and what was matched on. `scope` is the
    level of what the request's path names: the attributes of that and of the levels above are the caller's to ask for.
    """
    asked = query.include | {match.tag for match in query.matches}
    kept = {tag: content for tag, content in described.items() if query.include_all or tag in asked}
    for tag in (*asked, *_due_tags(query.level, scope)):
        row = BY_TAG.get(tag)
        if tag in described:
            kept[tag] = described[tag]
        elif row and row.level <= query.level and (tag in asked or not row.may_be_absent):
            kept[tag] = {"vr": row.vr}
    return dict(sorted(kept.items()))


_EVERYWHERE = frozenset({"0020000D", "0020000E", "00080018", "00080056", "00081190", "00080005", "00080201"})
"""In answers of every level: the identifiers, availability and place, character set and offset from UTC."""


@cache
def _due_tags(level: QueryLevel, scope: QueryLevel | None) -> tuple[str, ...]:
    """The attributes that every answer of a query's level has (PS3.18 10.6.3.3)."""
    rows = (row for row in ATTRIBUTES if row.returned and row.level <= level)
    return tuple(row.tag for row in rows if scope is None or row.level > scope or row.tag in _EVERYWHERE)

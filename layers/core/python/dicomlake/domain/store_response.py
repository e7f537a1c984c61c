"""What a sender is told of the instances it sent: the Store Instances Response Module (PS3.18 I.2), as DICOM JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dicomlake.domain.errors import Reason
from dicomlake.domain.model import InstanceKey, JsonObject, JsonValue, Outcome, Warned

PROCESSING_FAILURE, DUPLICATE_INSTANCE, CLASS_NOT_SUPPORTED = 0x0110, 0x0111, 0x0122
OUT_OF_RESOURCES, OTHER_STUDY, CANNOT_UNDERSTAND, SYNTAX_NOT_SUPPORTED = 0xA700, 0xA901, 0xC000, 0xC122

FAILURE_REASONS: dict[Reason, int] = {
    Reason.NOT_DICOM: CANNOT_UNDERSTAND,
    Reason.DIRECTORY: CLASS_NOT_SUPPORTED,
    Reason.CONTAINER: CANNOT_UNDERSTAND,
    Reason.NON_PATIENT: CLASS_NOT_SUPPORTED,
    Reason.EMPTY: CANNOT_UNDERSTAND,
    Reason.MALFORMED: CANNOT_UNDERSTAND,
    Reason.TRUNCATED_HEADER: CANNOT_UNDERSTAND,
    Reason.MISSING_UID: CANNOT_UNDERSTAND,
    Reason.INVALID_UID: CANNOT_UNDERSTAND,
    Reason.UNSUPPORTED: SYNTAX_NOT_SUPPORTED,
    Reason.CONFLICT: DUPLICATE_INSTANCE,
    Reason.OTHER_STUDY: OTHER_STUDY,
    Reason.TOO_LARGE: OUT_OF_RESOURCES,
    Reason.CRASHED: PROCESSING_FAILURE,
    Reason.EXHAUSTED: PROCESSING_FAILURE,
    Reason.UNREADABLE: PROCESSING_FAILURE,
    Reason.VERIFY_FAILED: PROCESSING_FAILURE,
    Reason.DEID_REFUSED: PROCESSING_FAILURE,
}
"""Failure Reason (0008,1197) of what is in quarantine, by its reason there (PS3.18 Table I.2-2)."""

COERCED, MISMATCHED = 0xB000, 0xB007
WARNING_REASONS: dict[str, int] = {
    "conflict-kept-beside": COERCED,
    "instance-uid-in-other-series": COERCED,
    "image-pixel-derived": COERCED,
    "truncated-pixels": MISMATCHED,
    "truncated-frame": MISMATCHED,
}
"""Warning Reason (0008,1196) by the code of a warning; the first that an instance has is told (PS3.18 Table I.2-1)."""

_NOT_SHOWN = frozenset({"instance-uid-in-other-series"})
"""Warnings with which an instance is kept, but not under its own URL."""


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What became of one instance that was sent.

    `key` and `sop_class_uid` are known where its header could be read. `original` holds the attributes, as they were
    sent, of which readers get other values (DICOM JSON): the answer to a conflict, or to values that were derived.
    `detail` says more than the reason does, without patient data.
    """

    outcome: Outcome
    key: InstanceKey | None = None
    sop_class_uid: str = ""
    reason: Reason | None = None
    warnings: tuple[Warned, ...] = ()
    original: JsonObject = field(default_factory=dict)
    at: str = ""
    detail: str = ""

    @property
    def stored(self) -> bool:
        """Whether the instance is held, by this request or since before."""
        return self.outcome in (Outcome.STORED, Outcome.DUPLICATE)

    @property
    def decided(self) -> bool:
        """Whether the instance is stored or in quarantine, and not still worked on."""
        return self.outcome is not Outcome.PENDING


def store_status(results: Sequence[StoreResult]) -> int:
    """Return the status of an answer (PS3.18 Table 10.5.3-1).

    200: all are stored, duplicates and those with warnings included. 202: some are, or some are still worked on.
    409: none is.
    """
    if any(not result.decided for result in results):
        return 202
    stored = sum(result.stored for result in results)
    return 200 if stored == len(results) else 202 if stored else 409


def store_response(results: Sequence[StoreResult], base_url: str) -> JsonObject:
    """Return the data set that tells a sender what became of each instance; `base_url` is the DICOMweb root.

    What is still worked on stands in no sequence yet.
    """
    stored = [result for result in results if result.stored]
    failed = [result for result in results if result.outcome is Outcome.QUARANTINED]
    named = [_failed(result) for result in failed if result.key]
    unnamed = [_reason(result) for result in failed if not result.key]
    studies = {result.key.study_uid for result in stored if result.key}
    return {
        **_sequence("00081198", named),
        **_sequence("00081199", [_referenced(result, base_url) for result in stored]),
        **_sequence("0008119A", unnamed),
        **(_one("00081190", "UR", f"{base_url}/studies/{studies.pop()}") if len(studies) == 1 else {}),
    }


def _referenced(result: StoreResult, base_url: str) -> JsonObject:
    key, codes = result.key, [warned.code for warned in result.warnings]
    shown = key is not None and not _NOT_SHOWN.intersection(codes)
    place = f"{base_url}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}" if key else ""
    told = [reason for code, reason in WARNING_REASONS.items() if code in codes]
    return {
        **_names(result),
        **(_one("00081190", "UR", place) if shown else {}),
        **(_one("00081196", "US", told[0]) if told else {}),
        **_original(result),
    }


def _failed(result: StoreResult) -> JsonObject:
    return {**_names(result), **_reason(result), **_original(result)}


def _names(result: StoreResult) -> JsonObject:
    uid = result.key.instance_uid if result.key else ""
    return {**_one("00081150", "UI", result.sop_class_uid), **_one("00081155", "UI", uid)}


def _reason(result: StoreResult) -> JsonObject:
    return _one("00081197", "US", FAILURE_REASONS[result.reason] if result.reason else PROCESSING_FAILURE)


def _original(result: StoreResult) -> JsonObject:
    """Tell the values that were sent and are not what readers get (PS3.3 C.12.1.1.9)."""
    if not result.original:
        return {}
    item: JsonObject = {
        **_sequence("04000550", [result.original]),
        **_one("04000562", "DT", _date_time(result.at)),
        **_one("04000563", "LO", "dicomlake"),
        "04000564": {"vr": "LO"},
        **_one("04000565", "CS", "COERCE"),
    }
    return _sequence("04000561", [item])


def _date_time(at: str) -> str:
    """ISO 8601 in UTC as a DT value."""
    return f"{''.join(char for char in at.removesuffix('Z') if char not in '-:T')}+0000" if at else ""


def _one(tag: str, vr: str, value: JsonValue) -> JsonObject:
    return {tag: {"vr": vr, "Value": [value]} if value != "" else {"vr": vr}}


def _sequence(tag: str, items: Iterable[JsonObject]) -> JsonObject:
    held: list[JsonValue] = list(items)
    return {tag: {"vr": "SQ", "Value": held}} if held else {}


def told_failures(results: Sequence[StoreResult], sentences: dict[Reason, str]) -> Iterator[str]:
    """Yield a sentence a failed part, by its number from 1: what its code does not tell."""
    for number, result in enumerate(results, 1):
        if result.reason:
            yield f"part {number}: {result.detail or sentences[result.reason]}"

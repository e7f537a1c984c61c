"""Changes of what is stored: deletion, its undoing, purge, correction, hold. Pure values and rules.

A change is made to one study, one at a time: while it is under way it holds the study's lock. What it did stands in
the study's history under a number, 1 for the first, so that a number names a version of the study.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dicomlake.domain.model import InstanceKey, InstanceRecord, InstanceUid, JsonObject, SeriesUid, StudyUid, Visibility
from dicomlake.domain.study import parse_time


class ChangeKind(StrEnum):
    """What kind of change it is."""

    DELETE = "delete"
    """Hidden by a tombstone; the bytes remain until a purge."""
    UNDELETE = "undelete"
    """The tombstone is taken back."""
    PURGE = "purge"
    """The bytes are given up; only the tombstone remains."""
    CORRECT = "correct"
    """A metadata overlay; `values` are the new elements, null where one is taken away."""
    REVERT = "revert"
    """Corrections since the change `target` no longer count."""
    HOLD = "hold"
    """A legal hold: nothing of the study may be deleted or purged until it is released."""
    RELEASE = "release"
    """The hold is released."""
    REJECT = "reject"
    """Hidden by a rejection note (IOCM); `detail` holds its document title code."""
    PROMOTE = "promote"
    """Another instance under the same key became primary; `detail` holds its ledger key."""
    POLICY = "policy"
    """A data store's policy was set; `detail` holds what was and what is."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a change is made to: a study, one of its series, or one instance."""

    study_uid: StudyUid
    series_uid: SeriesUid | None = None
    instance_uid: InstanceUid | None = None

    def __post_init__(self) -> None:
        if self.instance_uid and not self.series_uid:
            raise ValueError("a scope's UIDs are given from the study downwards")

    @property
    def key(self) -> InstanceKey | None:
        """The instance's key, where the scope is one."""
        if self.series_uid is None or self.instance_uid is None:
            return None
        return InstanceKey(self.study_uid, self.series_uid, self.instance_uid)

    def covers(self, key: InstanceKey) -> bool:
        """Whether an instance lies in the scope."""
        return (
            key.study_uid == self.study_uid
            and self.series_uid in (None, key.series_uid)
            and self.instance_uid in (None, key.instance_uid)
        )

    def touches(self, series_uid: SeriesUid) -> bool:
        """Whether a series of the study, or a part of it, lies in the scope."""
        return self.series_uid in (None, series_uid)


@dataclass(frozen=True, slots=True)
class StudyChange:
    """One change: who made it when, and to what; under way while `number` is 0.

    `at` is ISO 8601 in UTC, `by` the caller's ARN. `values` and `was` are DICOM JSON of a correction: what is to be,
    and what the index held. `target` is the number of the change that is undone or reverted to. `step` and `after`
    say how far it came; `instances` counts those it changed.
    """

    change_id: str
    kind: ChangeKind
    scope: Scope
    at: str
    by: str
    reason: str = ""
    number: int = 0
    values: JsonObject = field(default_factory=dict)
    was: JsonObject = field(default_factory=dict)
    target: int = 0
    step: int = 0
    after: str = ""
    instances: int = 0

    def ended(self, number: int, instances: int) -> "StudyChange":
        """Return the change as its study's history keeps it."""
        return replace(self, number=number, instances=self.instances + instances, step=0, after="")

    def continued(self, after: str, instances: int) -> "StudyChange":
        """Return the change one step on."""
        return replace(self, after=after, instances=self.instances + instances, step=self.step + 1)


def came_after(record: InstanceRecord, at: str) -> bool:
    """Whether an instance arrived after a time: a deletion hides what landed up to its moment, and no more.

    So what is sent again afterwards is a new instance, and what an index that is rebuilt meets again is not.
    """
    return parse_time(record.arrived_at) > parse_time(at)


def hidden(record: InstanceRecord, at: str) -> InstanceRecord:
    """Return an index row as a deletion leaves it."""
    return replace(record, visibility=Visibility.DELETED, version=record.version + 1, changed_at=at)


def shown(record: InstanceRecord, at: str) -> InstanceRecord:
    """Return an index row as the undoing of its deletion leaves it."""
    return replace(record, visibility=Visibility.PRIMARY, version=record.version + 1, changed_at=at)


def is_held(history: Iterable[StudyChange]) -> bool:
    """Whether a study is under a legal hold: the last word counts."""
    words = [one.kind for one in history if one.kind in (ChangeKind.HOLD, ChangeKind.RELEASE)]
    return bool(words) and words[-1] is ChangeKind.HOLD


def next_number(history: Sequence[StudyChange]) -> int:
    """Return the number of a study's next change."""
    return history[-1].number + 1 if history else 1


def corrections(history: Sequence[StudyChange], up_to: int | None = None) -> tuple[StudyChange, ...]:
    """Return the corrections that count, oldest first, as of a number: a reversion takes back those of its own
    scope behind its target.

    Raises ValueError where the history has no such number (0 is the study as it was stored).
    """
    last = history[-1].number if history else 0
    number = last if up_to is None else up_to
    if not 0 <= number <= last:
        raise ValueError("the study has no version of this number")
    standing: list[StudyChange] = []
    for one in history:
        if one.number > number:
            break
        if one.kind is ChangeKind.CORRECT:
            standing.append(one)
        elif one.kind is ChangeKind.REVERT:
            standing = [held for held in standing if held.scope != one.scope]
            standing += [held for held in corrections(history, one.target) if held.scope == one.scope]
            standing.sort(key=lambda held: held.number)
    return tuple(standing)


def corrected_as_of(history: Sequence[StudyChange], series_uid: SeriesUid) -> int:
    """Return the number of the last change of what a series' metadata are, 0 where there was none."""
    kinds = (ChangeKind.CORRECT, ChangeKind.REVERT)
    return max((one.number for one in history if one.kind in kinds and one.scope.touches(series_uid)), default=0)

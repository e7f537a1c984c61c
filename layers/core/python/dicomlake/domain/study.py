"""A study's life: receiving -> settling -> ready, and again when something arrives late. Pure transitions.

A study settles after a quiet period, at once when the declared count is reached, and at the latest `cap` seconds
after its generation's first image; work in flight holds it back up to the cap.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dicomlake.domain.commit import CommitRow, SeriesShare
from dicomlake.domain.ledger import NO_TALLY, Tally
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import NO_COUNTS, Counts, JsonObject, SeriesUid, StudyUid

CORRECTED = "corrected"
"""The kind of commit row whose attributes are single elements over what is held."""


class StudyState(StrEnum):
    """Where a study is in its life."""

    RECEIVING = "receiving"
    SETTLING = "settling"
    READY = "ready"


class Completeness(StrEnum):
    """What StudyReady knows about whether everything is there; `quiet` is never shown as complete."""

    DECLARED = "declared"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Study:
    """One study as the index holds it: search attributes, folded counts, and the state of its current generation.

    Times are ISO 8601 in UTC. `version` grows with every write and guards it. `timer_due` is until when the settle
    timer lives, which re-arms itself ("" where none was armed for this generation). `since_ready` counts what came
    since it was last ready.
    """

    study_uid: StudyUid
    state: StudyState = StudyState.RECEIVING
    generation: int = 1
    version: int = 0
    attributes: JsonObject = field(default_factory=dict)
    counts: Counts = NO_COUNTS
    tally: Tally = NO_TALLY
    modalities: tuple[str, ...] = ()
    sop_classes: tuple[str, ...] = ()
    series_count: int = 0
    generation_started_at: str = ""
    last_stored_at: str = ""
    timer_due: str = ""
    declared: int | None = None
    ready_at: str = ""
    ready_generation: int = 0
    since_ready: Tally = NO_TALLY
    warnings: int = 0
    truncated: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One series as the index holds it.

    `metadata_key` names its pre-built metadata object ("" before it settles), which holds `metadata_instances` and was
    built when the series had been changed `metadata_changes` times; `changes` counts deletions, corrections and the
    like, as soon as they are made: the object counts only while both are equal (`has_metadata`);
    `findings` are the codes of what its settling met (domain.findings): warnings, never a reason to hold it back.
    """

    series_uid: SeriesUid
    modality: str = ""
    attributes: JsonObject = field(default_factory=dict)
    counts: Counts = NO_COUNTS
    sop_classes: tuple[str, ...] = ()
    metadata_key: str = ""
    metadata_instances: int = 0
    packs: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    changes: int = 0
    metadata_changes: int = 0

    @property
    def has_metadata(self) -> bool:
        """Whether its metadata object tells of all that the series holds now, and of nothing else."""
        return (
            bool(self.metadata_key)
            and self.metadata_instances == self.counts.instances
            and self.metadata_changes == self.changes
        )


def fold_study(study: Study | None, rows: tuple[CommitRow, ...], known_series: tuple[Series, ...]) -> Study:
    """Return the study with the rows' counts added; what is stored after `receiving` opens a new generation.

    Duplicates alone are counted and open none: there is nothing to compact and nothing to tell. `known_series` are the
    study's series after the same rows were folded into them.
    """
    first = rows[0]
    if first.study_uid is None:
        raise ValueError("only a study's own commit rows fold into it")
    before = study or Study(first.study_uid)
    tally = sum((row.tally for row in rows), NO_TALLY)
    stays = before.state is StudyState.RECEIVING or all(row.kind == "duplicate" for row in rows)
    current = before if stays else _next_generation(before)
    stamps = sorted(row.at for row in rows)
    held = [series for series in known_series if series.counts.instances > 0]
    return replace(
        current,
        attributes=_study_attributes(current, rows),
        counts=sum((row.counts for row in rows), current.counts),
        tally=current.tally + tally,
        since_ready=current.since_ready + (NO_TALLY if current.state is StudyState.READY else tally),
        modalities=tuple(sorted({s.modality for s in held if s.modality})),
        sop_classes=tuple(sorted({uid for s in held for uid in s.sop_classes})),
        series_count=len(held),
        generation_started_at=current.generation_started_at or stamps[0],
        last_stored_at=max(current.last_stored_at, stamps[-1]),
        warnings=current.warnings + sum(row.warnings for row in rows),
        truncated=current.truncated + sum(row.truncated for row in rows),
    )


def fold_series(known: tuple[Series, ...], rows: tuple[CommitRow, ...]) -> tuple[Series, ...]:
    """Return the series that the rows touch, with their shares added (the untouched ones are left out)."""
    held = {series.series_uid: series for series in known}
    touched: dict[SeriesUid, Series] = {}
    for row in _in_time(rows):
        for share in row.series:
            uid = share.series_uid
            touched[uid] = _add_share(touched.get(uid) or held.get(uid) or Series(uid), share, row.kind)
    return tuple(touched.values())


def _add_share(series: Series, share: SeriesShare, kind: str) -> Series:
    empty = series.counts.instances <= 0
    attributes = _told(series.attributes, share.attributes.attributes, kind, empty)
    classes = () if empty else series.sop_classes
    modality = text_of(attributes, "00080060") if kind == CORRECTED else share.modality
    return replace(
        series,
        modality=modality if modality and (empty or kind == CORRECTED) else series.modality or share.modality,
        attributes=attributes,
        counts=series.counts + share.counts,
        sop_classes=tuple(sorted({*classes, *share.sop_classes})),
    )


def _in_time(rows: tuple[CommitRow, ...]) -> list[CommitRow]:
    """In the order of time; a correction is made of what is there, so it comes behind what has its own time."""
    return sorted(rows, key=lambda row: (row.at, row.kind == CORRECTED, row.commit_id))


def _study_attributes(study: Study, rows: tuple[CommitRow, ...]) -> JsonObject:
    attributes, instances = study.attributes, study.counts.instances
    for row in _in_time(rows):
        attributes = _told(attributes, row.study.attributes if row.study else {}, row.kind, instances <= 0)
        instances += row.counts.instances
    return attributes


def _told(held: JsonObject, told: JsonObject, kind: str, empty: bool) -> JsonObject:
    """What the first instance gave counts, again where all were deleted since; a correction changes single elements."""
    if kind == CORRECTED:
        return overlaid(held, told)
    return told if told and (empty or not held) else held


def overlaid(attributes: JsonObject, values: JsonObject) -> JsonObject:
    """Return DICOM JSON with the elements of a correction over it; null takes one away."""
    merged = {**attributes, **values}
    return {tag: element for tag, element in sorted(merged.items()) if element is not None}


def _next_generation(study: Study) -> Study:
    """A declaration that was met is used up: what comes after it was not declared.

    A generation that was overtaken before it was ready is told by the next one: what it added stays counted."""
    return replace(
        study,
        state=StudyState.RECEIVING,
        generation=study.generation + 1,
        declared=None if study.declared and study.counts.instances >= study.declared else study.declared,
        generation_started_at="",
        timer_due="",
        since_ready=NO_TALLY if study.state is StudyState.READY else study.since_ready,
    )


@dataclass(frozen=True, slots=True)
class SettlePolicy:
    """When a study settles: seconds of quiet, and seconds after the generation's first image at the latest."""

    quiet_seconds: float
    cap_seconds: float


TIMER_SLACK = timedelta(seconds=30)
"""How late a settle timer may be before it counts as lost and is armed again."""


LAG = 2
"""Quiet periods by which the counts of a receiving study may lag."""


def has_timer(study: Study, now: datetime) -> bool:
    """Whether a settle timer of the study's generation is alive, as far as its row tells."""
    return bool(study.timer_due) and parse_time(study.timer_due) + TIMER_SLACK > now


def timer_until(study: Study, policy: SettlePolicy, due: datetime) -> datetime:
    """Return until when a timer that fires first at `due` lives: it re-arms itself until the generation's cap."""
    return max(due, parse_time(study.generation_started_at) + timedelta(seconds=policy.cap_seconds))


def may_wait(study: Study, policy: SettlePolicy, now: datetime) -> bool:
    """Whether commits of a receiving study may go uncounted for now: its settle timer counts what it finds.

    Not where a declared count may be reached by them, and not where the study's newest counted image is two quiet
    periods old: so what a study shows while it receives lags by no more than that.
    """
    fresh = study.state is StudyState.RECEIVING and study.declared is None and has_timer(study, now)
    return fresh and now < parse_time(study.last_stored_at) + timedelta(seconds=LAG * policy.quiet_seconds)


@dataclass(frozen=True, slots=True)
class SettleDecision:
    """Settle now, or look again after `wait_seconds`; `completeness` is what a ready study may claim."""

    settle: bool
    wait_seconds: int = 0
    completeness: Completeness = Completeness.QUIET


def decide_settle(study: Study, policy: SettlePolicy, pending: int, now: datetime) -> SettleDecision:
    """Decide whether a receiving study settles now; `pending` counts its objects that are still under way."""
    quiet_at = parse_time(study.last_stored_at) + timedelta(seconds=policy.quiet_seconds)
    cap_at = parse_time(study.generation_started_at) + timedelta(seconds=policy.cap_seconds)
    if study.declared is not None and study.counts.instances >= study.declared and not pending:
        return SettleDecision(True, completeness=Completeness.DECLARED)
    if now >= cap_at or (now >= quiet_at and not pending):
        return SettleDecision(True)
    due = min(cap_at, quiet_at if now < quiet_at else now + timedelta(seconds=policy.quiet_seconds))
    return SettleDecision(False, wait_seconds=_delay(due - now))


def _delay(span: timedelta) -> int:
    """Whole seconds, rounded up, within what a delayed SQS message takes (0-900)."""
    return max(1, min(900, int(-(-span.total_seconds() // 1))))


def begin_settling(study: Study) -> Study:
    """Return the study as the winner of the settling write sees it."""
    return replace(study, state=StudyState.SETTLING)


def become_ready(study: Study, at: datetime) -> Study:
    """Return the study as it is once its generation is ready."""
    return replace(
        study, state=StudyState.READY, ready_at=format_time(at), ready_generation=study.generation, timer_due=""
    )


def format_time(at: datetime) -> str:
    """Return a time as the index writes it: ISO 8601 in UTC with milliseconds, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """Return the time that `format_time` wrote."""
    return datetime.fromisoformat(text)

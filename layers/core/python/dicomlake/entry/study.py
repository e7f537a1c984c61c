"""Wiring of a study's life: folding, settling, the study machine's tasks, and the change feed."""

from dataclasses import replace
from typing import Any

from dicomlake import wire
from dicomlake.adapters.dynamodb import commit_row_in
from dicomlake.composition import Lake
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import CompactSeries, InstancesStored, SettleStudy, StudyChanged, StudyPlan
from dicomlake.domain.ids import study_ref
from dicomlake.domain.model import DatastoreId, JsonObject, StudyUid
from dicomlake.entry.handling import Event, Line, each_record, out_of_time
from dicomlake.usecases.compact_series import compact_series
from dicomlake.usecases.finish_study import finish_study
from dicomlake.usecases.plan_study import plan_study
from dicomlake.usecases.publish_image_sets import publish_beside
from dicomlake.usecases.sequence_changes import sequence_changes
from dicomlake.usecases.settle_study import Rearmed, settle_study
from dicomlake.usecases.track_study import studies_to_fold, track_study

TRACK_MARGIN_MS = 3_000
"""Milliseconds that one more fold may take: it reads every series of its study."""


def track_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Fold the commit rows that InstancesStored and StudyChanged tell of; a study that several messages name is folded
    once, and one whose timer will count them is left to it.

    What time does not suffice for goes back to the queue as a message of its own: no study waits for a time-out.
    """
    late = out_of_time(context, TRACK_MARGIN_MS)
    folded: set[tuple[DatastoreId, str]] = set()

    def is_tracked(datastore_id: DatastoreId, study_uid: StudyUid) -> bool:
        if (datastore_id, study_uid) in folded:
            return True
        if folded and late():
            return False
        store, timers = lake.datastore(datastore_id), lake.queue("SETTLE")
        done = track_study(datastore_id, study_uid, store, timers, lake.settings.settle, lake.clock, late)
        folded.add((datastore_id, study_uid))
        line["rows"] = line.get("rows", 0) + done.folded
        return done.complete

    def track(body: str) -> None:
        stored = _told(body)
        due = studies_to_fold(stored.studies, lake.datastore(stored.datastore), lake.settings.settle, lake.clock)
        line["waiting"] = line.get("waiting", 0) + len(stored.studies) - len(due)
        left = [study_uid for study_uid in due if not is_tracked(stored.datastore, study_uid)]
        if left:
            lake.queue("STUDY").send([replace(stored, studies=tuple(left))])
        line["studies"] = len(folded)

    return each_record(event, line, track)


def _told(body: str) -> InstancesStored:
    """A change of a study is looked at as a pack for it is: its rows are counted, and its generation gets a timer."""
    message = wire.loads(body)
    if isinstance(message, StudyChanged):
        return InstancesStored(message.datastore, "", (message.study_uid,))
    return _of_kind(message, InstancesStored)


def settle_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Look at each generation whose timer has come; those that wait are armed again together."""
    outcomes: dict[str, int] = {}
    rearmed = Rearmed()

    def settle(body: str) -> None:
        command = _message(body, SettleStudy)
        done = settle_study(
            command,
            f"{study_ref(lake.secret, command.study_uid)}-{command.generation}",
            lake.datastore(command.datastore),
            lake.queue("SETTLE"),
            lake.workflows,
            lake.settings.settle,
            lake.clock,
            rearmed,
        )
        outcomes[done.outcome] = outcomes.get(done.outcome, 0) + 1
        line["studies"] = outcomes

    failed = each_record(event, line, settle)
    rearmed.send(lake.queue("SETTLE"))
    return failed


def plan_task(event: Event, context: Any, lake: Lake, line: Line) -> JsonObject:
    """The study machine's first step, and again after every plan that does not name all of its series."""
    command = wire.decode(event)
    if not isinstance(command, SettleStudy | StudyPlan):
        raise MalformedError(f"no study is planned by a {type(command).__name__}")
    plan = plan_study(command, lake.datastore(command.datastore))
    line["series"] = len(plan.series)
    # Each item of the machine's Map is a command of its own, so it carries its own type and version.
    return {**wire.encode(plan), "series": [wire.encode(command) for command in plan.series]}


def compact_task(event: Event, context: Any, lake: Lake, line: Line) -> JsonObject:
    """The study machine's step per series."""
    command = _task(event, CompactSeries)
    done = compact_series(command, lake.datastore(command.datastore), lake.secret, lake.clock, lake.ids)
    line |= {"images": done.instances, "packsBefore": done.packs_before, "packsAfter": done.packs_after}
    line |= {"moved": done.moved, "findings": list(done.findings)}
    return {}


def finish_task(event: Event, context: Any, lake: Lake, line: Line) -> JsonObject:
    """The study machine's last step."""
    plan = _task(event, StudyPlan)
    store = lake.datastore(plan.datastore)
    line["nonPrimary"] = publish_beside(plan.datastore, plan.study_uid, store, lake.secrets, lake.clock)
    done = finish_study(plan, store, lake.events, lake.clock)
    line |= {"result": done.outcome, "images": done.instances}
    if done.outcome == "ready":
        line.metric("SettleSeconds", done.seconds_since_last, "Seconds")
    return {"outcome": done.outcome}


def sequence_work(event: Event, context: Any, lake: Lake, line: Line) -> None:
    """Number the rows that a table's stream tells of; an error gives the batch back, which is numbered once anyway."""
    tables = {store.table: datastore_id for datastore_id, store in lake.settings.stores.items()}
    rows: dict[DatastoreId, list[CommitRow]] = {}
    for record in event.get("Records", []):
        table = str(record["eventSourceARN"]).split(":table/")[-1].split("/")[0]
        rows.setdefault(tables[table], []).append(commit_row_in(record["dynamodb"]["NewImage"]))
    for datastore_id, some in rows.items():
        head = sequence_changes(some, lake.datastore(datastore_id).feed)
        line["number"] = head.number
    line["rows"] = sum(map(len, rows.values()))


def _message[T](body: str, kind: type[T]) -> T:
    return _of_kind(wire.loads(body), kind)


def _task[T](event: Event, kind: type[T]) -> T:
    return _of_kind(wire.decode(event), kind)


def _of_kind[T](message: object, kind: type[T]) -> T:
    if not isinstance(message, kind):
        raise MalformedError(f"expected a {kind.__name__}, got a {type(message).__name__}")
    return message

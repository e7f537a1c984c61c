"""Wiring of changes: the queue that carries on what a request began."""

from typing import Any

from dicomlake import wire
from dicomlake.composition import Lake
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import ChangeStudy
from dicomlake.domain.model import DatastoreId
from dicomlake.entry.handling import Event, Line, each_record, out_of_time
from dicomlake.usecases.change_steps import STEPS
from dicomlake.usecases.change_study import ChangePorts, resume_change


def change_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Carry on each change that a message names; what time does not suffice for goes back as a message of its own."""
    late = out_of_time(context)

    def carry(body: str) -> None:
        command = wire.loads(body)
        if not isinstance(command, ChangeStudy):
            raise MalformedError(f"a {type(command).__name__} came to the queue of changes")
        done = resume_change(command.study_uid, command.change_id, change_ports(command.datastore, lake, late))
        line["images"] = line.get("images", 0) + (done.change.instances if done else 0)

    return each_record(event, line, carry)


def change_ports(datastore_id: DatastoreId, lake: Lake, late: Any) -> ChangePorts:
    """Return what a change of one data store needs."""
    return ChangePorts(
        datastore_id=datastore_id,
        store=lake.datastore(datastore_id),
        queue=lake.queue("CHANGE"),
        events=lake.events,
        clock=lake.clock,
        ids=lake.ids,
        secret=lake.secrets.lake_secret,
        steps=STEPS,
        late=late,
    )

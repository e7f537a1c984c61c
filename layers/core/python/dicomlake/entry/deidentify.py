"""Wiring of de-identification: ready studies of the default data store, and copies under way, to the research store."""

from typing import Any

from dicomlake import wire
from dicomlake.composition import Lake
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import DeidentifyStudy, StudyReady
from dicomlake.entry.handling import Event, Line, each_record, out_of_time
from dicomlake.usecases.deidentify_study import DeidentifyPorts, deidentify_study


def deidentify_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Copy each study that a message names; what time did not suffice for goes back to the queue as its own command."""
    settings, late = lake.settings, out_of_time(context)
    ports = DeidentifyPorts(
        source=lake.datastore(settings.default_store),
        target=lake.datastore(settings.research_store),
        target_id=settings.research_store,
        events=lake.events,
        secret=lake.secret,
        clock=lake.clock,
        ids=lake.ids,
    )

    def copy(body: str) -> None:
        command = _command(body)
        if command.source != settings.default_store:
            return
        done = deidentify_study(command, ports, late)
        line["images"] = line.get("images", 0) + done.tally.stored
        line["refused"] = line.get("refused", 0) + done.tally.quarantined
        if done.rest is not None:
            lake.queue("DEIDENTIFY").send([done.rest])

    return each_record(event, line, copy)


def _command(body: str) -> DeidentifyStudy:
    message = wire.loads(body)
    if isinstance(message, StudyReady):
        return DeidentifyStudy(message.datastore, message.study_uid, message.generation)
    if isinstance(message, DeidentifyStudy):
        return message
    raise MalformedError(f"a {type(message).__name__} came to the de-identification queue")

"""Wiring of import jobs: a message is the next step of one job."""

from typing import Any

from dicomlake import wire
from dicomlake.composition import Lake
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.events import RunImport
from dicomlake.entry.handling import Event, Line, each_record
from dicomlake.usecases.run_import import ImportPorts, run_import


def import_work(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Do a step of each job that has a message."""
    steps: dict[str, int] = {}

    def step(body: str) -> None:
        command = wire.loads(body)
        if not isinstance(command, RunImport):
            raise MalformedError(f"expected a RunImport, got a {type(command).__name__}")
        done = run_import(command, _ports(command, lake))
        steps[done.outcome] = steps.get(done.outcome, 0) + 1
        line["objects"] = line.get("objects", 0) + done.objects
        line["steps"] = steps

    return each_record(event, line, step)


def _ports(command: RunImport, lake: Lake) -> ImportPorts:
    return ImportPorts(
        store=lake.datastore(command.datastore),
        landing=lake.landing,
        landing_bucket=lake.settings.text("LANDING_BUCKET"),
        bucket=lake.bucket,
        work=lake.queue("IMPORT"),
        events=lake.events,
        secret=lake.secret,
        clock=lake.clock,
    )

"""Wiring of STOW-RS: a request's services, and what an ingest of its own takes."""

from collections.abc import Callable
from typing import Any

from dicomlake.composition import Lake
from dicomlake.entry.api import MARGIN_MS, method_of, services_of
from dicomlake.entry.handling import Event, Line, out_of_time, tell_rejected
from dicomlake.entry.ingest import ingest_ports, tell_pixels
from dicomlake.usecases.receive_instances import StorePorts
from dicomlake.web.app import answer


def store_request(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Answer one API Gateway event that brings instances, or asks after some that it brought."""
    storing = store_ports(lake, out_of_time(context), lambda count: tell_rejected(line, count))
    response = answer(event, services_of(lake, out_of_time(context, MARGIN_MS), storing))
    line |= {"status": response.get("statusCode"), "method": method_of(event)}
    tell_pixels(line, storing.ingest.context)
    return response


def store_ports(lake: Lake, late: Callable[[], bool], rejected: Callable[[int], None]) -> StorePorts:
    """Return what storing by request needs: of a function, or of a process that takes bodies of any size."""
    return StorePorts(
        ingest=ingest_ports(lake),
        landing_bucket=lake.settings.text("LANDING_BUCKET"),
        again=lake.queue("INGEST"),
        timers=lake.queue("SETTLE"),
        settle=lake.settings.settle,
        late=late,
        rejected=rejected,
    )

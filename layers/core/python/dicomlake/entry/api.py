"""Wiring of the API: the services a request may need, composed once, and one answer per event."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dicomlake.composition import Lake
from dicomlake.domain.model import DatastoreId
from dicomlake.entry.handling import Event, Line, out_of_time
from dicomlake.web.app import answer
from dicomlake.web.services import OpenStore, Services

if TYPE_CHECKING:
    from dicomlake.usecases.receive_instances import StorePorts

MARGIN_MS = 3_000
"""Milliseconds before its time-out at which a function gives up on a long answer, and still says so."""


def answer_request(event: Event, context: Any, lake: Lake, line: Line) -> Event:
    """Answer one API Gateway event."""
    response = answer(event, services_of(lake, out_of_time(context, MARGIN_MS)))
    line |= {"status": response.get("statusCode"), "method": method_of(event)}
    return response


def method_of(event: Event) -> str:
    """The method of a request, for the log line."""
    return str(event.get("requestContext", {}).get("http", {}).get("method", ""))


def services_of(
    lake: Lake, late: Callable[[], bool], storing: "StorePorts | None" = None, streams: bool = False
) -> Services:
    """The function that serves one data store has no bucket but its own: what it was not told of is never asked for."""
    settings = lake.settings
    operator = settings.values.get("OPERATOR_ROLE_ARN", "")
    return Services(
        stores={
            datastore_id: OpenStore(datastore_id, lake.datastore(datastore_id), store.cleared, store.name)
            for datastore_id, store in settings.stores.items()
        },
        default_store=DatastoreId(settings.values.get("DEFAULT_STORE") or next(iter(settings.stores))),
        landing_bucket=settings.values.get("LANDING_BUCKET", ""),
        uploads=lake.uploads,
        quarantine=lake.quarantine,
        secret=lake.secrets,
        access_keys=lake.access_keys,
        datastores=lake.datastores,
        clock=lake.clock,
        ids=lake.ids,
        operators=frozenset({operator} - {""}),
        region=settings.region,
        links=lake.link_key if "LINK_SECRET_ARN" in settings.values else None,
        late=late,
        storing=storing,
        changes=lake.queue("CHANGE") if "CHANGE_QUEUE_URL" in settings.values else None,
        events=lake.events if "EVENTS_TOPIC" in settings.values else None,
        streams=streams,
        imports=lake.queue("IMPORT") if "IMPORT_QUEUE_URL" in settings.values else None,
    )

"""The web application: one event in, one response out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dicomlake.domain.errors import PipelineError
from dicomlake.web.authorize import authorize
from dicomlake.web.call import Call
from dicomlake.web.capabilities import tell_options
from dicomlake.web.errors import error_response
from dicomlake.web.links import followed, within_link
from dicomlake.web.request import Request, read_event
from dicomlake.web.response import Response, encoded, write_event
from dicomlake.web.routes import ROUTES, find_route
from dicomlake.web.services import Services


def answer(event: Mapping[str, Any], services: Services) -> dict[str, Any]:
    """Answer an API Gateway HTTP API event (payload format 2.0); errors we know become their HTTP answers."""
    request = Request("GET", (), request_id=str(event.get("requestContext", {}).get("requestId", "")))
    try:
        request = read_event(event)
        return _sent(write_event(handle(request, services), request), request)
    except PipelineError as error:
        return _sent(write_event(error_response(error, request.request_id), request), request)


def respond(request: Request, services: Services) -> Response:
    """Answer a request for a server of our own; errors we know become their HTTP answers, whatever it streams."""
    try:
        response = encoded(handle(request, services), request)
    except PipelineError as error:
        response = error_response(error, request.request_id)
    return replace(
        response, headers={"cache-control": "no-store", **response.headers, "x-request-id": request.request_id}
    )


def _sent(answered: dict[str, Any], request: Request) -> dict[str, Any]:
    """What goes out: with the request's id, and a HEAD is a GET whose body stays here (RFC 9110 9.3.2)."""
    headers = {**answered["headers"], "x-request-id": request.request_id}
    bodiless = {"body": "", "isBase64Encoded": False} if request.method == "HEAD" else {}
    return {**answered, "headers": headers, **bodiless}


def handle(request: Request, services: Services) -> Response:
    """Find the route, let the caller through or not, and run the handler."""
    if request.method == "OPTIONS":
        return tell_options(request, ROUTES)
    request = followed(request, services)
    route, names = find_route("GET" if request.method == "HEAD" else request.method, request.path)
    store = services.store(names.get("datastore") or request.parameter("datastore"))
    if request.shared:
        request = within_link(request, route, names)
    else:
        authorize(request, route.permission, store, services.operators)
    return route.handler(Call(request, names, store, services))

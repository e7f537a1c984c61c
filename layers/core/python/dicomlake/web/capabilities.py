"""What the API can do, told to machines: OPTIONS (PS3.18 8.9, RFC 9110 9.3.7) and the OpenAPI document."""

from xml.sax.saxutils import quoteattr

from dicomlake.domain.errors import NotAcceptableError, NotFoundError
from dicomlake.web.accept import parse_accept
from dicomlake.web.request import Request
from dicomlake.web.response import Response, json_response
from dicomlake.web.route import Route, methods_of

OPENAPI, WADL = "application/vnd.oai.openapi+json", "application/vnd.sun.wadl+xml"
_KINDS = {WADL: WADL, "application/*": WADL, "*/*": WADL, OPENAPI: OPENAPI, "application/json": OPENAPI}
_ROOTS = ("dicomweb", "links")

Routes = tuple[Route, ...]


def tell_options(request: Request, routes: Routes) -> Response:
    """Answer what a service can do, or which methods a resource takes; nobody needs to be known for that.

    The root of a DICOMweb service is described in WADL (PS3.18 Annex H) or as OpenAPI. Raises NotFoundError where
    there is nothing.
    """
    depth = len(request.path)
    if depth and request.path[0] in _ROOTS and depth == _ROOTS.index(request.path[0]) + 2:
        return _described(request, routes)
    path = ("dicomweb", *request.path[1:2], *request.path[3:]) if request.path[:1] == ("links",) else request.path
    allowed = methods_of(routes, path)
    if not allowed:
        raise NotFoundError("there is nothing under this path: see docs/api.md")
    return Response(204, headers={"allow": ", ".join(allowed)})


def _described(request: Request, routes: Routes) -> Response:
    from dicomlake.web.openapi import openapi_document

    headers = {"allow": "OPTIONS", "content-type": _kind(request.accept()), "vary": "accept"}
    if headers["content-type"] == OPENAPI:
        answer = json_response(openapi_document(routes, request.base_url), media_type=OPENAPI)
        return Response(200, answer.body, {**answer.headers, **headers})
    return Response(200, wadl(routes, request.base_url).encode(), headers)


def _kind(accept: str) -> str:
    for entry in parse_accept(accept):
        if entry.weight > 0 and entry.media_type in _KINDS:
            return _KINDS[entry.media_type]
    raise NotAcceptableError(f"the capabilities are available as {WADL} and {OPENAPI}")


def wadl(routes: Routes, base_url: str) -> str:
    """Return the DICOMweb routes as a Web Application Description (W3C submission of 31 August 2009)."""
    from dicomlake.web.openapi import described_routes

    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<application xmlns="http://wadl.dev.java.net/2009/02">']
    lines.append(f"<resources base={quoteattr(base_url)}>")
    for route, about in described_routes(routes):
        if not route.template.startswith("/dicomweb/"):
            continue
        kinds = "".join(f"<representation mediaType={quoteattr(kind)}/>" for kind in about.media_types)
        lines.append(f"<resource path={quoteattr(route.template)}>")
        lines.append(f"<method name={quoteattr(route.method)} id={quoteattr(about.operation_id)}>")
        lines.append(f'<response status="200">{kinds}</response></method></resource>')
    return "\n".join((*lines, "</resources>", "</application>")) + "\n"

"""The OpenAPI 3.1 document of the API, generated from the route table; docs/openapi.json is what it says today."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import dicomlake
from dicomlake.web.authorize import Permission
from dicomlake.web.described import DICOM_JSON, JSON, About, about
from dicomlake.web.errors import STATUSES
from dicomlake.web.imaging import FOR_PRINCIPALS
from dicomlake.web.route import Route

Document = dict[str, Any]

_ALWAYS = (403, 404, 405, 429, 500, 503)
"""Statuses that every route can answer with."""
_MEANINGS = {
    200: "What was asked for",
    201: "Made",
    202: "Taken in, not all of it: the answer, or what is behind Location, says what",
    204: "Nothing to tell",
    206: "A range of it, or what of it can be had as asked",
    303: "Longer than one answer: read it where Location says, without credentials",
    304: "What the caller has is current",
    416: "The range lies behind the end",
}
_HEADERS = {
    200: ("Content-Location", "ETag", "Warning"),
    202: ("Location", "Retry-After", "Warning"),
    204: ("Warning",),
    206: ("Content-Range", "Warning"),
    303: ("Location",),
    304: ("ETag",),
    405: ("Allow",),
    416: ("Content-Range",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_PATH_NAMES = {
    "datastore": ("[0-9a-z-]{1,64}", "the data store's id"),
    "study": ("[0-9.]{1,64}", "a Study Instance UID"),
    "series": ("[0-9.]{1,64}", "a Series Instance UID"),
    "instance": ("[0-9.]{1,64}", "a SOP Instance UID"),
    "frames": ("[0-9]{1,9}(,[0-9]{1,9}){0,999}", "frame numbers from 1, separated by commas"),
    "receipt": ("[0-9a-f]{32}-[0-9]{1,6}", "from the Location of the 202"),
    "bulk": ("pixeldata|[0-9]{1,15}-[0-9]{1,15}", "a value's name, from its BulkDataURI"),
    "key": ("[A-Z0-9]{16,32}", "an access key's id"),
    "datastoreId": ("[0-9a-z]{32}", "the data store's id"),
    "imageSetId": ("[0-9a-z]{32}", "an image set's id"),
    "sourceImageSetId": ("[0-9a-z]{32}", "an image set's id"),
    "jobId": ("[0-9a-z]{32}", "an import job's id"),
    "resourceArn": ("arn:.{1,1024}", "a data store's or image set's ARN"),
    "link": ("[0-9a-f]{32}", "a study link's id"),
    "number": ("[0-9]{1,8}", "a change's number in its study's history"),
    "hash": ("[0-9a-f]{32}", "the first half of an object's id"),
    "version": (".{1,1024}", "the second half of an object's id"),
}


def described_routes(routes: Iterable[Route]) -> Iterator[tuple[Route, About]]:
    """Yield each route with what is said of it; what IAM principals call under /imaging is the same again."""
    for route in routes:
        if not route.template.startswith(f"{FOR_PRINCIPALS}/"):
            yield route, about(route.method, route.template)


def openapi_document(routes: Iterable[Route], base_url: str = "/") -> Document:
    """Return the document; `base_url` is where the API is reached."""
    described = tuple(described_routes(routes))
    paths: dict[str, Document] = {}
    for route, told in described:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route, told)
    return {
        "openapi": "3.1.0",
        "info": {"title": "dicomlake", "version": dicomlake.__version__, "description": _DESCRIPTION},
        "servers": [{"url": base_url}],
        "security": [{"signature": []}, {"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(told.kind.tag for _, told in described)],
        "paths": paths,
        "components": _components(),
    }


_DESCRIPTION = (
    "DICOMweb (PS3.18) under /dicomweb/{datastore}, uploads, operations. What can be read under "
    "/dicomweb/{datastore} can be read without credentials under /links/{datastore}/{token}, the root that "
    "POST /lake/links gives out, for the one study that it was given out for."
)


def _operation(route: Route, told: About) -> Document:
    operation: Document = {
        "operationId": told.operation_id,
        "summary": told.summary,
        "tags": [told.kind.tag],
        "x-permission": str(route.permission),
        **({"security": [{"key": []}]} if route.permission is Permission.SIGNED else {}),
        "parameters": [*_path_parameters(route), *_query_parameters(told)],
        "responses": {str(status): _response(status, told) for status in _statuses(told)},
    }
    return operation | ({"requestBody": _body(told)} if told.body or told.takes else {})


def _statuses(told: About) -> list[int]:
    own = [status for status in told.kind.statuses if status != 200 or told.success == 200]
    return sorted({told.success, *own, *_ALWAYS})


def _path_parameters(route: Route) -> list[Document]:
    return [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", route.template)]


def _path_parameter(name: str) -> Document:
    pattern, meaning = _PATH_NAMES[name]
    schema = {"type": "string", "pattern": f"^({pattern})$"}
    return {"name": name, "in": "path", "required": True, "description": meaning, "schema": schema}


def _query_parameters(told: About) -> list[Document]:
    listed = [
        {"name": name, "in": "query", "description": meaning, "schema": {"type": kind}}
        for name, kind, meaning in (*told.parameters, *told.kind.parameters)
    ]
    return [*listed, _MATCHES] if told.kind.matches else listed


_MATCHES: Document = {
    "name": "match",
    "in": "query",
    "style": "form",
    "explode": True,
    "description": "keys to match by keyword, tag or path; docs/api.md lists them",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}


def _body(told: About) -> Document:
    if told.takes:
        return {"required": True, "content": {kind: {"schema": _schema(kind)} for kind in told.takes}}
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind, _ in told.body},
        "required": [name for name, _, needed in told.body if needed],
    }
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _response(status: int, told: About) -> Document:
    if status not in _MEANINGS:
        return {"$ref": f"#/components/responses/{status}"}
    response: Document = {"description": _MEANINGS[status], "headers": _headers(status)}
    if status in (200, 201, 202, 206):
        response["content"] = {kind: {"schema": _schema(kind)} for kind in told.media_types}
    return response


def _headers(status: int) -> Document:
    return {name: {"schema": {"type": "string"}} for name in (*_HEADERS.get(status, ()), "X-Request-Id")}


def _schema(kind: str) -> Document:
    if kind == DICOM_JSON:
        return {"type": "array", "items": {"$ref": "#/components/schemas/DataSet"}}
    return {"type": ["object", "array"]} if kind == JSON else {"type": "string", "contentMediaType": kind}


def _components() -> Document:
    reasons: dict[int, list[str]] = {}
    for _, status in STATUSES:
        if status.reason not in reasons.setdefault(status.code, []):
            reasons[status.code].append(status.reason)
    return {
        "schemas": {"DataSet": _DATA_SET, "Error": _ERROR},
        "responses": {str(code): _error(code, words) for code, words in sorted(reasons.items())},
        "securitySchemes": _SCHEMES,
    }


def _error(code: int, reasons: list[str]) -> Document:
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": ", ".join(reasons),
        "headers": _headers(code),
        "content": {JSON: {"schema": schema}},
    }


_ERROR: Document = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "what was wrong and what to do; it names no patient"},
        "reason": {"type": "string", "enum": list(dict.fromkeys(status.reason for _, status in STATUSES))},
        "requestId": {"type": "string"},
    },
    "required": ["message", "reason", "requestId"],
}
_DATA_SET: Document = {
    "type": "object",
    "description": "DICOM JSON Model (PS3.18 F.2): elements by tag",
    "patternProperties": {
        "^[0-9A-F]{8}$": {
            "type": "object",
            "properties": {
                "vr": {"type": "string", "pattern": "^[A-Z]{2}$"},
                "Value": {"type": "array"},
                "BulkDataURI": {"type": "string", "format": "uri-reference"},
                "InlineBinary": {"type": "string", "contentEncoding": "base64"},
            },
            "required": ["vr"],
        }
    },
    "additionalProperties": False,
}
_SCHEMES: Document = {
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4, service execute-api",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "AWS Signature Version 4, service medical-imaging, by an access key that POST /lake/keys issues",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "where the environment's authorization is jwt: groups and scopes grant, docs/api.md says which",
    },
}

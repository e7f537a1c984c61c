"""The route table: what the API offers, in one place. docs/api.md shows each row with an example (tested)."""

from dicomlake.domain.errors import InvalidRequestError, MethodNotAllowedError, NotFoundError
from dicomlake.domain.model import is_uid
from dicomlake.web import access_keys, changing, deferred, dicomweb, imaging, links, operations
from dicomlake.web.authorize import Permission
from dicomlake.web.call import Call
from dicomlake.web.imaging_model_table import OPERATIONS
from dicomlake.web.response import Response, json_response
from dicomlake.web.route import Route, match, methods_of


def _get_openapi(call: Call) -> Response:
    """Answer the OpenAPI document of this API."""
    from dicomlake.web.openapi import openapi_document

    return json_response(openapi_document(ROUTES, call.request.base_url))


_STORE = "/dicomweb/{datastore}"
_STUDY = f"{_STORE}/studies/{{study}}"
_SERIES = f"{_STUDY}/series/{{series}}"
_INSTANCE = f"{_SERIES}/instances/{{instance}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_STORE}/studies", Permission.READ, dicomweb.find_studies),
    Route("GET", f"{_STORE}/series", Permission.READ, dicomweb.find_series),
    Route("GET", f"{_STORE}/instances", Permission.READ, dicomweb.find_instances),
    Route("GET", f"{_STUDY}/series", Permission.READ, dicomweb.find_series),
    Route("GET", f"{_STUDY}/instances", Permission.READ, dicomweb.find_instances),
    Route("GET", f"{_SERIES}/instances", Permission.READ, dicomweb.find_instances),
    Route("GET", _STUDY, Permission.READ, deferred.get_study),
    Route("GET", _SERIES, Permission.READ, deferred.get_series),
    Route("GET", _INSTANCE, Permission.READ, deferred.get_instance),
    Route("GET", f"{_STUDY}/metadata", Permission.READ, dicomweb.get_study_metadata),
    Route("GET", f"{_SERIES}/metadata", Permission.READ, dicomweb.get_series_metadata),
    Route("GET", f"{_INSTANCE}/metadata", Permission.READ, dicomweb.get_instance_metadata),
    Route("GET", f"{_INSTANCE}/frames/{{frames}}", Permission.READ, deferred.get_frames),
    Route("GET", f"{_INSTANCE}/frames/{{frames}}/rendered", Permission.READ, deferred.get_rendered_frames),
    Route("GET", f"{_INSTANCE}/frames/{{frames}}/thumbnail", Permission.READ, deferred.get_thumbnail_frame),
    Route("GET", f"{_INSTANCE}/bulkdata/{{bulk}}", Permission.READ, deferred.get_bulkdata),
    Route("GET", f"{_INSTANCE}/rendered", Permission.READ, deferred.get_rendered),
    Route("GET", f"{_INSTANCE}/thumbnail", Permission.READ, deferred.get_thumbnail),
    Route("GET", f"{_SERIES}/rendered", Permission.READ, deferred.get_rendered_series),
    Route("GET", f"{_SERIES}/thumbnail", Permission.READ, deferred.get_thumbnail_series),
    Route("GET", f"{_STUDY}/rendered", Permission.READ, deferred.get_rendered_study),
    Route("GET", f"{_STUDY}/thumbnail", Permission.READ, deferred.get_thumbnail_study),
    Route("GET", f"{_STORE}/wado", Permission.READ, deferred.get_wado),
    Route("POST", f"{_STORE}/studies", Permission.UPLOAD, deferred.post_instances),
    Route("POST", _STUDY, Permission.UPLOAD, deferred.post_instances),
    Route("GET", f"{_STORE}/received/{{receipt}}", Permission.UPLOAD, deferred.get_received),
    Route("GET", "/openapi.json", Permission.KNOW, _get_openapi),
    Route("DELETE", _STUDY, Permission.CHANGE, changing.delete_resource),
    Route("DELETE", _SERIES, Permission.CHANGE, changing.delete_resource),
    Route("DELETE", _INSTANCE, Permission.CHANGE, changing.delete_resource),
    *(
        Route(method, f"{resource}/metadata", Permission.CHANGE, changing.patch_metadata)
        for resource in (_STUDY, _SERIES, _INSTANCE)
        for method in ("PATCH", "PUT")
    ),
    Route("GET", "/lake/studies/{study}/history", Permission.CHANGE, changing.get_history),
    Route("POST", "/lake/studies/{study}/history/{number}/undo", Permission.CHANGE, changing.post_undo),
    Route("POST", "/lake/studies/{study}/purge", Permission.CHANGE, changing.post_purge),
    Route("PUT", "/lake/studies/{study}/hold", Permission.CHANGE, changing.put_hold),
    Route("DELETE", "/lake/studies/{study}/hold", Permission.CHANGE, changing.delete_hold),
    Route("POST", "/uploads", Permission.UPLOAD, operations.post_uploads),
    Route("POST", "/uploads/resume", Permission.UPLOAD, operations.post_resume),
    Route("POST", "/uploads/complete", Permission.UPLOAD, operations.post_complete),
    Route("GET", "/lake/where", Permission.READ, operations.get_where),
    Route("POST", "/lake/where", Permission.READ, operations.post_where),
    Route("GET", "/lake/studies/{study}", Permission.READ, operations.get_study),
    Route("GET", "/lake/restore/{study}/{series}", Permission.READ, operations.get_series_restore),
    Route("GET", "/lake/restore/{study}/{series}/{instance}", Permission.READ, operations.get_restore),
    Route("POST", "/lake/links", Permission.OPERATE, links.post_link),
    Route("DELETE", "/lake/links/{link}", Permission.OPERATE, links.delete_link),
    Route("GET", "/lake/quarantine", Permission.OPERATE, operations.get_quarantine),
    Route("GET", "/lake/quarantine/{hash}/{version}", Permission.OPERATE, operations.get_quarantined),
    Route("GET", "/lake/statistics", Permission.OPERATE, operations.get_statistics),
    Route("GET", "/lake/changes", Permission.OPERATE, operations.get_changes),
    Route("GET", "/lake/keys", Permission.OPERATE, access_keys.get_keys),
    Route("POST", "/lake/keys", Permission.OPERATE, access_keys.post_keys),
    Route("DELETE", "/lake/keys/{key}", Permission.OPERATE, access_keys.delete_key),
    *(
        Route(method, prefix + template, Permission.SIGNED, imaging.operation(name))
        for prefix in ("", imaging.FOR_PRINCIPALS)
        for name, (method, template, *_) in OPERATIONS.items()
        if name in imaging.OFFERED
    ),
)
_UIDS = ("study", "series", "instance")
_DICOMWEB = frozenset({"studies", "series", "instances"})
"""Segments that only requests of DICOMweb have (and one of the operations, which has a route)."""


def find_route(method: str, path: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
    """Return the route of a path and what its names stand for.

    Raises NotFoundError where no route fits, MethodNotAllowedError where one fits but for the method,
    InvalidRequestError where a UID in the path is none.
    """
    for route in ROUTES:
        names = match(route, path) if route.method == method else None
        if names is not None:
            wrong = [name for name in _UIDS if name in names and not is_uid(names[name])]
            if wrong:
                raise InvalidRequestError(f"the {wrong[0]} in the path is not a UID")
            return route, names
    allowed = methods_of(ROUTES, path)
    raise MethodNotAllowedError(allowed) if allowed else NotFoundError(_nothing_under(path))


def _nothing_under(path: tuple[str, ...]) -> str:
    """What a caller with a wrong DICOMweb root (`/dicom-web`, `/wado`, no data store) needs to hear."""
    if _DICOMWEB & set(path) or "dicom" in "".join(path[:1]).lower():
        root = "/dicomweb/DATASTORE-ID, as `dicomweb` in endpoints.json spells it"
        return f"there is nothing under this path and method: the root of DICOMweb is {root}; docs/api.md has the rest"
    return "there is nothing under this path and method: see docs/api.md"

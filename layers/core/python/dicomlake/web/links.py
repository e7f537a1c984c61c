"""Study links: giving them out, and requests that come by one.

`/links/DATASTORE/TOKEN` is a root of DICOMweb of its own, which viewers are pointed at as they are at any other. It
shows one study and nothing else; searches are narrowed to it.
"""

from dataclasses import replace
from datetime import timedelta

from dicomlake.domain.errors import ForbiddenError, InvalidRequestError, NotFoundError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.links import LONGEST, write_token
from dicomlake.domain.model import StudyUid, is_uid
from dicomlake.usecases.share_study import follow_link, revoke_link, share_study
from dicomlake.web.authorize import Permission
from dicomlake.web.call import Call
from dicomlake.web.request import Request
from dicomlake.web.response import Response, json_response
from dicomlake.web.route import Route
from dicomlake.web.services import Services

LINKS = "links"
_STUDY = "StudyInstanceUID"
_NAMES = frozenset({_STUDY, "0020000D", "0020000d"})
_A_DAY = 86_400


def followed(request: Request, services: Services) -> Request:
    """Return a request that comes by a link as the DICOMweb request that it is; others as they are.

    Raises ForbiddenError where the link may not be followed.
    """
    if request.path[:1] != (LINKS,) or len(request.path) < 3:
        return request
    _, name, token, *rest = request.path
    store = services.store(name)
    link = follow_link(token, store.name, _key(services), store.ports, services.clock.now())
    return replace(
        request,
        path=("dicomweb", name, *rest),
        caller=f"link:{link.link_id}",
        shared=link.study_uid,
        root=f"/{LINKS}/{name}/{token}",
    )


def within_link(request: Request, route: Route, names: dict[str, str]) -> Request:
    """Return a followed request narrowed to the link's study. Raises ForbiddenError where it asks for anything else."""
    if route.permission is not Permission.READ or route.method != "GET" or "datastore" not in names:
        raise ForbiddenError("a study link lets its study be read, and nothing else")
    if "study" in names:
        _check(names["study"], request.shared)
        return request
    if route.template.endswith("/wado"):
        _check(request.parameter("studyUID"), request.shared)
        return request
    asked = [value for name, value in request.query if name in _NAMES]
    for value in asked:
        _check(request.shared if request.shared in value.replace("\\", ",").split(",") else "", request.shared)
    others = tuple(pair for pair in request.query if pair[0] not in _NAMES)
    return replace(request, query=(*others, (_STUDY, request.shared)))


def _check(study_uid: str, shared: str) -> None:
    if study_uid != shared:
        raise ForbiddenError("the link is for another study")


def _key(services: Services) -> LakeSecret:
    if services.links is None:
        raise NotFoundError("this lake gives out no study links")
    return services.links.lake_secret()


def post_link(call: Call) -> Response:
    """Give out a link to a study, good for `seconds` (a day, at most 30)."""
    body = call.request.json()
    study, seconds = body.get("study"), body.get("seconds", _A_DAY)
    if not isinstance(study, str) or not is_uid(study):
        raise InvalidRequestError("study is the UID of the study to share")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= LONGEST.total_seconds():
        raise InvalidRequestError(f"seconds is a whole number, at most {int(LONGEST.total_seconds())}")
    key = _key(call.services)
    good_for = timedelta(seconds=seconds)
    link = share_study(call.store.name, StudyUid(study), good_for, call.ports, call.services.clock, call.services.ids)
    url = f"{call.request.base_url}/{LINKS}/{call.store.name}/{write_token(link, key)}"
    told = {"id": link.link_id, "study": link.study_uid, "dicomweb": url, "expires": link.expires.isoformat()}
    return json_response(told, 201)


def delete_link(call: Call) -> Response:
    """Revoke a link: the next request that comes by it is refused."""
    link_id = call.path["link"]
    if len(link_id) != 32 or not all(char in "0123456789abcdef" for char in link_id):
        raise InvalidRequestError("a link is revoked by its id of 32 hex digits")
    revoke_link(link_id, call.ports)
    return Response(204)

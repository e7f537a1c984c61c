"""Handlers of changes: deletion (DELETE on DICOMweb's resources), its undoing, purge, holds, and a study's history.

A change that is done answers 204; one that goes on by itself answers 202, and `Location` says where it can be watched.
"""

from dicomlake.domain.change import ChangeKind, Scope, StudyChange
from dicomlake.domain.errors import InvalidRequestError, NotFoundError, StaleError, TooLargeError
from dicomlake.domain.model import InstanceUid, SeriesUid
from dicomlake.usecases.change_steps import STEPS
from dicomlake.usecases.change_study import Changed, ChangePorts
from dicomlake.usecases.correct_metadata import correct_metadata
from dicomlake.usecases.delete_instances import Author, delete_instances
from dicomlake.usecases.hold_study import set_hold
from dicomlake.usecases.purge_instances import order_purge
from dicomlake.usecases.undo_change import undo_change
from dicomlake.web.call import Call
from dicomlake.web.documents import Document
from dicomlake.web.response import Response, json_response
from dicomlake.web.services import OpenStore, Services

MAX_REASON = 200
MAX_VALUES = 30_000
"""Bytes of a correction: HealthImaging's model takes as many, and it lies in one row."""


def delete_resource(call: Call) -> Response:
    """Hide a study, a series or an instance; hiding again what is hidden is no error."""
    changed = delete_instances(scope_of(call), author_of(call), changing(call))
    return answer_change(changed, call) if changed else Response(204)


def patch_metadata(call: Call) -> Response:
    """Lay elements over the metadata of a study, series or instance; `If-Match` names the version that is meant."""
    if len(call.request.body) > MAX_VALUES:
        raise TooLargeError(f"a correction has up to {MAX_VALUES} bytes of DICOM JSON")
    body = call.request.json_value()
    values = body[0] if isinstance(body, list) and len(body) == 1 else body
    if not isinstance(values, dict):
        raise InvalidRequestError("the body is a DICOM JSON object, or an array of one")
    changed = correct_metadata(scope_of(call), values, _expected(call), author_of(call), changing(call))
    return answer_change(changed, call)


def _expected(call: Call) -> int | None:
    """The version that a correction is made to: a number in quotes, as ETag gives it; any where none is named."""
    text = call.request.headers.get("if-match", "*").strip().removeprefix("W/").strip('"')
    if text == "*":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise StaleError("If-Match names no version of this study: its history has the numbers")
    return int(text)


def get_history(call: Call) -> Response:
    """List what was changed of a study, oldest first, and the change that it is under."""
    changes = call.ports.changes
    under_way = changes.under_way(call.study_uid)
    return json_response(
        {
            "changes": [change_document(one) for one in changes.history(call.study_uid)],
            "underWay": change_document(under_way) if under_way else None,
        }
    )


def post_undo(call: Call) -> Response:
    """Take back a change by its number: a deletion, or the corrections behind it."""
    number = call.path["number"]
    if not (number.isascii() and number.isdigit() and len(number) <= 8):
        raise InvalidRequestError("a change is named by its number in the study's history")
    return answer_change(undo_change(call.study_uid, int(number), author_of(call), changing(call)), call)


def post_purge(call: Call) -> Response:
    """Give up the bytes of what was deleted of a study; always goes on by itself."""
    return answer_change(order_purge(Scope(call.study_uid), author_of(call), changing(call)), call)


def put_hold(call: Call) -> Response:
    """Put a study under a legal hold; a second one is none."""
    changed = set_hold(call.study_uid, True, author_of(call), changing(call))
    return answer_change(changed, call) if changed else Response(204)


def delete_hold(call: Call) -> Response:
    """Release a study from its legal hold."""
    changed = set_hold(call.study_uid, False, author_of(call), changing(call))
    return answer_change(changed, call) if changed else Response(204)


def changing(call: Call) -> ChangePorts:
    """Return what a change of the request's data store needs."""
    return change_ports(call.store, call.services)


def change_ports(store: OpenStore, services: Services) -> ChangePorts:
    """Return what a change needs. Raises NotFoundError in a function that makes none."""
    if services.changes is None or services.events is None:
        raise NotFoundError("there is nothing under this path and method: see docs/api.md")
    return ChangePorts(
        datastore_id=store.name,
        store=store.ports,
        queue=services.changes,
        events=services.events,
        clock=services.clock,
        ids=services.ids,
        secret=services.secret.lake_secret,
        steps=STEPS,
        late=services.late,
    )


def scope_of(call: Call) -> Scope:
    """Return what the path names."""
    path = call.path
    series = SeriesUid(path["series"]) if "series" in path else None
    return Scope(call.study_uid, series, InstanceUid(path["instance"]) if "instance" in path else None)


def author_of(call: Call) -> Author:
    """Return who makes the change; the parameter `reason` says why. Raises InvalidRequestError where that is long."""
    reason = call.request.parameter("reason")
    if len(reason) > MAX_REASON:
        raise InvalidRequestError(f"a reason has up to {MAX_REASON} characters")
    return Author(call.request.caller, reason)


def answer_change(changed: Changed, call: Call) -> Response:
    """Return 204 for a change that is done, 202 for one that goes on."""
    place = f"{call.request.base_url}/lake/studies/{changed.change.scope.study_uid}/history?datastore={call.store.name}"
    if changed.done:
        return Response(204, headers={"location": place, "etag": version_tag(changed.change.number)})
    answer = json_response(change_document(changed.change), 202)
    return Response(202, answer.body, {**answer.headers, "location": place})


def version_tag(number: int) -> str:
    """Return the ETag of a version of a study."""
    return f'"{number}"'


def change_document(change: StudyChange) -> Document:
    """Write down one change."""
    scope = change.scope
    document: Document = {
        "number": change.number or None,
        "id": change.change_id,
        "kind": str(change.kind),
        "at": change.at,
        "by": change.by,
        "reason": change.reason,
        "series": scope.series_uid,
        "instance": scope.instance_uid,
        "instances": change.instances,
        "target": change.target or None,
    }
    return document | ({"values": change.values} if change.kind is ChangeKind.CORRECT else {})

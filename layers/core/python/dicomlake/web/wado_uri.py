"""WADO-URI (PS3.18 9): one instance by query parameters, as a file or as a picture."""

from dataclasses import replace

from dicomlake.domain.errors import InvalidRequestError, NotAcceptableError
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import InstanceKey, InstanceRecord, InstanceUid, SeriesUid, StudyUid, is_uid
from dicomlake.domain.picture import LARGEST_SIDE, Viewport, Window
from dicomlake.usecases.render_frame import Wanted, frames_of, render_frame
from dicomlake.usecases.retrieve_instances import Wish, choose_syntaxes, read_instances
from dicomlake.usecases.retrieve_metadata import visible_record
from dicomlake.web.accept import parse_accept
from dicomlake.web.call import Call
from dicomlake.web.choose import DICOM
from dicomlake.web.known import unless_known
from dicomlake.web.large import stream_response
from dicomlake.web.request import Request
from dicomlake.web.response import Response

_PICTURES = {"image/jpeg": "image/jpeg", "image/png": "image/png", "image/gif": "image/gif", "image/*": "image/jpeg"}


def get_wado(call: Call) -> Response:
    """Answer one instance: a picture of one of its frames where it is an image and no file is asked for."""
    request = call.request
    if request.parameter("requestType").upper() != "WADO":
        raise InvalidRequestError("the parameter requestType is WADO")
    if request.parameter("presentationUID"):
        raise NotAcceptableError("presentation states are not applied: leave presentationUID out")
    if request.parameter("anonymize"):
        raise NotAcceptableError("de-identified copies are instances of the research data store: ask for them there")
    record = visible_record(_key(request), call.ports)
    kind = _content_type(request, record)
    if kind == DICOM:
        return _file(call, record)
    return unless_known(call, record, lambda: _picture(call, record, kind))


def _picture(call: Call, record: InstanceRecord, kind: str) -> Response:
    request = call.request
    number = request.number("frameNumber", 1, 1, 2**31)
    wanted = Wanted(_viewport(request, record), _window(request), kind, request.number("imageQuality", 90, 1, 100))
    return stream_response(call, kind, [render_frame(record, number, wanted, call.ports)])


def _key(request: Request) -> InstanceKey:
    found = [request.parameter(name) for name in ("studyUID", "seriesUID", "objectUID")]
    if not all(is_uid(uid) for uid in found):
        raise InvalidRequestError("studyUID, seriesUID and objectUID are UIDs, and all three are needed")
    return InstanceKey(StudyUid(found[0]), SeriesUid(found[1]), InstanceUid(found[2]))


def _content_type(request: Request, record: InstanceRecord) -> str:
    """Return the best of contentType that can be had; without it a picture of an image, else the file (9.1.2.2)."""
    asked = request.parameter("contentType")
    for entry in parse_accept(asked or "*/*"):
        if entry.media_type == DICOM or (entry.media_type == "*/*" and not _is_image(record)):
            return DICOM
        if entry.media_type == "*/*":
            return "image/jpeg"
        if entry.media_type in _PICTURES and _is_image(record):
            return _PICTURES[entry.media_type]
    raise NotAcceptableError(
        f"the instance is available as {DICOM}, an image also as image/jpeg, image/png and image/gif"
    )


def _is_image(record: InstanceRecord) -> bool:
    try:
        return frames_of(record) > 0
    except NotAcceptableError:
        return False


def _file(call: Call, record: InstanceRecord) -> Response:
    chosen = choose_syntaxes([record], [Wish(call.request.parameter("transferSyntax"))])
    if not chosen:
        raise NotAcceptableError("the instance cannot be had in this transfer syntax: leave transferSyntax out, or *")
    ((_, body),) = read_instances(chosen, call.ports)
    return stream_response(call, f"{DICOM}; transfer-syntax={chosen[0].target}", body)


def _window(request: Request) -> Window | None:
    centre, width = request.parameter("windowCenter"), request.parameter("windowWidth")
    if not centre and not width:
        return None
    try:
        return Window(float(centre), float(width))
    except ValueError as error:
        told = "windowCenter and windowWidth are numbers, go together, and the width is 1 or more"
        raise InvalidRequestError(told) from error


def _viewport(request: Request, record: InstanceRecord) -> Viewport | None:
    """Return what rows, columns and region mean; a region's corners are parts of the image, from 0 to 1 (9.1.2.2)."""
    rows, columns = (request.number(name, LARGEST_SIDE, 1, LARGEST_SIDE) for name in ("rows", "columns"))
    region = request.parameter("region")
    if not region:
        return None if rows == columns == LARGEST_SIDE else Viewport(columns, rows)
    height, width = (int(text_of(record.attributes, tag) or 0) for tag in ("00280010", "00280011"))
    try:
        left, top, right, bottom = (float(part) for part in region.split(","))
        start, end = (round(left * width), round(top * height)), (round(right * width), round(bottom * height))
        shown = Viewport(columns, rows, *start, end[0] - start[0], end[1] - start[1])
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError("a region's corners lie in the image")
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError("the parameter is region=left,top,right,bottom, each from 0 to 1") from error
    unscaled = rows == columns == LARGEST_SIDE
    return replace(shown, width=end[0] - start[0], height=end[1] - start[1]) if unscaled else shown

"""Image sets as the HealthImaging API shows them: properties, versions, metadata, frames."""

from typing import Any

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.image_sets import ImageSet
from dicomlake.usecases.read_image_sets import (
    FrameLists,
    find_image_set,
    image_frame,
    image_set_document,
    list_image_set_versions,
)
from dicomlake.web.accept import MEDIA_TYPES, OCTET_STREAM, parse_accept
from dicomlake.web.imaging_call import ImagingCall, epoch, result
from dicomlake.web.imaging_pages import page_size, place_after, token_of
from dicomlake.web.response import Response

_LISTS = FrameLists()
FREQUENT = "FREQUENT_ACCESS"
"""The storage tier of all that the lake holds: it moves nothing by itself."""


def get_image_set(call: ImagingCall) -> Response:
    """GetImageSet: as it is now, or as it was in a version."""
    found = find_image_set(call.arguments["imageSetId"], _version(call), call.ports)
    return result(
        datastoreId=call.datastore_id,
        imageSetArn=call.arn(call.datastore_id, found.image_set_id),
        storageTier=FREQUENT,
        imageSetWorkflowStatus=found.workflow,
        **image_set_properties(found),
    )


def list_versions(call: ImagingCall) -> Response:
    """ListImageSetVersions, newest first."""
    after = place_after(call)
    before = int(after) if after.isdigit() else None
    page = list_image_set_versions(call.arguments["imageSetId"], before, page_size(call), call.ports)
    shown = [{**image_set_properties(one), "ImageSetWorkflowStatus": one.workflow} for one in page.items]
    return result(imageSetPropertiesList=shown, nextToken=token_of(page.after))


def get_metadata(call: ImagingCall) -> Response:
    """GetImageSetMetadata: the document, gzip-compressed whatever the caller accepts; clients unpack it by hand."""
    body = image_set_document(call.arguments["imageSetId"], _version(call), call.datastore_id, call.ports)
    return Response(200, body, {"content-type": "application/json", "content-encoding": "gzip"}, verbatim=True)


def get_frame(call: ImagingCall) -> Response:
    """GetImageFrame: the code stream as it is stored, under its own media type."""
    wanted = call.arguments["imageFrameInformation"]["imageFrameId"]
    frame = image_frame(call.arguments["imageSetId"], wanted, call.ports, _LISTS)
    media = MEDIA_TYPES.get(frame.transfer_syntax, OCTET_STREAM)
    kinds = (media, OCTET_STREAM, f"{media.split('/')[0]}/*", "*/*")
    if not any(entry.weight > 0 and entry.media_type in kinds for entry in parse_accept(call.request.accept())):
        raise NotAcceptableError(f"the frame is available as {media}")
    return Response(200, frame.body, {"content-type": media}, verbatim=True)


def _version(call: ImagingCall) -> int | None:
    text = call.text("versionId")
    return int(text) if text else None


def image_set_properties(one: ImageSet) -> dict[str, Any]:
    """Return what every answer says of an image set."""
    times = {"createdAt": one.created_at, "updatedAt": one.updated_at, "deletedAt": one.deleted_at}
    return {
        "imageSetId": one.image_set_id,
        "versionId": str(one.version),
        "imageSetState": one.state,
        **{name: epoch(time) for name, time in times.items() if time},
        **({"message": one.message} if one.message else {}),
        **({"overrides": {"forced": True}} if one.forced else {}),
        "isPrimary": one.is_primary,
    }

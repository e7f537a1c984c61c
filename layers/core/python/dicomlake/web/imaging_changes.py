"""Changes of image sets by the HealthImaging API: what DICOMweb's deletion is there."""

from dicomlake.domain.change import Scope
from dicomlake.domain.errors import InvalidRequestError, NotFoundError
from dicomlake.domain.image_sets import ImageSetState, WorkflowStatus
from dicomlake.usecases.delete_instances import Author, delete_instances
from dicomlake.usecases.publish_image_sets import publish_series
from dicomlake.usecases.read_image_sets import find_image_set
from dicomlake.web.changes import change_ports
from dicomlake.web.imaging_call import ImagingCall, result
from dicomlake.web.response import Response


def delete_image_set(call: ImagingCall) -> Response:
    """DeleteImageSet: the series is hidden, as by DICOMweb's DELETE, and the image set has a last version, DELETED."""
    found = find_image_set(call.arguments["imageSetId"], None, call.ports)
    if found.state is ImageSetState.DELETED:
        raise NotFoundError("the image set is deleted")
    if not found.is_primary:
        raise InvalidRequestError("a non-primary image set goes with its primary one: purge the study")
    ports = change_ports(call.store, call.services)
    author = Author(call.request.caller or call.key.access_key_id, "DeleteImageSet")
    changed = delete_instances(Scope(found.study_uid, found.series_uid), author, ports)
    done = changed is None or changed.done
    if done:
        secret, store = ports.secret(), call.ports
        publish_series(call.datastore_id, found.study_uid, found.series_uid, (), {}, store, secret, ports.clock)
    return result(
        datastoreId=call.datastore_id,
        imageSetId=found.image_set_id,
        imageSetState=ImageSetState.DELETED if done else ImageSetState.LOCKED,
        imageSetWorkflowStatus=WorkflowStatus.DELETED if done else WorkflowStatus.DELETING,
    )

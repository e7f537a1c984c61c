"""Changes of image sets by the HealthImaging API: what DICOMweb's deletion and correction are there."""

from dicomlake.domain.change import Scope, corrected_as_of, corrections
from dicomlake.domain.errors import InvalidRequestError, NotFoundError, StaleError
from dicomlake.domain.image_sets import ImageSet, ImageSetState, WorkflowStatus
from dicomlake.usecases.change_study import ChangePorts
from dicomlake.usecases.correct_metadata import correct_metadata, newest, revert_metadata
from dicomlake.usecases.delete_instances import Author, delete_instances
from dicomlake.usecases.image_set_updates import read_updates
from dicomlake.usecases.publish_image_sets import publish_series
from dicomlake.usecases.read_image_sets import find_image_set
from dicomlake.usecases.retrieve_metadata import visible_of
from dicomlake.web.changes import change_ports
from dicomlake.web.imaging_call import ImagingCall, epoch, result
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


def update_metadata(call: ImagingCall) -> Response:
    """UpdateImageSetMetadata: a correction of the study, the series or an instance, or a way back to a version's."""
    found = _active(call)
    ports = change_ports(call.store, call.services)
    expected = newest(found.study_uid, call.ports)
    updates = call.arguments["updateImageSetMetadataUpdates"]
    author = Author(call.request.caller or call.key.access_key_id, "UpdateImageSetMetadata")
    if updates.get("revertToVersionId"):
        past = find_image_set(found.image_set_id, int(updates["revertToVersionId"]), call.ports)
        scope = _scope_since(past, found, call)
        revert_metadata(scope, past.corrected, expected, author, ports)
    else:
        asked = read_updates(updates.get("DICOMUpdates") or {}, found)
        _check_reach(asked.scope, call)
        correct_metadata(asked.scope, asked.values, expected, author, ports)
    made = _published(found, call, ports)
    return result(
        datastoreId=call.datastore_id,
        imageSetId=made.image_set_id,
        latestVersionId=str(made.version),
        imageSetState=made.state,
        imageSetWorkflowStatus=made.workflow,
        createdAt=epoch(made.created_at),
        updatedAt=epoch(made.updated_at),
    )


def _active(call: ImagingCall) -> ImageSet:
    """The primary image set that is meant, in the version that is meant."""
    found = find_image_set(call.arguments["imageSetId"], None, call.ports)
    if found.state is ImageSetState.DELETED:
        raise NotFoundError("the image set is deleted")
    if not found.is_primary:
        raise InvalidRequestError("a non-primary image set is not changed")
    if str(found.version) != call.arguments["latestVersionId"]:
        raise StaleError("latestVersionId is not the newest version: read the image set again")
    return found


def _check_reach(scope: Scope, call: ImagingCall) -> None:
    """A study's attributes are those of all its image sets: who changes them says so."""
    if scope.series_uid is None and not call.arguments.get("includeStudyImageSets"):
        shown = [one for one in call.ports.studies.series(scope.study_uid) if one.counts.instances > 0]
        if len(shown) > 1:
            raise InvalidRequestError("the study has other image sets: say includeStudyImageSets to change them too")


def _scope_since(past: ImageSet, found: ImageSet, call: ImagingCall) -> Scope:
    """What was corrected since a version; where that is several things, each is taken back by itself."""
    history = call.ports.changes.history(found.study_uid)
    scopes = {one.scope for one in corrections(history) if one.number > past.corrected}
    own = {scope for scope in scopes if scope.touches(found.series_uid)}
    if len(own) != 1:
        raise InvalidRequestError("nothing, or several levels, were corrected since this version: undo them one by one")
    return own.pop()


def _published(found: ImageSet, call: ImagingCall, ports: ChangePorts) -> ImageSet:
    """The image set's version that shows the change, which the next settling would make otherwise."""
    store, series_uid = call.ports, found.series_uid
    held = {one.series_uid: one.attributes for one in store.studies.series(found.study_uid)}
    attributes = held.get(series_uid, {})
    records = visible_of(found.study_uid, series_uid, store)
    number = corrected_as_of(store.changes.history(found.study_uid), series_uid)
    made = publish_series(
        call.datastore_id,
        found.study_uid,
        series_uid,
        records,
        attributes,
        store,
        ports.secret(),
        ports.clock,
        corrected=number,
    )
    return made or found

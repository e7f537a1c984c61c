"""Data stores and their tags, as the HealthImaging API has them."""

from collections.abc import Mapping

from dicomlake.domain.datastores import DatastoreRow
from dicomlake.domain.errors import NotFoundError, QuotaExceededError, RequestConflictError
from dicomlake.domain.model import DatastoreId
from dicomlake.usecases.describe_datastores import describe_datastore, describe_datastores, tag_datastore
from dicomlake.web.imaging_access import datastore_of
from dicomlake.web.imaging_call import ImagingCall, epoch, result
from dicomlake.web.imaging_pages import page_of
from dicomlake.web.response import Response


def list_datastores(call: ImagingCall) -> Response:
    """ListDatastores: those that the key opens."""
    services = call.services
    rows = describe_datastores(_deployed(call), services.datastores, services.clock)
    status = call.text("datastoreStatus")
    shown = [row for row in rows if call.key.opens(row.datastore_id) and status in ("", row.status)]
    some, after = page_of(shown, lambda row: row.datastore_id, call)
    return result(datastoreSummaries=[_summary(call, row) for row in some], nextToken=after)


def get_datastore(call: ImagingCall) -> Response:
    """GetDatastore."""
    row = _row(call, call.datastore_id)
    return result(
        datastoreProperties={
            **_summary(call, row),
            "losslessStorageFormat": row.lossless_storage_format,
            **({"kmsKeyArn": row.kms_key_arn} if row.kms_key_arn else {}),
            **({"lambdaAuthorizerArn": row.lambda_authorizer_arn} if row.lambda_authorizer_arn else {}),
        }
    )


def create_datastore(call: ImagingCall) -> Response:
    """CreateDatastore: refused, since data stores are deployed."""
    count = len(call.services.stores)
    raise QuotaExceededError(
        f"the lake has the {count} data stores that were deployed, which is all it may have: add one to its stacks"
    )


def delete_datastore(call: ImagingCall) -> Response:
    """DeleteDatastore: refused, since data stores are deployed; one that is not there is not found."""
    _row(call, call.datastore_id)
    raise RequestConflictError("the data store is part of the deployed stacks: take it out of them")


def list_tags(call: ImagingCall) -> Response:
    """ListTagsForResource."""
    return result(tags=dict(_tagged(call).tags))


def tag_resource(call: ImagingCall) -> Response:
    """TagResource."""
    tag_datastore(_tagged(call), call.arguments["tags"], (), call.services.datastores, call.services.clock)
    return result()


def untag_resource(call: ImagingCall) -> Response:
    """UntagResource; a tag that is not there is no error."""
    tag_datastore(_tagged(call), {}, call.arguments["tagKeys"], call.services.datastores, call.services.clock)
    return result()


def _tagged(call: ImagingCall) -> DatastoreRow:
    """The data store that an ARN names, which must be spelled as the lake spells it. Raises NotFoundError."""
    arn = call.arguments["resourceArn"]
    row = _row(call, DatastoreId(datastore_of(arn)))
    if arn != call.arn(row.datastore_id):
        raise NotFoundError("the ARN names no data store of this lake; image sets have no tags")
    return row


def _row(call: ImagingCall, datastore_id: DatastoreId) -> DatastoreRow:
    return describe_datastore(datastore_id, _deployed(call), call.services.datastores, call.services.clock)


def _deployed(call: ImagingCall) -> Mapping[DatastoreId, str]:
    return {datastore_id: store.label or datastore_id for datastore_id, store in call.services.stores.items()}


def _summary(call: ImagingCall, row: DatastoreRow) -> dict[str, object]:
    return {
        "datastoreId": row.datastore_id,
        "datastoreName": row.name,
        "datastoreStatus": row.status,
        "datastoreArn": call.arn(row.datastore_id),
        "createdAt": epoch(row.created_at),
        "updatedAt": epoch(row.updated_at),
    }

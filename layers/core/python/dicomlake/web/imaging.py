"""AWS HealthImaging's API: its operations, who may call them, and how each call is run.

Requests are signed with an access key that the lake issued, checked as botocore's model says, and answered in the
model's shapes; errors are the model's, as boto3 maps them. A handler takes an ImagingCall; its module is imported when
it is first called.
"""

from collections.abc import Callable
from importlib import import_module

from dicomlake.domain.errors import PipelineError
from dicomlake.web.call import Call
from dicomlake.web.imaging_call import ImagingCall
from dicomlake.web.imaging_errors import imaging_error
from dicomlake.web.response import Response

OFFERED: dict[str, str] = {
    "DeleteImageSet": "imaging_changes.delete_image_set",
    "GetImageFrame": "imaging_sets.get_frame",
    "GetImageSet": "imaging_sets.get_image_set",
    "GetImageSetMetadata": "imaging_sets.get_metadata",
    "ListImageSetVersions": "imaging_sets.list_versions",
    "SearchImageSets": "imaging_search.search",
    "StartDICOMImportJob": "imaging_imports.start",
    "GetDICOMImportJob": "imaging_imports.get",
    "ListDICOMImportJobs": "imaging_imports.list_jobs",
    "CreateDatastore": "imaging_datastores.create_datastore",
    "DeleteDatastore": "imaging_datastores.delete_datastore",
    "GetDatastore": "imaging_datastores.get_datastore",
    "ListDatastores": "imaging_datastores.list_datastores",
    "ListTagsForResource": "imaging_datastores.list_tags",
    "TagResource": "imaging_datastores.tag_resource",
    "UntagResource": "imaging_datastores.untag_resource",
    "UpdateImageSetMetadata": "imaging_changes.update_metadata",
}
"""What each operation is answered by: a module of web/ and a function in it."""

FOR_PRINCIPALS = "/imaging"
"""Before the model's paths: the same operations for IAM principals, whose signatures the gateway checks."""

CHANGES = frozenset(
    {
        "CopyImageSet",
        "CreateDatastore",
        "DeleteDatastore",
        "DeleteImageSet",
        "StartDICOMImportJob",
        "TagResource",
        "UntagResource",
        "UpdateImageSetMetadata",
    }
)
"""Operations that a read-only key does not open."""

ImagingHandler = Callable[[ImagingCall], Response]


def operation(name: str) -> Callable[[Call], Response]:
    """Return the handler of an operation: who asks is looked at before what is asked."""
    module, _, function = OFFERED[name].partition(".")

    def handle(call: Call) -> Response:
        try:
            from dicomlake.web.imaging_access import admitted

            handler: ImagingHandler = getattr(import_module(f"dicomlake.web.{module}"), function)
            return handler(admitted(call, name, changes=name in CHANGES))
        except PipelineError as error:
            return imaging_error(error, call.request.request_id)

    return handle

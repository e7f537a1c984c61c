"""Rendered reports (WADO-RS, PS3.18 8.7.4.3 and 10.4.1.1.3): a content tree as a page that a browser shows."""

from dicomlake.dicom.documents.pages import page, plain
from dicomlake.dicom.documents.tree import is_document
from dicomlake.domain.correction import corrected
from dicomlake.domain.model import InstanceRecord, JsonObject
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_instances import stored_instance


def content_tree(record: InstanceRecord, store: Datastore) -> JsonObject | None:
    """Return the metadata, as corrected, of a structured report or key object selection; None for other instances."""
    instance = stored_instance(record, store)
    return corrected(instance.view, instance.changes) if is_document(instance.view) else None


def render_document(tree: JsonObject, media_type: str, service: str) -> bytes:
    """Return a content tree as `text/html` or `text/plain`, UTF-8; `service` is the base URL that links lead to."""
    return (page(tree, service) if media_type == "text/html" else plain(tree)).encode("utf-8", "replace")

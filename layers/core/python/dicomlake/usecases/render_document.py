"""Rendered reports (WADO-RS, PS3.18 8.7.4.3 and 10.4.1.1.3): a content tree as a page that a browser shows."""

from collections.abc import Sequence

from dicomlake.dicom.documents.pages import page, plain
from dicomlake.dicom.documents.tree import is_document
from dicomlake.domain.change import StudyChange
from dicomlake.domain.correction import concerning, corrected
from dicomlake.domain.model import InstanceRecord, JsonObject
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_instances import stored_instance
from dicomlake.usecases.retrieve_metadata import corrections_of


def content_tree(record: InstanceRecord, store: Datastore) -> JsonObject | None:
    """Return the metadata, as corrected, of a structured report or key object selection; None for other instances."""
    view = stored_instance(record, store).view
    return corrected(view, _standing(record, store)) if is_document(view) else None


def overlay_of(record: InstanceRecord, store: Datastore) -> str:
    """Return which corrections stand over an instance: another text for others."""
    return ",".join(str(one.number) for one in _standing(record, store))


def _standing(record: InstanceRecord, store: Datastore) -> Sequence[StudyChange]:
    return concerning(corrections_of(record.key.study_uid, store), record.key)


def render_document(tree: JsonObject, media_type: str, service: str) -> bytes:
    """Return a content tree as `text/html` or `text/plain`, UTF-8; `service` is the base URL that links lead to."""
    return (page(tree, service) if media_type == "text/html" else plain(tree)).encode("utf-8", "replace")

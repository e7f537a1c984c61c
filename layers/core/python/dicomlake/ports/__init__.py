"""What the use cases need of the world, in our words; adapters/ gives each twice: AWS, and memory for tests.

Every method raises RetryableError where trying again may help; other errors are named where they occur.
"""

from dataclasses import dataclass

from dicomlake.domain.search_keys import SearchKey
from dicomlake.ports.access import AccessKeys
from dicomlake.ports.changes import ChangeIndex, ChangeStep, RowChange
from dicomlake.ports.datastores import DatastoreRegistry
from dicomlake.ports.image_sets import ImageSetIndex, ImageSetOrder, ImageSetPlace
from dicomlake.ports.imports import ImportJobs
from dicomlake.ports.instances import InstanceIndex, Ledger, all_instances
from dicomlake.ports.messages import EventPublisher, Workflows, WorkQueue
from dicomlake.ports.objects import ObjectInfo, ObjectStore, ObjectWriter, SignedRequest, UploadSigner
from dicomlake.ports.studies import Change, ChangeFeed, FeedHead, Fold, SearchHit, StudyIndex
from dicomlake.ports.surroundings import Clock, IdSource, Page, SecretSource

__all__ = [
    "AccessKeys",
    "Change",
    "ChangeFeed",
    "ChangeIndex",
    "ChangeStep",
    "Clock",
    "Datastore",
    "DatastoreRegistry",
    "EventPublisher",
    "FeedHead",
    "Fold",
    "IdSource",
    "ImageSetIndex",
    "ImageSetOrder",
    "ImageSetPlace",
    "ImportJobs",
    "InstanceIndex",
    "Ledger",
    "ObjectInfo",
    "ObjectStore",
    "ObjectWriter",
    "Page",
    "RowChange",
    "SearchHit",
    "SearchKey",
    "SecretSource",
    "SignedRequest",
    "StudyIndex",
    "UploadSigner",
    "WorkQueue",
    "Workflows",
    "all_instances",
]


@dataclass(frozen=True, slots=True)
class Datastore:
    """The ports of one data store: its index and the bucket of its packs."""

    instances: InstanceIndex
    ledger: Ledger
    studies: StudyIndex
    feed: ChangeFeed
    image_sets: ImageSetIndex
    imports: ImportJobs
    objects: ObjectStore
    changes: ChangeIndex

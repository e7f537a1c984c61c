"""Every port in memory, with the semantics of the AWS ones: one contract test suite runs on both."""

from dicomlake.adapters.memory.access import MemoryAccessKeys
from dicomlake.adapters.memory.changes import MemoryChangeIndex
from dicomlake.adapters.memory.datastores import MemoryDatastoreRegistry
from dicomlake.adapters.memory.feed import MemoryChangeFeed
from dicomlake.adapters.memory.image_sets import MemoryImageSetIndex
from dicomlake.adapters.memory.imports import MemoryImportJobs
from dicomlake.adapters.memory.index import MemoryInstanceIndex, MemoryLedger
from dicomlake.adapters.memory.messages import MemoryEventPublisher, MemoryWorkflows, MemoryWorkQueue
from dicomlake.adapters.memory.objects import MemoryBuckets, MemoryObjectStore
from dicomlake.adapters.memory.state import MemoryState
from dicomlake.adapters.memory.studies import MemoryStudyIndex
from dicomlake.adapters.memory.surroundings import MemoryClock, MemoryIdSource, MemorySecretSource
from dicomlake.ports import Datastore


class MemoryDatastore(Datastore):
    """A data store in memory: its ports share one state, so that a commit shows in all of them at once.

    `state.committed` lists the commit rows in the order they were written, as the table's stream tells them.
    """

    state: MemoryState

    def __init__(self, bucket: str = "lake", buckets: MemoryBuckets | None = None) -> None:
        state = MemoryState()
        super().__init__(
            instances=MemoryInstanceIndex(state),
            ledger=MemoryLedger(state),
            studies=MemoryStudyIndex(state),
            feed=MemoryChangeFeed(state),
            imports=MemoryImportJobs(state),
            image_sets=MemoryImageSetIndex(state),
            objects=MemoryObjectStore(bucket, buckets),
            changes=MemoryChangeIndex(state),
        )
        object.__setattr__(self, "state", state)  # the base is frozen


__all__ = [
    "MemoryAccessKeys",
    "MemoryBuckets",
    "MemoryChangeFeed",
    "MemoryChangeIndex",
    "MemoryClock",
    "MemoryDatastore",
    "MemoryDatastoreRegistry",
    "MemoryEventPublisher",
    "MemoryIdSource",
    "MemoryImageSetIndex",
    "MemoryImportJobs",
    "MemoryInstanceIndex",
    "MemoryLedger",
    "MemoryObjectStore",
    "MemorySecretSource",
    "MemoryState",
    "MemoryStudyIndex",
    "MemoryWorkQueue",
    "MemoryWorkflows",
]

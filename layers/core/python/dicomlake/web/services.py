"""What the handlers are given: the data stores and the ports around them. Built once by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.model import DatastoreId
from dicomlake.ports import (
    AccessKeys,
    Clock,
    Datastore,
    DatastoreRegistry,
    EventPublisher,
    IdSource,
    ObjectStore,
    SecretSource,
    UploadSigner,
    WorkQueue,
)

if TYPE_CHECKING:  # it opens data sets, which look-ups do not
    from dicomlake.usecases.receive_instances import StorePorts


@dataclass(frozen=True, slots=True)
class OpenStore:
    """One data store that the API serves; only operators read one that is not `cleared` for everyone else.

    `label` is what people call it (`clinical`): the groups that grant something in it are named by it.
    """

    name: DatastoreId
    ports: Datastore
    cleared: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a request may need. `operators` are the ARNs of the roles that operate the lake.

    `default_store` answers the operations that name no data store; landed objects are decided in its ledger.
    `links` is where the key is kept that signs study links; without it none is given out or followed.
    `late` says that there is too little time left to go on with an answer. `storing` is what storing by request needs,
    None in a function that stores nothing; `changes` and `events` are there where requests may change what is stored,
    `imports`, the queue of import jobs, where they may start one.
    `streams` says that answers of any size are sent as they are made.
    """

    stores: Mapping[DatastoreId, OpenStore]
    default_store: DatastoreId
    landing_bucket: str
    uploads: UploadSigner
    quarantine: ObjectStore
    secret: SecretSource
    access_keys: AccessKeys
    datastores: DatastoreRegistry
    clock: Clock
    ids: IdSource
    operators: frozenset[str] = field(default_factory=frozenset)
    region: str = ""
    links: SecretSource | None = None
    late: Callable[[], bool] = lambda: False
    storing: "StorePorts | None" = None
    changes: WorkQueue | None = None
    events: EventPublisher | None = None
    streams: bool = False
    imports: WorkQueue | None = None

    def store(self, name: str) -> OpenStore:
        """Return a data store by its name, the default one for "". Raises NotFoundError if there is none."""
        found = self.stores.get(DatastoreId(name or self.default_store))
        if found is None:
            raise NotFoundError("there is no data store of this name")
        return found

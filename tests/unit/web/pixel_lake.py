"""A lake in memory that took real files in, and the web over it: what instances, frames and pictures are asked of."""

from collections.abc import Callable

from dicomlake.adapters.memory import MemoryAccessKeys, MemoryDatastoreRegistry, MemorySecretSource
from dicomlake.adapters.memory.uploads import MemoryUploadSigner
from dicomlake.domain.model import DatastoreId
from dicomlake.web.services import OpenStore, Services
from tests.usecases.memory_lake import MemoryLake

STORE = DatastoreId("reading-room")
ROOT = "/dicomweb/reading-room"


class PixelLake(MemoryLake):
    """Files in, requests answered."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.access_keys, self.datastores = MemoryAccessKeys(), MemoryDatastoreRegistry()

    def store_files(self, *files: bytes) -> None:
        """Land files and wait until the studies are ready."""
        for file in files:
            self.land(f"in/{self.ids.new()}", file)
        self.pump()

    def services(self, late: Callable[[], bool] = lambda: False) -> Services:
        """What the web is given."""
        return Services(
            stores={STORE: OpenStore(STORE, self.store, cleared=True)},
            default_store=STORE,
            landing_bucket="landing",
            uploads=MemoryUploadSigner(self.landing),
            quarantine=self.quarantine,
            secret=MemorySecretSource(),
            access_keys=self.access_keys,
            datastores=self.datastores,
            clock=self.clock,
            ids=self.ids,
            region="eu-central-1",
            late=late,
        )

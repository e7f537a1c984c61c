"""A lake in memory that took real files in, asked by boto3's own `medical-imaging` client."""

from dataclasses import replace
from typing import Any

from dicomlake.adapters.memory import MemoryWorkQueue
from dicomlake.web.services import OpenStore, Services
from tests.unit.web.imaging_client import imaging_client, issued, wound
from tests.unit.web.pixel_lake import PixelLake
from tests.usecases.dicom_files import changed, ct_slice
from tests.usecases.memory_lake import DATASTORE


class ImagingLake(PixelLake):
    """A lake, and boto3's client of it."""

    def __init__(self) -> None:
        super().__init__()
        self.client: Any = None
        self.work = MemoryWorkQueue()
        wound(self.clock)

    def imaging(self) -> Any:
        """The client of a key for every data store."""
        return imaging_client(self.served(), issued(self.served()))

    def served(self) -> Services:
        """What the web is given, under an id of HealthImaging's form."""
        services = self.services()
        stores = {DATASTORE: OpenStore(DATASTORE, self.store, cleared=True, label="clinical")}
        return replace(
            services,
            stores=stores,
            default_store=DATASTORE,
            imports=self.work,
            changes=self.changes,
            events=self.events,
        )

    def now(self) -> Any:
        """The client, after the lake's clock was brought to the machine's."""
        wound(self.clock)
        self.client = self.client or self.imaging()
        return self.client


def slices(*numbers: int, **changes: Any) -> list[bytes]:
    """Slices of one series, each with pixels of its own."""
    return [changed(ct_slice(number=number), **changes) for number in numbers]


def found(client: Any, **criteria: Any) -> list[dict[str, Any]]:
    """Every summary that a search gives."""
    pages = client.get_paginator("search_image_sets").paginate(
        datastoreId=DATASTORE, searchCriteria=criteria, PaginationConfig={"PageSize": 2}
    )
    return [one for page in pages for one in page["imageSetsMetadataSummaries"]]

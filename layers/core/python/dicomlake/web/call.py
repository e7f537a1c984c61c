"""One request on its way to its handler: matched, authorized, its path's identifiers checked."""

from dataclasses import dataclass

from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid
from dicomlake.ports import Datastore
from dicomlake.web.request import Request
from dicomlake.web.services import OpenStore, Services


@dataclass(frozen=True, slots=True)
class Call:
    """A request with what its route found in the path, and the data store it is about."""

    request: Request
    path: dict[str, str]
    store: OpenStore
    services: Services

    @property
    def ports(self) -> Datastore:
        """The ports of the data store."""
        return self.store.ports

    @property
    def study_uid(self) -> StudyUid:
        """The study in the path."""
        return StudyUid(self.path["study"])

    @property
    def series_uid(self) -> SeriesUid:
        """The series in the path."""
        return SeriesUid(self.path["series"])

    @property
    def key(self) -> InstanceKey:
        """The instance in the path."""
        return InstanceKey(self.study_uid, self.series_uid, InstanceUid(self.path["instance"]))

    @property
    def dicomweb_url(self) -> str:
        """The root of the data store's DICOMweb service, as the caller reached it: a followed link has its own."""
        return f"{self.request.base_url}{self.request.root or f'/dicomweb/{self.store.name}'}"

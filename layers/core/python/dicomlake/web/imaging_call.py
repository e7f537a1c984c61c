"""One request of the HealthImaging API on its way to its handler: signed by a known key, its arguments checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dicomlake.domain.access_key import AccessKey
from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.model import DatastoreId
from dicomlake.domain.study import parse_time
from dicomlake.ports import Datastore
from dicomlake.web.request import Request
from dicomlake.web.response import Response, json_response
from dicomlake.web.services import OpenStore, Services

_PARTITIONS = (("us-gov-", "aws-us-gov"), ("cn-", "aws-cn"))


@dataclass(frozen=True, slots=True)
class ImagingCall:
    """An operation's arguments by their names in the model, who asks, and what answers are made of."""

    operation: str
    arguments: Mapping[str, Any]
    key: AccessKey
    request: Request
    services: Services

    @property
    def datastore_id(self) -> DatastoreId:
        """The data store that the call is about."""
        return DatastoreId(self.arguments["datastoreId"])

    @property
    def store(self) -> OpenStore:
        """The data store that the call is about. Raises NotFoundError."""
        found = self.services.stores.get(self.datastore_id)
        if found is None:
            raise NotFoundError("there is no data store of this id")
        return found

    @property
    def ports(self) -> Datastore:
        """The ports of the data store."""
        return self.store.ports

    def arn(self, datastore_id: str, image_set_id: str = "") -> str:
        """Return the ARN of a data store, or of an image set in it."""
        region = self.services.region
        partition = next((name for beginning, name in _PARTITIONS if region.startswith(beginning)), "aws")
        tail = f"/imageset/{image_set_id}" if image_set_id else ""
        return f"arn:{partition}:medical-imaging:{region}:{self.request.account}:datastore/{datastore_id}{tail}"

    def text(self, name: str) -> str:
        """Return an argument that is a text, "" where it was not given."""
        return str(self.arguments.get(name) or "")


def epoch(time: str | datetime) -> float:
    """Return a time as rest-json writes it: seconds since 1970, to the millisecond."""
    at = parse_time(time) if isinstance(time, str) else time
    return round(at.timestamp(), 3)


def result(**members: Any) -> Response:
    """Return an operation's answer; members that are None or "" are left out."""
    return json_response({name: value for name, value in members.items() if value is not None and value != ""})

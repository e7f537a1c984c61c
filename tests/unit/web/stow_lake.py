"""A lake that takes instances by STOW-RS, and requests as clients send them."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dicomlake.domain.events import IngestObject
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.model import LandedObject, Outcome
from dicomlake.domain.routing import Received
from dicomlake.domain.study import format_time
from dicomlake.usecases.admission import refuse_conflicts
from dicomlake.usecases.receive_instances import StorePorts
from dicomlake.web.app import answer
from dicomlake.web.call import Call
from dicomlake.web.request import read_event
from dicomlake.web.services import Services
from tests.unit.web.events import CALLER, body_of, event
from tests.unit.web.pixel_lake import ROOT, STORE, PixelLake
from tests.usecases.memory_lake import SETTLE

BOUNDARY = "0f3cf5c0-70e0-41ef-baef-c6f9f65ec3e1"
MULTIPART = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
Document = dict[str, Any]


def multipart(*files: bytes, boundary: str = BOUNDARY, newline: bytes = b"\r\n", head: bytes | None = None) -> bytes:
    """A body of DICOM files."""
    header = b"Content-Type: application/dicom" + newline if head is None else head
    mark = b"--" + boundary.encode()
    return b"".join((*(mark + newline + header + newline + file + newline for file in files), mark, b"--", newline))


class StowLake(PixelLake):
    """Instances in by request."""

    rejects = False
    late: Callable[[], bool] = staticmethod(lambda: False)

    def services(self, late: Callable[[], bool] = lambda: False) -> Services:
        """What the web of the function that stores is given."""
        found = super().services(late)
        ingest = self.ports()
        if self.rejects:
            ingest = replace(ingest, context=replace(ingest.context, accept=refuse_conflicts(self.store.instances)))
        ports = StorePorts(ingest, "landing", self.again, self.timers, SETTLE, self.late)
        return replace(found, storing=ports)

    def post(
        self, body: bytes, content_type: str = MULTIPART, *, study: str = "", accept: str = "", path: str = ""
    ) -> Document:
        """Send a request and return the gateway's answer."""
        url = path or f"{ROOT}/studies{'/' if study else ''}{study}"
        sent = event(url, accept, CALLER, "POST", content_type=content_type)
        sent |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        return answer(sent, self.services())

    def outcomes(self) -> list[Outcome]:
        """Where each object that landed ended, in order."""
        landed = self.landing.versions().items
        keys = [ledger_key(self.secret, LandedObject("landing", one.key, one.version_id, one.size)) for one in landed]
        found = self.store.ledger.entries(keys)
        order = sorted(zip(landed, keys, strict=True), key=lambda pair: pair[0].version_id)
        return [found[key].outcome for _, key in order if key in found]

    def announce_landed(self) -> None:
        """Let S3 tell of everything that landed, as of now."""
        for one in self.landing.versions().items:
            landed = LandedObject("landing", one.key, one.version_id, one.size, landed_at=format_time(self.clock.now()))
            self.in_flight.append(Received(IngestObject(landed), one.version_id))

    def call(self, content_type: str = MULTIPART, study: str = "") -> Call:
        """A call whose body comes as a stream."""
        url = f"{ROOT}/studies{'/' if study else ''}{study}"
        request = read_event(event(url, "", CALLER, "POST", content_type=content_type))
        services = self.services()
        return Call(request, {"study": study} if study else {}, services.stores[STORE], services)


def told(response: Document) -> Document:
    """The data set of an answer."""
    found: Document = json.loads(body_of(response))
    return found


def items(response: Document, tag: str) -> Sequence[Document]:
    """The items of a sequence of an answer, each attribute by its one value."""
    return [
        {inner: element.get("Value", [None])[0] for inner, element in item.items()}
        for item in told(response).get(tag, {}).get("Value", [])
    ]

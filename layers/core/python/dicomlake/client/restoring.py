"""Rebuilding instances on this side: the restore plan says where an instance lies, its pack is read by signed URL."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from dicomlake.client.failure import LakeClientError
from dicomlake.client.http import Http
from dicomlake.client.lake import Document, LakeClient
from dicomlake.dicom.files.restore import landed_frame, rebuild
from dicomlake.dicom.frames.pixels import Bytes
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE
from dicomlake.domain.model import Frame, InstanceKey, InstanceUid, TransferSyntaxUid
from dicomlake.lake.pack import PackReader
from dicomlake.usecases.stored_instance import StoredInstance


class NotRestorableError(LakeClientError):
    """The landed bytes cannot be made again from what is stored."""


class Packs:
    """Reads instances out of packs; a pack's footer is read once, however many of its instances are asked for."""

    def __init__(self, lake: LakeClient, wanted: Sequence[InstanceKey] = ()) -> None:
        """`wanted` are the instances to be asked for: of a series with more than one, all plans are asked for at
        once."""
        self._lake = lake
        self._readers: dict[str, PackReader] = {}
        counted = Counter((key.study_uid, key.series_uid) for key in wanted)
        self._whole = {series for series, count in counted.items() if count > 1}
        self._plans: dict[InstanceKey, Document] = {}

    def instance(self, key: InstanceKey) -> "PackedInstance":
        """Return one instance, ready to be read."""
        plan = self._plan(key)
        pack = plan["pack"]
        name = pack["url"].partition("?")[0]
        if name not in self._readers:
            self._readers[name] = PackReader(_reader(self._lake.http, pack["url"]), pack["size"], name)
        return PackedInstance(plan, self._readers[name], pack["ordinal"])

    def _plan(self, key: InstanceKey) -> Document:
        series = key.study_uid, key.series_uid
        if series in self._whole:
            self._whole.discard(series)
            found = self._lake.restore_plans(*series)
            self._plans |= {replace(key, instance_uid=InstanceUid(plan["instance"])): plan for plan in found}
        return self._plans.pop(key, None) or self._lake.restore_plan(key)


@dataclass(frozen=True)
class PackedInstance:
    """One instance in its pack, with the restore plan's facts about it."""

    plan: Document
    reader: PackReader
    ordinal: int

    def landed(self) -> Iterator[Bytes]:
        """Yield the landed object's bytes, checked against its SHA-256 when they end.

        Raises LakeClientError where they cannot be made again, or are not equal.
        """
        if self.plan["restorable"] != "bytes":
            raise NotRestorableError(
                f"The landed bytes cannot be rebuilt (this instance is restorable as '{self.plan['restorable']}', "
                f"its source was {self.plan['sourceTransferSyntax']}): ask for --syntax ele or stored instead."
            )
        digest = hashlib.sha256()
        for part in rebuild(
            self.reader.head_parts(self.ordinal), self.reader.splices(self.ordinal), self._landed_frame
        ):
            digest.update(part)
            yield part
        if digest.hexdigest() != self.plan["landedSha256"]:
            raise LakeClientError(
                "The rebuilt bytes are not those that landed: tell the operator, this must not happen."
            )

    def part10(self, *, as_stored: bool) -> Iterator[Bytes]:
        """Yield a DICOM file of the instance: Explicit VR Little Endian, or its frames as they are stored."""
        return self.stored.part10(self.stored.syntax if as_stored else EXPLICIT_LITTLE)

    def frame(self, index: int) -> bytes:
        """Return a frame as it is stored, by its 0-based index."""
        return self.stored.frame(index)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The records of all frames."""
        return self.stored.frames

    @cached_property
    def stored(self) -> StoredInstance:
        """The instance as the lake itself reads it."""
        return StoredInstance(self.reader, self.ordinal, TransferSyntaxUid(self.plan["storedTransferSyntax"]))

    def _landed_frame(self, index: int) -> Bytes:
        stored = self.frame(index)
        if self.plan["storedTransferSyntax"] == self.plan["sourceTransferSyntax"] or self.stored.layout is None:
            return stored
        return landed_frame(stored, self.stored.layout)


def landed_bytes(lake: LakeClient, key: InstanceKey) -> Iterator[Bytes]:
    """Yield the bytes of one landed object, checked."""
    return Packs(lake).instance(key).landed()


def _reader(http: Http, url: str) -> "partial[bytes]":
    return partial(http.read, url)

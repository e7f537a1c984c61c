"""Retrieve instances (WADO-RS, PS3.18 10.4.1.1.1) as DICOM files, rebuilt from the packs one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from dicomlake.dicom.frames.pixels import Bytes
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE
from dicomlake.domain.correction import concerning
from dicomlake.domain.model import InstanceKey, InstanceRecord, SeriesUid, StudyUid, TransferSyntaxUid
from dicomlake.domain.served import served_as
from dicomlake.lake.layout import Span
from dicomlake.lake.reader import PackReader
from dicomlake.ports import Datastore, ObjectStore
from dicomlake.usecases.open_pack import kept_pack
from dicomlake.usecases.retrieve_metadata import corrections_of, visible_of, visible_record
from dicomlake.usecases.stored_instance import StoredInstance

AHEAD = 8 * 1024 * 1024
"""Bytes of a pack read at once where several of its instances are asked for: they lie one behind the other."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A transfer syntax that the caller takes: a UID, `*` for any, "" for the default; and how much (0 to 1)."""

    syntax: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """An instance and the transfer syntax in which it is sent."""

    record: InstanceRecord
    target: TransferSyntaxUid


def instances_of(study_uid: StudyUid, series_uid: SeriesUid | None, store: Datastore) -> tuple[InstanceRecord, ...]:
    """Return the instances of a study or series that readers see; NotFoundError or GoneError if there are none."""
    return tuple(visible_of(study_uid, series_uid, store))


def one_instance(key: InstanceKey, store: Datastore) -> tuple[InstanceRecord, ...]:
    """Return the instance under a key; NotFoundError if there is none."""
    return (visible_record(key, store),)


def choose_syntaxes(records: Sequence[InstanceRecord], wishes: Sequence[Wish]) -> tuple[Chosen, ...]:
    """Return those of the instances that can be sent as wished, in the order in which they lie in their packs.

    The best weight wins; among equals what needs no transcoding.
    """
    found = ((record, _target(record, wishes)) for record in records)
    chosen = [Chosen(record, target) for record, target in found if target is not None]
    return tuple(sorted(chosen, key=_place))


def _target(record: InstanceRecord, wishes: Sequence[Wish]) -> TransferSyntaxUid | None:
    """Instances without pixels are Explicit VR Little Endian whatever is wished: no other one is meant for them."""
    if not record.frame_count:
        return EXPLICIT_LITTLE if wishes else None
    stored = record.stored_transfer_syntax
    possible = [(wish, target) for wish in wishes if (target := served_as(stored, wish.syntax)) is not None]
    best = min(possible, key=lambda pair: (-pair[0].weight, pair[1] != stored), default=None)
    return best[1] if best is not None else None


def _place(chosen: Chosen) -> tuple[str, int, int]:
    pointer = chosen.record.pointer
    return pointer.pack, pointer.first_frame[0], pointer.ordinal


def read_instances(chosen: Sequence[Chosen], store: Datastore) -> Iterator[tuple[Chosen, Iterator[Bytes]]]:
    """Yield each instance with the bytes of its DICOM file; a file has to be read before the next is asked for."""
    studies = {one.record.key.study_uid for one in chosen}
    standing = {study_uid: corrections_of(study_uid, store) for study_uid in studies}
    for pack, members in groupby(chosen, key=lambda one: one.record.pointer.pack):
        several = tuple(members)
        reader = _reader(pack, store.objects, ahead=AHEAD if len(several) > 1 else 0)
        for one in several:
            record = one.record
            changes = concerning(standing[record.key.study_uid], record.key)
            stored = StoredInstance(reader, record.pointer.ordinal, record.stored_transfer_syntax, changes)
            yield one, stored.part10(one.target)


def stored_instance(record: InstanceRecord, store: Datastore) -> StoredInstance:
    """Return one instance, opened."""
    pointer = record.pointer
    return StoredInstance(kept_pack(store.objects, pointer.pack), pointer.ordinal, record.stored_transfer_syntax)


def _reader(pack: str, objects: ObjectStore, ahead: int) -> PackReader:
    size = objects.info(pack).size

    def read(start: int, length: int) -> bytes:
        return objects.read_range(pack, start, length)

    return PackReader(_ahead(read, size, ahead) if ahead else read, size, pack)


def _ahead(read: Callable[[int, int], bytes], size: int, ahead: int) -> Callable[[int, int], bytes]:
    """Read more than is asked for, so that what follows is there already; frames and their tables lie apart."""
    held: list[tuple[Span, bytes]] = []

    def reading(start: int, length: int) -> bytes:
        found = next((one for one in held if one[0].offset <= start and start + length <= one[0].end), None)
        if found is None:
            span = Span(start, min(max(length, ahead), size - start))
            found = (span, read(span.offset, span.length))
            held[:] = [*held[-1:], found]
        return found[1][start - found[0].offset : start - found[0].offset + length]

    return reading

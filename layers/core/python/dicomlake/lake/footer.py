"""A pack's footer: every instance's record and where its parts lie, sorted by study and series.

The footer is JSON under zlib (RFC 1950), not zstd: it costs 3 microseconds an instance more and lets a reader with
nothing but a standard library (Python, Java, Go, a browser) list a pack and find its frames.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, overload

import orjson

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import (
    InstanceRecord,
    PackPointer,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    StudyUid,
)
from dicomlake.lake.blocks import Block
from dicomlake.lake.layout import Span
from dicomlake.lake.records import decode_record, encode_record

ZLIB_LEVEL = 3
_Series = tuple[StudyUid, SeriesUid]


@dataclass(frozen=True, slots=True)
class PackedInstance:
    """An instance of a pack: its record, and where its parts lie.

    `frames` and `table` are bytes of the pack; `head`, `splices` and `metadata` are bytes of the unpacked block
    streams (`splices` follows `head` in the same stream).
    """

    record: InstanceRecord
    frames: Span
    table: Span
    head: Span
    splices: Span
    metadata: Span


class _Listed(Sequence[PackedInstance]):
    """Instances as the footer lists them, each decoded when asked for: a look-up in a pack of 2,000 wants one."""

    def __init__(self, pack: str, listed: Sequence[tuple[_Series, dict[str, Any]]]) -> None:
        self._pack = pack
        self._listed = listed
        self._decoded: dict[int, PackedInstance] = {}

    def __len__(self) -> int:
        return len(self._listed)

    @overload
    def __getitem__(self, at: int) -> PackedInstance: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[PackedInstance]: ...

    def __getitem__(self, at: int | slice) -> PackedInstance | Sequence[PackedInstance]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        ordinal = range(len(self))[at]
        if ordinal not in self._decoded:
            series, data = self._listed[ordinal]
            with _format_1():
                self._decoded[ordinal] = _decode_instance(data, series, self._pack, ordinal)
        return self._decoded[ordinal]


@contextmanager
def _format_1() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedError("the pack's footer is not what format version 1 says") from error


@dataclass(frozen=True, slots=True)
class Footer:
    """What a pack holds: its instances by ordinal, the attributes above them, and its blocks."""

    instances: Sequence[PackedInstance]
    studies: dict[StudyUid, StudyAttributes]
    series: dict[_Series, SeriesAttributes]
    heads: tuple[Block, ...]
    metadata: tuple[Block, ...]


def pointer_to(pack: str, ordinal: int, frame_count: int, frames: Span, table: Span) -> PackPointer:
    """Return the pointer that follows from an instance's place; `pack` is the pack object's key."""
    return PackPointer(
        pack=pack,
        ordinal=ordinal,
        first_frame=(frames.offset, frames.length) if frame_count == 1 else (0, 0),
        table_offset=table.offset,
        record_size=table.length // frame_count if frame_count else 0,
    )


def sort_key(instance: PackedInstance) -> tuple[str, str, bool, int, str, int]:
    """Order instances by study, series, instance number (none last), instance UID and version."""
    record = instance.record
    number = record.instance_number
    key = record.key
    return key.study_uid, key.series_uid, number is None, number or 0, key.instance_uid, record.version


def encode_footer(footer: Footer) -> tuple[bytes, int]:
    """Return the footer's bytes and how many they are before compression; its instances are in `sort_key` order."""
    by_study = groupby(footer.instances, key=lambda instance: instance.record.key.study_uid)
    document = {
        "heads": _encode_blocks(footer.heads),
        "metadata": _encode_blocks(footer.metadata),
        "studies": [_encode_study(footer, uid, instances) for uid, instances in by_study],
    }
    raw = orjson.dumps(document)
    return zlib.compress(raw, ZLIB_LEVEL), len(raw)


def _encode_study(footer: Footer, uid: StudyUid, instances: Iterable[PackedInstance]) -> dict[str, Any]:
    by_series = groupby(instances, key=lambda instance: instance.record.key.series_uid)
    return {
        "study_uid": uid,
        "attributes": footer.studies[uid].attributes,
        "series": [
            {
                "series_uid": series_uid,
                "attributes": footer.series[uid, series_uid].attributes,
                "instances": [_encode_instance(instance) for instance in members],
            }
            for series_uid, members in by_series
        ],
    }


def _encode_instance(instance: PackedInstance) -> dict[str, Any]:
    return {
        **encode_record(instance.record),
        "frames": [instance.frames.offset, instance.frames.length],
        "table": [instance.table.offset, instance.record.pointer.record_size],
        "head": [instance.head.offset, instance.head.length, instance.splices.length],
        "metadata": [instance.metadata.offset, instance.metadata.length],
    }


def _encode_blocks(blocks: Sequence[Block]) -> list[tuple[int, int, int]]:
    return [(block.place.offset, block.place.length, block.raw_length) for block in blocks]


def decode_footer(packed: bytes, raw_length: int, pack: str) -> Footer:
    """Read a footer of `raw_length` bytes unpacked; `pack` is the pack object's key, for the pointers.

    Raises MalformedError if it is damaged.
    """
    raw = _inflate(packed, raw_length)
    with _format_1():
        return _decode_document(orjson.loads(raw), pack)


def _inflate(packed: bytes, raw_length: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(packed, raw_length + 1)
    except zlib.error as error:
        raise MalformedError("the pack's footer is damaged") from error
    if len(raw) != raw_length or not inflater.eof:
        raise MalformedError("the pack's footer does not hold the bytes its trailer promises")
    return raw


def _decode_document(document: dict[str, Any], pack: str) -> Footer:
    listed: list[tuple[_Series, dict[str, Any]]] = []
    studies: dict[StudyUid, StudyAttributes] = {}
    series: dict[_Series, SeriesAttributes] = {}
    for study in document["studies"]:
        study_uid = StudyUid(study["study_uid"])
        studies[study_uid] = StudyAttributes(study_uid, study["attributes"])
        for one in study["series"]:
            uids = study_uid, SeriesUid(one["series_uid"])
            series[uids] = SeriesAttributes(uids[1], one["attributes"])
            listed += [(uids, data) for data in one["instances"]]
    heads, metadata = _decode_blocks(document["heads"]), _decode_blocks(document["metadata"])
    return Footer(_Listed(pack, listed), studies, series, heads, metadata)


def _decode_instance(data: dict[str, Any], series: _Series, pack: str, ordinal: int) -> PackedInstance:
    table_offset, record_size = data["table"]
    head_offset, head_length, splices_length = data["head"]
    count = data["frame_count"]
    frames, table = Span(*data["frames"]), Span(table_offset, record_size * count)
    return PackedInstance(
        record=decode_record(data, *series, pointer_to(pack, ordinal, count, frames, table)),
        frames=frames,
        table=table,
        head=Span(head_offset, head_length),
        splices=Span(head_offset + head_length, splices_length),
        metadata=Span(*data["metadata"]),
    )


def _decode_blocks(blocks: list[list[int]]) -> tuple[Block, ...]:
    return tuple([Block(Span(offset, length), raw_length) for offset, length, raw_length in blocks])

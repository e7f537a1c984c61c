"""A restore plan: what a client needs to rebuild the landed object, or a Part-10 file, by itself from the pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from dicomlake.domain.model import InstanceKey, InstanceRecord
from dicomlake.lake.blocks import Block
from dicomlake.lake.footer import PackedInstance
from dicomlake.lake.layout import Span
from dicomlake.ports import Datastore
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.retrieve_metadata import visible_record

SIGNED_SECONDS = 3600
LISTED_FRAMES = 1000


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """A zstd frame of the pack, and which bytes of the head stream it unpacks to."""

    place: Span
    stream: Span


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """Fact: the record, a URL that reads its pack, and where its parts lie (docs/lake-format.md has their form).

    `head` and `splices` are bytes of the unpacked head stream, `blocks` what to unpack for them; `table` is the frame
    table; `frames` are the code streams in order, empty where there are over a thousand: then the table has them.
    """

    record: InstanceRecord
    url: str
    pack_size: int
    head: Span
    splices: Span
    blocks: tuple[BlockPlace, ...]
    table: Span
    frames: tuple[Span, ...]


def plan_restore(key: InstanceKey, store: Datastore) -> RestorePlan:
    """Return the plan for one instance; reads the pack's footer and frame table, no pixels."""
    record = visible_record(key, store)
    pointer = record.pointer
    reader = open_pack(store.objects, pointer.pack)
    packed: PackedInstance = reader.instance(pointer.ordinal)
    listed = reader.frames(pointer.ordinal) if record.frame_count <= LISTED_FRAMES else ()
    return RestorePlan(
        record=record,
        url=store.objects.sign_get(pointer.pack, SIGNED_SECONDS),
        pack_size=reader.size,
        head=packed.head,
        splices=packed.splices,
        blocks=_covering(reader.footer().heads, Span(packed.head.offset, packed.splices.end - packed.head.offset)),
        table=packed.table,
        frames=tuple(Span(frame.offset, frame.length) for frame in listed),
    )


def _covering(blocks: Sequence[Block], wanted: Span) -> tuple[BlockPlace, ...]:
    """Return the blocks that unpack to a part of the stream."""
    ends = accumulate(block.raw_length for block in blocks)
    places = (
        BlockPlace(block.place, Span(end - block.raw_length, block.raw_length))
        for block, end in zip(blocks, ends, strict=True)
    )
    return tuple(one for one in places if one.stream.offset < wanted.end and one.stream.end > wanted.offset)

"""A restore plan: what a client needs to rebuild the landed object, or a Part-10 file, by itself from the pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from dicomlake.domain.errors import GoneError, NotFoundError
from dicomlake.domain.model import InstanceKey, InstanceRecord, SeriesUid, StudyUid, Visibility
from dicomlake.lake.blocks import Block
from dicomlake.lake.footer import PackedInstance
from dicomlake.lake.layout import Span
from dicomlake.lake.pack import PackReader
from dicomlake.ports import Datastore, Page
from dicomlake.usecases.open_pack import open_pack
from dicomlake.usecases.retrieve_metadata import visible_record

SIGNED_SECONDS = 3600
LISTED_FRAMES = 1000
PLANS_A_PAGE = 100
"""Plans of a series in one answer: with a thousand frames listed each they are 2.5 MB of the 4.5 that it carries."""


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
    pack = record.pointer.pack
    return _plan(record, open_pack(store.objects, pack), store.objects.sign_get(pack, SIGNED_SECONDS))


def plan_series(study_uid: StudyUid, series_uid: SeriesUid, after: str, store: Datastore) -> Page[RestorePlan]:
    """Return the plans of a series' visible instances, a page at a time; each pack is opened and signed for once.

    Raises NotFoundError where there is no such series.
    """
    page = store.instances.instances(study_uid, series_uid, after, PLANS_A_PAGE)
    if not page.items and not after:
        raise NotFoundError("no series is stored under this UID in this study")
    records = [record for record in page.items if record.visibility is Visibility.PRIMARY]
    if not (records or after or page.after):
        raise GoneError("the series was deleted")
    packs = {record.pointer.pack for record in records}
    opened = {pack: (open_pack(store.objects, pack), store.objects.sign_get(pack, SIGNED_SECONDS)) for pack in packs}
    return Page(tuple(_plan(record, *opened[record.pointer.pack]) for record in records), page.after, page.read)


def _plan(record: InstanceRecord, reader: PackReader, url: str) -> RestorePlan:
    ordinal = record.pointer.ordinal
    packed: PackedInstance = reader.instance(ordinal)
    listed = reader.frames(ordinal) if record.frame_count <= LISTED_FRAMES else ()
    return RestorePlan(
        record=record,
        url=url,
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

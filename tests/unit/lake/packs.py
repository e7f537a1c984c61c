"""Packs for the lake's tests: records from literals, packs in memory, and ranged reads that are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dicomlake.domain.model import (
    Frame,
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    JsonObject,
    LedgerKey,
    Level,
    Restorable,
    SeriesAttributes,
    SeriesUid,
    SopClassUid,
    Splice,
    StudyAttributes,
    StudyUid,
    TransferSyntaxUid,
    Warned,
)
from dicomlake.lake.pack import UNPLACED, PackReader, PackSummary, PackWriter

NATIVE = TransferSyntaxUid("1.2.840.10008.1.2.1")
HTJ2K_RPCL = TransferSyntaxUid("1.2.840.10008.1.2.4.202")


@dataclass(frozen=True, slots=True)
class Given:
    """An instance to be packed: what `finish_instance` takes, and its frames with their code streams."""

    record: InstanceRecord
    frames: tuple[tuple[bytes, Frame], ...] = ()
    head: bytes = b""
    metadata: bytes = b"{}"
    splices: tuple[Splice, ...] = ()
    study: JsonObject = field(default_factory=dict)
    series: JsonObject = field(default_factory=dict)


def record(
    instance: str, study: str = "1.2", series: str = "1.2.3", frames: int = 0, number: int | None = None
) -> InstanceRecord:
    """An unplaced record that differs from others in its UIDs and number only."""
    return InstanceRecord(
        key=InstanceKey(StudyUid(study), SeriesUid(series), InstanceUid(instance)),
        ledger=LedgerKey("0" * 32, "v1"),
        sop_class_uid=SopClassUid("1.2.840.10008.5.1.4.1.1.2"),
        source_transfer_syntax=NATIVE,
        stored_transfer_syntax=HTJ2K_RPCL,
        landed_size=526_336,
        landed_sha256="a" * 64,
        content_digest="b" * 32,
        stored_size=120_000,
        frame_count=frames,
        restorable=Restorable.BYTES,
        pointer=UNPLACED,
        stored_at="2026-11-22T10:00:00Z",
        instance_number=number,
        warnings=(Warned("padded", "1 byte"),),
        attributes={"00080018": {"vr": "UI", "Value": [instance]}},
    )


def frame(code_stream: bytes, ends: Sequence[int] = (), number: int = 0) -> Frame:
    """A frame record for a code stream; resolutions of 1x1, 2x2, 4x4, ... end where told."""
    ends = ends or (len(code_stream),)
    return Frame(
        offset=0,
        length=len(code_stream),
        native_length=4 * len(code_stream),
        levels=tuple(Level(1 << at, 1 << at, end, number + at) for at, end in enumerate(ends)),
        minimum=-number,
        maximum=number,
        frame_id=f"{number:032x}",
    )


def framed(*code_streams: bytes) -> tuple[tuple[bytes, Frame], ...]:
    """Code streams with a record each."""
    return tuple((stream, frame(stream, number=at)) for at, stream in enumerate(code_streams))


def add(writer: PackWriter, given: Given) -> None:
    """Write one instance."""
    writer.begin_instance()
    for code_stream, one in given.frames:
        writer.add_frame(code_stream, one)
    finish(writer, given)


def finish(writer: PackWriter, given: Given) -> None:
    """Finish the open instance with everything but its frames."""
    key = given.record.key
    study, series = StudyAttributes(key.study_uid, given.study), SeriesAttributes(key.series_uid, given.series)
    writer.finish_instance(given.record, given.head, given.metadata, given.splices, study, series)


def packed(*instances: Given, key: str = "pack") -> tuple[bytes, PackSummary]:
    """A pack's bytes and summary."""
    out = bytearray()
    writer = PackWriter(out.extend, key)
    for given in instances:
        add(writer, given)
    summary = writer.close()
    return bytes(out), summary


class Ranges:
    """Ranged reads of bytes in memory; remembers what was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def __call__(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


def reading(data: bytes, key: str = "pack", tail_size: int = 65536) -> PackReader:
    """A reader of a pack in memory."""
    return PackReader(Ranges(data), len(data), key, tail_size)

"""One instance from a pack of the source into a pack of the target: head edited, frames copied under a new key."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from dicomlake.dicom.deidentify import CleanHead, KeyedNames, clean_head, refuse_class
from dicomlake.domain.ids import frame_id
from dicomlake.domain.levels import split
from dicomlake.domain.model import (
    Frame,
    InstanceRecord,
    LedgerKey,
    Restorable,
    SeriesAttributes,
    Splice,
    StudyAttributes,
)
from dicomlake.lake.copying import WINDOW, coalesce
from dicomlake.lake.pack import UNPLACED, PackReader, PackWriter, Span

SOURCE = "deidentify"
"""Who sent what lies in the target: not the original's sender, whose name may tell where the patient was."""


@dataclass(frozen=True, slots=True)
class CleanContext:
    """The target's own: the names it gives, and the key its frames are named under."""

    names: KeyedNames
    frame_key: bytes


@dataclass(frozen=True, slots=True)
class Original:
    """An instance to copy: its record in the source, who sent it, and its copy's row in the target's ledger."""

    record: InstanceRecord
    sender: str
    ledger: LedgerKey


class PackFrames:
    """The frames of some instances of one pack, read in few large ranges as they are asked for in order."""

    def __init__(self, reader: PackReader, ordinals: Sequence[int]) -> None:
        self.reader = reader
        spans = sorted((reader.instance(ordinal).frames for ordinal in ordinals), key=lambda span: span.offset)
        self._runs = coalesce(span for span in spans if span.length)
        self._at = 0
        self._window = b""

    def of(self, ordinal: int) -> Iterator[tuple[Frame, bytes]]:
        """Yield an instance's frames with their code streams."""
        for frame in self.reader.frames(ordinal):
            yield frame, self._bytes(Span(frame.offset, frame.length))

    def _bytes(self, span: Span) -> bytes:
        if not self._at <= span.offset <= span.end <= self._at + len(self._window):
            ends = [run.end for run in self._runs if run.offset <= span.offset and span.end <= run.end]
            length = min(WINDOW, max(ends, default=span.end) - span.offset)
            self._window = self.reader.read(Span(span.offset, max(span.length, length)))
            self._at = span.offset
        start = span.offset - self._at
        return self._window[start : start + span.length]


def deidentify_instance(
    original: Original, pack: PackFrames, writer: PackWriter, context: CleanContext, now: str
) -> None:
    """Write one instance's clean copy into the open pack; raises RefusedError and leaves the pack as it was."""
    record = original.record
    refuse_class(record.sop_class_uid, record.source_transfer_syntax, record.stored_transfer_syntax)
    ordinal = record.pointer.ordinal
    pixel_length = sum(frame.native_length for frame in pack.reader.frames(ordinal))
    head = pack.reader.head(ordinal)
    clean = clean_head(head, record.source_transfer_syntax, original.sender, pixel_length, context.names)
    with ExitStack() as undo:
        writer.begin_instance()
        undo.callback(writer.abort_instance)
        written = [_add(frame, data, writer, context.frame_key) for frame, data in pack.of(ordinal)]
        _finish(original, clean, written, writer, now)
        undo.pop_all()


def _add(frame: Frame, code_stream: bytes, writer: PackWriter, key: bytes) -> Frame:
    """Copy one code stream as it is, under the id that the target gives it."""
    copied = replace(frame, frame_id=frame_id(key, code_stream))
    writer.add_frame(code_stream, copied)
    return copied


def _finish(original: Original, clean: CleanHead, frames: Sequence[Frame], writer: PackWriter, now: str) -> None:
    parsed, metadata = clean.view()
    study, series, attributes = split(parsed.json)
    digest = hashlib.sha256(parsed.canonical)
    for frame in frames:
        digest.update(bytes.fromhex(frame.frame_id))
    copied = InstanceRecord(
        key=parsed.key,
        ledger=original.ledger,
        sop_class_uid=parsed.sop_class_uid,
        source_transfer_syntax=parsed.transfer_syntax,
        stored_transfer_syntax=original.record.stored_transfer_syntax,
        landed_size=clean.size,
        landed_sha256="",
        content_digest=digest.hexdigest()[:32],
        stored_size=sum(frame.length for frame in frames),
        frame_count=len(frames),
        restorable=Restorable.PIXELS,
        pointer=UNPLACED,
        stored_at=now,
        instance_number=original.record.instance_number,
        warnings=parsed.warnings,
        attributes=attributes,
        source=SOURCE,
    )
    writer.finish_instance(
        copied,
        clean.before + clean.after,
        metadata,
        _splices(clean, frames),
        StudyAttributes(parsed.key.study_uid, study),
        SeriesAttributes(parsed.key.series_uid, series),
    )


def _splices(clean: CleanHead, frames: Sequence[Frame]) -> Iterator[Splice]:
    """Native frames stand back to back between the head's two parts."""
    place = len(clean.before)
    return (Splice(place, index, 0, frame.native_length) for index, frame in enumerate(frames))

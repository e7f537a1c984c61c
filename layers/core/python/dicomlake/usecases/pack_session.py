"""The packs of one batch: opened when the first frame comes, split at the size limit, dropped whole on failure."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from dicomlake.domain.errors import UnavailableError
from dicomlake.domain.model import SeriesAttributes, SeriesUid, StudyAttributes, StudyUid
from dicomlake.lake.layout import Span
from dicomlake.lake.writer import PackSummary, PackWriter, Sink
from dicomlake.ports import ObjectStore, ObjectWriter
from dicomlake.usecases.commit_records import Packed

PACK_LIMIT = 64 * 1024 * 1024
"""Bytes of frames after which a batch begins its next pack (architecture, section 4)."""


class PackSession:
    """Packs under construction; readers see none of them before their records are committed.

    Leaving the context without `close` aborts the pack that is open; packs closed before are orphans that a sweep
    removes.
    """

    def __init__(self, objects: ObjectStore, new_key: Callable[[], str], limit: int = PACK_LIMIT) -> None:
        self._objects = objects
        self._new_key = new_key
        self._limit = limit
        self._stack = ExitStack()
        self._open: tuple[PackWriter, ObjectWriter] | None = None
        self._summaries: list[PackSummary] = []
        self._unwritten = 0

    def __enter__(self) -> "PackSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def writer(self) -> PackWriter:
        """Return the pack that takes the next instance; between instances only."""
        if self._open is not None and self._open[0].size >= self._limit:
            self._close_open()
        if self._open is None:
            key = self._new_key()
            target = self._stack.enter_context(self._objects.open_writer(key))
            self._open = PackWriter(self._written_to(target), key), target
        return self._open[0]

    def close(self) -> Packed:
        """Complete every pack and return what they hold."""
        self._close_open()
        studies: dict[StudyUid, StudyAttributes] = {}
        series: dict[tuple[StudyUid, SeriesUid], SeriesAttributes] = {}
        records = [record for summary in self._summaries for record in summary.records]
        for summary in self._summaries:
            studies |= {study.study_uid: study for study in summary.studies if study.study_uid not in studies}
        by_series = {one.series_uid: one for summary in self._summaries for one in summary.series}
        for record in records:
            key = (record.key.study_uid, record.key.series_uid)
            series.setdefault(key, by_series[record.key.series_uid])
        return Packed(tuple(records), studies, series)

    def take(self, pack: str, run: Span) -> None:
        """Append a range of another pack to the open one, as `write` does and with the same care."""
        if self._open is None:
            raise ValueError("no pack is open")
        self._unwritten += 1
        self._open[1].append(pack, run.offset, run.length)
        self._unwritten -= 1

    def _written_to(self, target: ObjectWriter) -> Sink:
        """A sink that remembers a failed write: behind it every byte of the pack is elsewhere than its footer says."""

        def write(data: bytes) -> None:
            self._unwritten += 1
            target.write(data)
            self._unwritten -= 1

        return write

    def _close_open(self) -> None:
        if self._unwritten:
            raise UnavailableError("a pack could not be written to its end; try the whole batch again")
        if self._open is None:
            return
        writer, target = self._open
        self._open = None
        if writer.instance_count:
            summary = writer.close()
            target.commit()
            self._summaries.append(summary)  # last: a pack that was not written holds nothing to commit
        else:
            target.abort()

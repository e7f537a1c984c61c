"""Progress of long work on standard error: a line that is redrawn on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from dataclasses import dataclass, field

from dicomlake.cli.output import duration, is_terminal, size

_REDRAW, _REPEAT = 0.1, 5.0
_WINDOW = 10.0
"""Seconds over which the rate is taken: the ETA follows a change of pace."""


@dataclass(slots=True)
class Progress:
    """Counts work done of a total, in items and bytes, and shows rate and time left. Safe from several threads."""

    what: str
    items: int
    total_bytes: int = 0
    quiet: bool = False
    _done: int = 0
    _bytes: int = 0
    _shown_at: float = field(default_factory=time.monotonic)
    _started: float = field(default_factory=time.monotonic)
    _marks: list[tuple[float, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int = 1, bytes_: int = 0) -> None:
        """Say that some more is done."""
        with self._lock:
            self._done += count
            self._bytes += bytes_
            self._show_if_due()

    def reach(self, done: int, total: int) -> None:
        """Say how much is done now, and of how much."""
        with self._lock:
            self._done, self.items = done, total
            self._show_if_due()

    def finish(self) -> None:
        """Show the end and leave the line."""
        with self._lock:
            self._show(last=True)

    def _show_if_due(self) -> None:
        now = time.monotonic()
        at_end = self._done >= self.items
        if not at_end and now - self._shown_at >= (_REDRAW if is_terminal() else _REPEAT):
            self._shown_at = now
            self._show()

    def _show(self, last: bool = False) -> None:
        if self.quiet:
            return
        line = self._line(last)
        if is_terminal():
            sys.stderr.write(f"\r\033[K{line}" + ("\n" if last else ""))
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def _line(self, last: bool) -> str:
        parts = [f"{self.what} {self._done}/{self.items}"]
        if self.total_bytes:
            parts.append(f"{size(self._bytes)} of {size(self.total_bytes)}")
        rate = self._rate(whole=last)
        if rate:
            parts.append(f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
        if last:
            parts.append(duration(time.monotonic() - self._started))
        elif rate and self._done < self.items:
            parts.append(f"{duration((self.items - self._done) / rate)} left")
        return "  ".join(parts)

    def _rate(self, whole: bool) -> float:
        """Items a second over the last seconds, or over everything."""
        now = time.monotonic()
        if whole:
            return self._done / max(now - self._started, 0.001)
        self._marks.append((now, self._done))
        while len(self._marks) > 2 and now - self._marks[0][0] > _WINDOW:
            self._marks.pop(0)
        (since, before) = self._marks[0] if len(self._marks) > 1 else (self._started, 0)
        return (self._done - before) / max(now - since, 0.001)

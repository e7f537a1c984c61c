"""The push itself, for the command, the demo and the benchmark: find, send, wait, and say what came of it."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dicomlake.cli.progress import Progress
from dicomlake.client.lake import Document, LakeClient
from dicomlake.client.receipts import Receipts
from dicomlake.client.sources import Found, Item, find_items
from dicomlake.client.upload import Sent, Uploader
from dicomlake.client.waiting import PATIENCE, await_decisions, await_studies


@dataclass(frozen=True, slots=True)
class Push:
    """What to push and how; `receipts` is the file that remembers what was sent."""

    paths: tuple[Path, ...]
    receipts: Path
    source: str = "default"
    everything: bool = False
    again: bool = False
    wait: bool = True
    patience: float = PATIENCE
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push. `entries` are the ledger's, in the order of `sent`; None where it was not waited for.

    `seconds` is how long sending took, `decided_seconds` how long until everything was decided.
    """

    sent: tuple[Sent, ...]
    skipped: dict[str, int]
    seconds: float
    entries: list[Document] | None = None
    studies: tuple[Document, ...] = ()
    decided_seconds: float = 0.0

    @property
    def sent_now(self) -> int:
        """Files that this push sent."""
        return sum(1 for one in self.sent if one.at)

    @property
    def sent_before(self) -> int:
        """Files that an earlier push had sent."""
        return len(self.sent) - self.sent_now

    @property
    def bytes_now(self) -> int:
        """Bytes that this push sent."""
        return sum(one.item.size for one in self.sent if one.at)

    @property
    def rate(self) -> float:
        """Files sent a second."""
        return self.sent_now / self.seconds if self.seconds else 0.0

    @property
    def landed(self) -> int:
        """Objects that were decided."""
        return len(self.entries or ())

    @property
    def last_sent(self) -> float:
        """When the last file was in the landing bucket; 0 where this push sent none."""
        return max((one.at for one in self.sent), default=0.0)

    @property
    def ready_ms(self) -> int | None:
        """Milliseconds from the last sent object to the last study's ready, quiet period included."""
        ready = [_time(study["readyAt"]) for study in self.studies if study["readyAt"]]
        return round((max(ready) - self.last_sent) * 1000) if ready and self.last_sent else None

    def count(self, outcome: str) -> int:
        """How many objects ended so."""
        return sum(1 for entry in self.entries or () if entry["outcome"] == outcome)

    def reasons(self) -> dict[str, int]:
        """How many objects were quarantined for which reason."""
        return dict(Counter(entry["reason"] for entry in self.entries or () if entry["outcome"] == "quarantined"))

    def document(self) -> Document:
        """Return all of it for scripts."""
        sending: Document = {
            "sent": self.sent_now,
            "sentBefore": self.sent_before,
            "skipped": self.skipped,
            "bytes": self.bytes_now,
            "seconds": round(self.seconds, 3),
            "keys": [one.receipt.key for one in self.sent],
        }
        if self.entries is None:
            return sending
        return sending | {
            "landed": self.landed,
            "stored": self.count("stored"),
            "duplicates": self.count("duplicate"),
            "quarantined": self.count("quarantined"),
            "reasons": self.reasons(),
            "lastObjectToReadyMs": self.ready_ms,
            "studies": list(self.studies),
        }


def push(lake: LakeClient, wanted: Push) -> Pushed:
    """Find, send and, where asked, wait."""
    found = find_items(wanted.paths, wanted.everything)
    started = time.monotonic()
    with Receipts(wanted.receipts) as receipts:
        sent = _send(lake, found, receipts, wanted)
    seconds = time.monotonic() - started
    if not wanted.wait:
        return Pushed(sent, found.skipped, seconds)
    with _progress("decided", len(sent), wanted.quiet) as progress:
        entries = await_decisions(lake, sent, progress.reach, wanted.patience)
    decided_seconds = time.monotonic() - started
    with _progress("studies ready", 0, wanted.quiet) as progress:
        studies = await_studies(lake, entries, progress.reach, wanted.patience)
    return Pushed(sent, found.skipped, seconds, entries, tuple(studies), decided_seconds)


def _send(lake: LakeClient, found: Found, receipts: Receipts, wanted: Push) -> tuple[Sent, ...]:
    """Send what has no receipt; return everything, in the order found."""
    known = {item.stamp: receipts.get(item.stamp) for item in found.items if not wanted.again}
    sent = {stamp: Sent(item, receipt) for item in found.items if (receipt := known.get(stamp := item.stamp))}
    todo: Sequence[Item] = [item for item in found.items if item.stamp not in sent]
    with _progress("sent", len(todo), wanted.quiet, sum(item.size for item in todo)) as progress:

        def tell(one: Sent) -> None:
            sent[one.item.stamp] = one
            progress.add(1, one.item.size)

        Uploader(lake, receipts, wanted.source).send(todo, tell)
    return tuple(sent[item.stamp] for item in found.items)


@contextlib.contextmanager
def _progress(what: str, items: int, quiet: bool, total_bytes: int = 0) -> Iterator[Progress]:
    progress = Progress(what, items, total_bytes, quiet)
    yield progress
    progress.finish()


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

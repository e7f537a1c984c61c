"""Waiting for what was sent: until every object is decided, then until their studies are ready."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched

from dicomlake.client.failure import LakeClientError, LakeRefusedError
from dicomlake.client.lake import Document, LakeClient
from dicomlake.client.upload import Sent

ASKED_AT_ONCE = 1000
SHORTEST, LONGEST = 0.25, 2.0
"""Seconds between two looks: the first, and what they grow to."""

PATIENCE = 300.0
"""Seconds without any progress after which waiting ends with a sentence."""

Look = Callable[[int, int], None]
"""Told after each look: how many are there, of how many."""


@dataclass(slots=True)
class _Pace:
    """When to look again, and when nothing has happened for too long."""

    patience: float
    pause: float = SHORTEST
    last: float = field(default_factory=time.monotonic)

    def rest(self, progressed: bool, stuck: str) -> None:
        """Wait until the next look; raises LakeClientError with `stuck` when patience ends."""
        now = time.monotonic()
        self.last = now if progressed else self.last
        if now - self.last > self.patience:
            raise LakeClientError(stuck)
        self.pause = SHORTEST if progressed else min(self.pause * 1.5, LONGEST)
        time.sleep(self.pause)


def await_decisions(lake: LakeClient, sent: Sequence[Sent], look: Look, patience: float = PATIENCE) -> list[Document]:
    """Return the ledger entry of each sent object, in order, once all are decided."""
    decided: dict[int, Document] = {}
    open_ = list(range(len(sent)))
    pace = _Pace(patience)
    while True:
        before = len(decided)
        for numbers in batched(open_, ASKED_AT_ONCE, strict=False):
            decided.update(_looked_up(lake, sent, numbers))
        look(len(decided), len(sent))
        open_ = [number for number in open_ if number not in decided]
        if not open_:
            return [decided[number] for number in range(len(sent))]
        pace.rest(
            len(decided) > before,
            f"{len(open_)} of {len(sent)} objects were not decided for {patience:.0f} s: "
            "look at the queues' dead letters (docs/operations.md); `dicomlake where KEY` tells of one object.",
        )


def _looked_up(lake: LakeClient, sent: Sequence[Sent], numbers: Sequence[int]) -> dict[int, Document]:
    """Return the decided ones; an object sent in parts has no version here, so it is asked for by its key."""
    known = [number for number in numbers if sent[number].receipt.version]
    asked = [(sent[number].receipt.key, sent[number].receipt.version) for number in known]
    found: dict[int, Document | None] = dict(zip(known, lake.where(asked), strict=True)) if known else {}
    for number in set(numbers) - set(known):
        found[number] = _by_key(lake, sent[number].receipt.key)
    return {number: entry for number, entry in found.items() if entry and entry["outcome"] != "pending"}


def _by_key(lake: LakeClient, key: str) -> Document | None:
    try:
        entries: list[Document] = lake.where_is({"key": key})["objects"]
    except LakeRefusedError as exc:
        if exc.status != 404:
            raise
        return None
    return entries[-1] if entries else None


def await_studies(
    lake: LakeClient, entries: Sequence[Document], look: Look, patience: float = PATIENCE
) -> list[Document]:
    """Return the studies of decided objects once all are ready with these objects in them, in order of their UIDs."""
    due = _due(entries)
    ready: dict[str, Document] = {}
    pace = _Pace(patience)
    while True:
        before = len(ready)
        for study_uid in [uid for uid in due if uid not in ready]:
            study = _study(lake, study_uid)
            if study and _is_ready(study, due[study_uid]):
                ready[study_uid] = study
        look(len(ready), len(due))
        if len(ready) == len(due):
            return [ready[uid] for uid in sorted(ready)]
        pace.rest(
            len(ready) > before,
            f"{len(due) - len(ready)} of {len(due)} studies did not become ready for {patience:.0f} s: "
            "`dicomlake where STUDY-UID` tells of one; docs/operations.md says what to look at.",
        )


@dataclass(slots=True)
class _Due:
    """What a ready study must contain: so many stored objects, the last committed then."""

    at: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)


def _due(entries: Sequence[Document]) -> dict[str, _Due]:
    due: dict[str, _Due] = {}
    for entry in entries:
        if entry["instance"] and entry["outcome"] in ("stored", "duplicate"):
            wanted = due.setdefault(entry["instance"]["study"], _Due())
            wanted.outcomes[entry["outcome"]] += 1
            wanted.at = max([wanted.at, *(step["at"] for step in entry["steps"])])
    return due


def _is_ready(study: Document, due: _Due) -> bool:
    """Counts are folded after the commit, so `ready` alone may speak of an earlier generation."""
    folded = study["stored"] >= due.outcomes["stored"] and study["duplicates"] >= due.outcomes["duplicate"]
    return bool(study["state"] == "ready" and folded and (study["lastStoredAt"] or "") >= due.at)


def _study(lake: LakeClient, study_uid: str) -> Document | None:
    try:
        return lake.study(study_uid)
    except LakeRefusedError as exc:
        if exc.status != 404:
            raise
        return None

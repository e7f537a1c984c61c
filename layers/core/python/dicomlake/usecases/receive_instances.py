"""Take in instances that come inside requests: landed first, as everything is, then decided before the answer.

    part ► landing bucket (stow/...) ► the batch of everybody's ingest ► ledger ► what the sender is told

The S3 event of such an object finds it decided. Where a request dies half-way, or has no time for all, the same event
decides the rest: what landed is never lost, and a sender who asks again gets duplicates of what it had sent.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from dicomlake.dicom.frames.pixels import Bytes
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.errors import ConflictError, Reason, RetryableError
from dicomlake.domain.events import IngestObject
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import InstanceRecord, JsonObject, LandedObject, LedgerKey, Outcome, StudyUid, Warned
from dicomlake.domain.routing import IN_REQUESTS, Received, RoutePolicy
from dicomlake.domain.store_response import StoreResult
from dicomlake.domain.study import SettlePolicy, format_time
from dicomlake.ports import Datastore, ObjectStore, WorkQueue
from dicomlake.usecases.ingest_batch import IngestPorts, IngestQueues, ingest_batch
from dicomlake.usecases.ingest_large import ingest_large
from dicomlake.usecases.tell_difference import CONFLICTS, Sent, tell_difference
from dicomlake.usecases.track_study import track_study

HELD = 8 * 1024 * 1024
"""Bytes of a part that are kept in memory; a larger one goes to the bucket as it arrives and is read by ranges."""

BATCH_BYTES, BATCH_PARTS = 64 * 1024 * 1024, 250
"""What is decided together: as much as one pack holds."""

PUTS_AT_ONCE = 8
HERE = RoutePolicy(large_limit=2**63, byte_budget=2**63, in_request=True)


@dataclass(frozen=True, slots=True)
class StorePorts:
    """Everything that storing by request needs: an ingest, its queue, and what folding a study takes.

    `late` says that no more can be decided before the answer. `rejected` is told how many objects went into quarantine
    for a reason that somebody should look at.
    """

    ingest: IngestPorts
    landing_bucket: str
    again: WorkQueue
    timers: WorkQueue
    settle: SettlePolicy
    late: Callable[[], bool] = lambda: False
    rejected: Callable[[int], None] = lambda count: None


@dataclass(slots=True)
class _Arrival:
    """One part that landed or is about to; `body` while its bytes are in memory."""

    key: str
    size: int
    version: Future[str]
    body: bytearray | None = None
    result: StoreResult | None = None
    original: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class _Watched:
    """What was seen of the objects of one batch while they were stored."""

    read: dict[LedgerKey, Sent] = field(default_factory=dict)
    records: dict[LedgerKey, InstanceRecord] = field(default_factory=dict)


class Intake(AbstractContextManager["Intake"]):
    """One request's instances: `take` each, then `finish`. `receipt` names the request in the landing bucket.

    With a study, instances of another one fail by themselves (PS3.18 10.5.1.1).
    """

    def __init__(self, ports: StorePorts, study_uid: StudyUid | None = None) -> None:
        self.receipt = ports.ingest.ids.new()
        self._ports = ports
        self._study_uid = study_uid
        self._pool = ThreadPoolExecutor(PUTS_AT_ONCE)
        self._arrivals: list[_Arrival | StoreResult] = []
        self._landed_parts = 0
        self._undecided: list[_Arrival] = []
        self._studies: set[StudyUid] = set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    @property
    def count(self) -> int:
        """How many parts landed."""
        return self._landed_parts

    def refuse(self, result: StoreResult) -> None:
        """Remember what is told of an instance that cannot land, as there is no file of it."""
        self._arrivals.append(result)

    def take(self, body: Iterable[Bytes], original: JsonObject | None = None) -> None:
        """Let one part land; a body that ends in an error leaves nothing of that part.

        `original` holds the attributes that were changed before it landed, as they were sent.
        """
        key = received_key(self.receipt, self.count)
        arrival = self._landed(key, iter(body))
        arrival.original = original or {}
        self._landed_parts += 1
        self._arrivals.append(arrival)
        self._undecided.append(arrival)
        held = sum(one.size for one in self._undecided if one.body is not None)
        if arrival.body is None or held >= BATCH_BYTES or len(self._undecided) >= BATCH_PARTS:
            self._decide()

    def _landed(self, key: str, body: Iterable[Bytes]) -> _Arrival:
        held = bytearray()
        pieces = iter(body)
        for piece in pieces:
            held += piece
            if len(held) > HELD:
                return self._spooled(key, held, pieces)
        landing = self._ports.ingest.landing
        return _Arrival(key, len(held), self._pool.submit(landing.put, key, held), held)

    def _spooled(self, key: str, held: bytearray, rest: Iterable[Bytes]) -> _Arrival:
        landing = self._ports.ingest.landing
        with landing.open_writer(key) as writer:
            writer.write(held)
            for piece in rest:
                writer.write(piece)
            size = writer.commit()
        return _Arrival(key, size, self._pool.submit(lambda: landing.info(key).version_id))

    def finish(self) -> tuple[StoreResult, ...]:
        """Decide what is left, make it searchable, and return what became of each part, in order."""
        self._decide()
        folded = self._fold()
        return tuple(self._told(arrival, folded) for arrival in self._arrivals)

    def _told(self, arrival: _Arrival | StoreResult, folded: bool) -> StoreResult:
        if isinstance(arrival, StoreResult):
            return arrival
        result = arrival.result or StoreResult(Outcome.PENDING)
        if arrival.original and result.stored:
            changed = {**result.original, **arrival.original}
            result = replace(result, original=changed, warnings=(*result.warnings, Warned("image-pixel-derived")))
        return result if folded or not result.stored else replace(result, outcome=Outcome.PENDING)

    def _decide(self) -> None:
        arrivals, self._undecided = self._undecided, []
        landed = {self._object_of(arrival): arrival for arrival in arrivals}
        if not landed:
            return
        watched = _Watched()
        with suppress(RetryableError):  # the objects lie there: their events decide what this request could not
            self._ingest(landed, watched)
        self._conclude(
            {ledger_key(self._ports.ingest.secret, one): arrival for one, arrival in landed.items()}, watched
        )
        for arrival in arrivals:
            arrival.body = None

    def _object_of(self, arrival: _Arrival) -> LandedObject:
        at = format_time(self._ports.ingest.clock.now())
        return LandedObject(
            self._ports.landing_bucket, arrival.key, arrival.version.result(), arrival.size, landed_at=at
        )

    def _ingest(self, landed: dict[LandedObject, _Arrival], watched: _Watched) -> None:
        ports = self._ingest_ports(landed, watched)
        small = [one for one, arrival in landed.items() if arrival.body is not None]
        queues = IngestQueues(self._ports.again, self._ports.again, self._ports.again)
        if small:
            received = [Received(IngestObject(one), one.key) for one in small]
            self._ports.rejected(ingest_batch(received, ports, queues, HERE, self._ports.late).alarming)
        for one, arrival in landed.items():
            if arrival.body is None and not self._ports.late():
                self._ports.rejected(ingest_large(IngestObject(one), ports).alarming)

    def _ingest_ports(self, landed: dict[LandedObject, _Arrival], watched: _Watched) -> IngestPorts:
        """The ingest's ports, but that bytes at hand are not fetched, and that what is stored is watched."""
        ports = self._ports.ingest

        def admit(ledger: LedgerKey, parsed: ParsedInstance) -> None:
            watched.read[ledger] = Sent(parsed.key, parsed.sop_class_uid, parsed.json, parsed.canonical)
            if self._study_uid not in (None, parsed.key.study_uid):
                raise ConflictError("the request's URL names another study", Reason.OTHER_STUDY)

        def guard(store: Callable[[], object]) -> object:
            record = ports.guard(store)
            if isinstance(record, InstanceRecord):
                watched.records[record.ledger] = record
            return record

        held = {one.key: arrival.body for one, arrival in landed.items() if arrival.body is not None}
        landing: Any = _InHand(ports.landing, held)
        return replace(ports, landing=landing, guard=guard, context=replace(ports.context, admit=admit))

    def _conclude(self, arrivals: dict[LedgerKey, _Arrival], watched: _Watched) -> None:
        """Read from the ledger where each object ended; another delivery may have been faster."""
        entries = self._ports.ingest.store.ledger.entries(list(arrivals))
        for key, arrival in arrivals.items():
            entry = entries.get(key)
            if entry is not None and entry.outcome is not Outcome.PENDING:
                arrival.result = self._result(entry, watched)
                if arrival.result.stored and arrival.result.key:
                    self._studies.add(arrival.result.key.study_uid)

    def _result(self, entry: LedgerEntry, watched: _Watched) -> StoreResult:
        sent, store = watched.read.get(entry.key), self._ports.ingest.store
        told = told_by_ledger(entry, store)
        if sent is None:
            return told
        differs = entry.reason is Reason.CONFLICT or CONFLICTS.intersection(warned.code for warned in entry.warnings)
        original = tell_difference(sent, watched.records.get(entry.key), store) if differs else {}
        return replace(told, key=sent.key, sop_class_uid=sent.sop_class_uid, original=original)

    def _fold(self) -> bool:
        """Count what was committed into its studies, so that searches find it; False where that has to wait."""
        ports = self._ports.ingest
        try:
            for study_uid in sorted(self._studies):
                track_study(
                    ports.datastore_id,
                    study_uid,
                    ports.store,
                    self._ports.timers,
                    self._ports.settle,
                    ports.clock,
                    self._ports.late,
                )
        except RetryableError:
            return False
        return True


def told_by_ledger(entry: LedgerEntry, store: Datastore) -> StoreResult:
    """Return what a sender is told of a decided object that only the ledger is asked about."""
    record = store.instances.instance(entry.instance) if entry.instance else None
    at = entry.steps[-1].at if entry.steps else ""
    sop_class = record.sop_class_uid if record else ""
    return StoreResult(entry.outcome, entry.instance, sop_class, entry.reason, entry.warnings, at=at)


def received_key(receipt: str, number: int) -> str:
    """Return where a part of a request lands: nothing that a sender calls it gets into its key."""
    return f"{IN_REQUESTS}{receipt}/{number}"


class _InHand:
    """The landing bucket with some objects at hand; those are read once, and not from there."""

    def __init__(self, landing: ObjectStore, held: dict[str, bytearray]) -> None:
        self._landing = landing
        self._held = held

    def get(self, key: str, version_id: str = "") -> bytearray:
        held = self._held.get(key)
        return held if held is not None else self._landing.get(key, version_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._landing, name)

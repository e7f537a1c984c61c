"""Decide a batch of landed objects: one pack, conditional commits, one event; what fails goes its own way.

    route ► get (ahead of the work) ► store into the pack ► commit ► quarantine what is rejected ► announce ► re-enqueue

Objects first, index last: a batch that dies anywhere leaves orphans that a sweep removes, never a half-visible study.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from dicomlake.domain.errors import (
    NotFoundError,
    PermanentError,
    Reason,
    RetryableError,
    UnexpectedError,
    UnreadableError,
)
from dicomlake.domain.events import IngestObject, InstancesStored
from dicomlake.domain.ids import LakeSecret, ledger_key
from dicomlake.domain.ledger import NO_TALLY, LedgerEntry, Step, Tally, alarming, origin_of
from dicomlake.domain.model import NO_COUNTS, Counts, DatastoreId, LandedObject, LedgerKey, Outcome, StudyUid
from dicomlake.domain.routing import (
    MAX_ATTEMPTS,
    Received,
    Route,
    RoutePolicy,
    retry_delay,
    route_batch,
)
from dicomlake.domain.study import format_time
from dicomlake.lake.paths import pack_key
from dicomlake.ports import Clock, Datastore, EventPublisher, IdSource, ObjectStore, WorkQueue
from dicomlake.usecases.commit_records import Committed, commit_records
from dicomlake.usecases.fetch_ahead import fetched_ahead, in_groups
from dicomlake.usecases.leave_to_requests import leave_to_requests
from dicomlake.usecases.pack_session import PackSession
from dicomlake.usecases.quarantine_objects import Rejected, quarantine_objects
from dicomlake.usecases.store_instance import Fetched, Prepared, StoreContext, prepare_together, store_instance

Guard = Callable[[Callable[[], object]], object]
"""Runs the storing of one object; what nobody foresaw comes out as UnexpectedError, for that object alone."""


def run_unguarded(store: Callable[[], object]) -> object:
    """Run it as it is: an unforeseen error ends the batch."""
    return store()


@dataclass(frozen=True, slots=True)
class IngestPorts:
    """Everything an ingest needs of the world, for one data store."""

    datastore_id: DatastoreId
    store: Datastore
    landing: ObjectStore
    quarantine: ObjectStore
    events: EventPublisher
    context: StoreContext
    secret: LakeSecret
    clock: Clock
    ids: IdSource
    guard: Guard = run_unguarded


@dataclass(frozen=True, slots=True)
class IngestQueues:
    """Where a batch hands on what it does not decide: `again` is its own queue, `alone` takes one object at a time."""

    again: WorkQueue
    alone: WorkQueue
    large: WorkQueue


@dataclass(slots=True)
class BatchReport:
    """Facts of one batch; every received object is in exactly one of the counts."""

    tally: Tally = NO_TALLY
    counts: Counts = NO_COUNTS
    decided_before: int = 0
    alarming: int = 0
    vanished: int = 0
    sent: dict[str, int] = field(default_factory=dict)
    studies: set[StudyUid] = field(default_factory=set)


def ingest_batch(
    received: Sequence[Received],
    ports: IngestPorts,
    queues: IngestQueues,
    policy: RoutePolicy,
    out_of_time: Callable[[], bool],
) -> BatchReport:
    """Decide what can be decided now and hand on the rest; a RetryableError sends the whole batch back.

    What was committed is announced before anything else can fail: a study does not wait for its neighbours' trouble.
    """
    once = tuple({item.command.landed: item for item in received}.values())
    report = BatchReport(decided_before=len(received) - len(once))
    if not policy.in_request:
        once = _without_requests(once, ports, queues, report)
    routes = route_batch(once, policy)
    rejected = [Rejected(item.command.landed, Reason.EMPTY, "0 bytes") for item in routes[Route.EMPTY]]
    _hand_on(routes, queues, report)
    work = _undecided(routes[Route.HERE], policy, ports, report)
    batch = _Batch(ports, report, rejected)
    batch.pack(work, out_of_time)
    batch.commit()
    if report.studies:
        ports.events.publish(InstancesStored(ports.datastore_id, batch.first_pack, tuple(sorted(report.studies))))
    batch.quarantine()
    batch.send_back(queues.again)
    return report


def _without_requests(
    received: tuple[Received, ...], ports: IngestPorts, queues: IngestQueues, report: BatchReport
) -> tuple[Received, ...]:
    found = leave_to_requests(received, ports.store, ports.secret, ports.clock, queues.again)
    report.decided_before += len(found.decided)
    report.studies |= {entry.instance.study_uid for entry in found.decided if entry.instance}
    if found.waiting:
        report.sent["in-request"] = found.waiting
    return found.left


def _hand_on(routes: dict[Route, tuple[Received, ...]], queues: IngestQueues, report: BatchReport) -> None:
    ways = {Route.LARGE: queues.large, Route.ALONE: queues.alone, Route.LATER: queues.again}
    for route, queue in ways.items():
        if routes[route]:
            queue.send([item.command for item in routes[route]])
            report.sent[str(route)] = len(routes[route])


def _undecided(
    items: Sequence[Received], policy: RoutePolicy, ports: IngestPorts, report: BatchReport
) -> list[IngestObject]:
    """Drop what an earlier delivery decided; only what came back is asked after, the transaction guards the rest."""
    commands = {ledger_key(ports.secret, item.command.landed): item.command for item in items}
    back = [key for key, command in commands.items() if policy.alone or command.attempt]
    entries = ports.store.ledger.entries(back) if back else {}
    decided = {key: entry for key, entry in entries.items() if entry.outcome is not Outcome.PENDING}
    report.decided_before += len(decided)
    report.studies |= {entry.instance.study_uid for entry in decided.values() if entry.instance}
    return [command for key, command in commands.items() if key not in decided]


class _Batch:
    """The work in hand: what was packed, rejected, and has to be tried again."""

    def __init__(self, ports: IngestPorts, report: BatchReport, rejected: list[Rejected]) -> None:
        self._ports = ports
        self._report = report
        self._rejected = rejected
        self._commands: dict[LedgerKey, IngestObject] = {}
        self._later: list[IngestObject] = []
        self._failed: list[IngestObject] = []
        self._unreadable: set[LandedObject] = set()
        self._packed: Callable[[], Committed] | None = None
        self.first_pack = ""

    def pack(self, work: Sequence[IngestObject], out_of_time: Callable[[], bool]) -> None:
        """Fetch and store objects into packs while there is time; an object that fails is that object's failure only.

        A write that fails is the batch's failure: a pack that lacks bytes must not be committed.
        """
        ports = self._ports
        waiting = deque(work)
        with PackSession(ports.store.objects, lambda: pack_key(ports.clock.now().date(), ports.ids.new())) as session:
            for group in in_groups(fetched_ahead(waiting, ports.landing, out_of_time)):
                self._store_group(group, session)
            packed = session.close()
        self._later.extend(waiting)
        sources = {key: origin_of(command.landed) for key, command in self._commands.items()}
        self.first_pack = packed.records[0].pointer.pack if packed.records else ""
        self._packed = lambda: commit_records(packed, sources, ports.store, ports.clock, ports.ids)

    def _store_group(self, group: Sequence[tuple[IngestObject, "Future[Fetched]"]], session: PackSession) -> None:
        """Store a few objects; what was prepared together counts only where it worked, so each fails for itself."""
        landed = [(command, found) for command, fetched in group if (found := self._fetched(command, fetched))]
        prepared: list[Prepared | None] = [None] * len(landed)
        if len(landed) > 1:
            prepared = self._prepared([found for _, found in landed])
        for (command, found), ready in zip(landed, prepared, strict=True):
            self._store(command, found, ready, session)

    def _prepared(self, landed: Sequence[Fetched]) -> list[Prepared | None]:
        ready: list[Prepared | None] = []
        try:
            self._ports.guard(lambda: ready.extend(prepare_together(landed, self._ports.context)))
        except UnexpectedError:
            return [None] * len(landed)
        return ready

    def _fetched(self, command: IngestObject, fetched: "Future[Fetched]") -> Fetched | None:
        self._commands[ledger_key(self._ports.secret, command.landed)] = command
        try:
            return fetched.result()
        except NotFoundError:
            self._report.vanished += 1
        except RetryableError as error:
            self._failed.append(command)
            self._unreadable |= {command.landed} if isinstance(error, UnreadableError) else set()
        return None

    def _store(self, command: IngestObject, landed: Fetched, ready: Prepared | None, session: PackSession) -> None:
        key = ledger_key(self._ports.secret, command.landed)
        try:
            self._ports.guard(lambda: store_instance(landed, key, session.writer(), self._ports.context, ready))
        except UnexpectedError:
            self._failed.append(command)
        except PermanentError as error:
            self._rejected.append(Rejected(command.landed, error.reason, error.detail, command.attempt))

    def commit(self) -> None:
        """Make the packed records visible."""
        if self._packed is None:
            return
        done = self._packed()
        self._report.tally += done.tally
        self._report.counts += done.counts
        self._report.decided_before += done.decided
        self._report.studies |= done.studies
        self._failed += [self._commands[key] for key in done.unsettled]

    def quarantine(self) -> None:
        """Keep what is rejected, and what has failed too often."""
        ports = self._ports
        exhausted = [command for command in self._failed if command.attempt + 1 >= MAX_ATTEMPTS]
        self._failed = [command for command in self._failed if command.attempt + 1 < MAX_ATTEMPTS]
        self._rejected += [
            Rejected(command.landed, self._why(command), f"{MAX_ATTEMPTS} attempts", command.attempt + 1)
            for command in exhausted
        ]
        if self._rejected:
            kept = quarantine_objects(
                self._rejected, ports.store, ports.quarantine, ports.secret, ports.clock, ports.ids
            )
            self._report.tally += Tally(quarantined=len(kept))
            self._report.alarming += alarming(kept)
            self._report.decided_before += len(self._rejected) - len(kept)

    def _why(self, command: IngestObject) -> Reason:
        return Reason.UNREADABLE if command.landed in self._unreadable else Reason.EXHAUSTED

    def send_back(self, again: WorkQueue) -> None:
        """Re-enqueue what had no time and what failed, the latter with growing delay and its attempt counted."""
        report = self._report
        if self._later:
            again.send(self._later)
            report.sent[str(Route.LATER)] = report.sent.get(str(Route.LATER), 0) + len(self._later)
        for command in self._failed:
            self._note(command)
            again.send([replace(command, attempt=command.attempt + 1)], retry_delay(command.attempt))
        if self._failed:
            report.sent["retried"] = len(self._failed)

    def _note(self, command: IngestObject) -> None:
        """Leave a pending row, so that whoever asks where the object is learns that it is being tried again."""
        landed = command.landed
        at = format_time(self._ports.clock.now())
        self._ports.store.ledger.note_pending(
            LedgerEntry(
                key=ledger_key(self._ports.secret, landed),
                outcome=Outcome.PENDING,
                size=landed.size,
                landed_at=landed.landed_at,
                source=landed.source,
                attempts=command.attempt + 1,
                steps=(Step("retried", at),),
            )
        )

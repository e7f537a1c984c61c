"""The whole lake in memory, driven by hand: real use cases over memory adapters, queues pumped in any order."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from dicomlake.adapters.memory import (
    MemoryBuckets,
    MemoryClock,
    MemoryDatastore,
    MemoryEventPublisher,
    MemoryIdSource,
    MemoryObjectStore,
    MemorySecretSource,
    MemoryWorkflows,
    MemoryWorkQueue,
)
from dicomlake.domain.change import Scope
from dicomlake.domain.errors import RequestError, RetryableError, UnreadableError
from dicomlake.domain.events import ChangeStudy, IngestObject, InstancesStored, SettleStudy, StudyChanged, StudyReady
from dicomlake.domain.ids import frame_key, ledger_key
from dicomlake.domain.model import DatastoreId, LandedObject, StudyUid
from dicomlake.domain.routing import Received, RoutePolicy
from dicomlake.domain.study import SettlePolicy
from dicomlake.landing_events import source_of
from dicomlake.ports import Datastore
from dicomlake.usecases.change_steps import STEPS
from dicomlake.usecases.change_study import ChangePorts, resume_change
from dicomlake.usecases.compact_series import compact_series
from dicomlake.usecases.delete_instances import Author, delete_instances
from dicomlake.usecases.finish_study import finish_study
from dicomlake.usecases.ingest_batch import BatchReport, IngestPorts, IngestQueues, ingest_batch
from dicomlake.usecases.plan_study import plan_study
from dicomlake.usecases.publish_image_sets import publish_beside
from dicomlake.usecases.sequence_changes import sequence_changes
from dicomlake.usecases.settle_study import Rearmed, settle_study
from dicomlake.usecases.store_instance import StoreContext
from dicomlake.usecases.sweep_landing import LandingSwept, sweep_landing
from dicomlake.usecases.sweep_packs import RUNS_A_DAY, PacksSwept, sweep_packs
from dicomlake.usecases.sweep_studies import sweep_studies
from dicomlake.usecases.track_study import studies_to_fold, track_study
from dicomlake.usecases.undo_change import undo_change

DATASTORE = DatastoreId("d" * 32)
HERE = RoutePolicy(large_limit=256 * 2**20, byte_budget=256 * 2**20)
ALONE = RoutePolicy(large_limit=256 * 2**20, byte_budget=256 * 2**20, alone=True)
SETTLE = SettlePolicy(quiet_seconds=30, cap_seconds=180)


class Crash(BaseException):
    """The process dies here; nothing catches it but the pump."""


def die() -> None:
    """What happens at a fault unless it is told otherwise."""
    raise Crash


@dataclass(slots=True)
class Fault:
    """Does something (dies, by default) before the n-th call (from 1) of any port method that is watched; 0 never."""

    at: int = 0
    calls: int = 0
    act: Callable[[], None] = die
    lock: Lock = field(default_factory=Lock)

    def tick(self) -> None:
        with self.lock:  # calls come from several threads, and one of them is the n-th
            self.calls += 1
            due = self.calls == self.at
        if due:
            self.act()


class Watched:
    """A port whose every call ticks the fault first; so do the writers it opens."""

    def __init__(self, port: object, fault: Fault) -> None:
        self._port, self._fault = port, fault

    def __getattr__(self, name: str) -> object:
        value = getattr(self._port, name)
        if not callable(value):
            return value

        def call(*args: object, **kwargs: object) -> object:
            self._fault.tick()
            return self._opened(value(*args, **kwargs)) if name == "open_writer" else value(*args, **kwargs)

        return call

    @contextmanager
    def _opened(self, opening: AbstractContextManager[object]) -> Iterator["Watched"]:
        with opening as writer:
            yield Watched(writer, self._fault)


class MemoryLake:
    """A data store, its queues and its time; `pump` runs everything until nothing is left to do."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - shuffles, no secrets
        buckets = MemoryBuckets()
        self.landing = MemoryObjectStore("landing", buckets)
        self.quarantine = MemoryObjectStore("quarantine", buckets)
        self.store = MemoryDatastore("lake", buckets)
        self.events, self.workflows = MemoryEventPublisher(), MemoryWorkflows()
        self.again, self.alone, self.large = MemoryWorkQueue(), MemoryWorkQueue(), MemoryWorkQueue()
        self.timers, self.changes = MemoryWorkQueue(), MemoryWorkQueue()
        self.clock, self.ids = MemoryClock(), MemoryIdSource(seed)
        self.secret = MemorySecretSource().lake_secret()
        self.fault = Fault()
        self.in_flight: list[Received] = []
        self.due: list[tuple[float, SettleStudy]] = []
        self.told = 0
        self.sequenced = 0
        self.ready: list[StudyReady] = []
        self.reports: list[BatchReport] = []

    def land(self, key: str, body: bytes, announce: int = 1) -> LandedObject:
        """Put an object into the landing bucket and announce it so many times."""
        self.landing.put(key, body)
        landed = LandedObject("landing", key, self.landing.info(key).version_id, len(body))
        self.in_flight += [Received(IngestObject(landed), f"{landed.version_id}/{n}") for n in range(announce)]
        return landed

    def watched_store(self) -> Datastore:
        """The data store as a process that may die sees it."""
        parts = (getattr(self.store, name) for name in Datastore.__slots__)
        return Datastore(*(Watched(part, self.fault) for part in parts))  # type: ignore[arg-type]

    def ports(self) -> IngestPorts:
        """What an ingest gets."""
        return IngestPorts(
            datastore_id=DATASTORE,
            store=self.watched_store(),
            landing=self.landing,
            quarantine=Watched(self.quarantine, self.fault),  # type: ignore[arg-type]
            events=Watched(self.events, self.fault),  # type: ignore[arg-type]
            context=StoreContext(frame_key(self.secret, DATASTORE), self.clock),
            secret=self.secret,
            clock=self.clock,
            ids=self.ids,
        )

    def queues(self) -> IngestQueues:
        """Where an ingest hands things on."""
        again, alone = Watched(self.again, self.fault), Watched(self.alone, self.fault)
        return IngestQueues(again, alone, self.large)  # type: ignore[arg-type]

    def ingest(self, batch: Sequence[Received], policy: RoutePolicy = HERE) -> None:
        """Deliver a batch; what a death or a retryable error leaves comes back once more."""
        try:
            self.reports.append(ingest_batch(batch, self.ports(), self.queues(), policy, lambda: False))
        except (Crash, RetryableError):
            self.in_flight += [Received(r.command, r.receipt + "'", r.receives + 1) for r in batch]

    @contextmanager
    def dying_at(self, call: int) -> Iterator[None]:
        """Let the process die at the n-th port call from here."""
        with self.acting_at(call, die):
            yield

    @contextmanager
    def acting_at(self, call: int, act: Callable[[], None]) -> Iterator[None]:
        """Do something before the n-th port call from here: another process' work, or an error."""
        self.fault.at, self.fault.calls, self.fault.act = call, 0, act
        yield
        self.fault.at = 0

    def pump(self, batch: int = 8, shuffled: bool = False) -> None:
        """Run ingest, tracking, sequencing and settling until every queue is empty and every study is ready."""
        for _ in range(400):
            work = self._ingest_some(batch, shuffled) | self._track() | self._sequence() | self._resume()
            if not (work or self._settle()):
                return
        raise AssertionError("the lake does not come to rest")

    def _ingest_some(self, batch: int, shuffled: bool) -> bool:
        for queue in (self.again, self.alone):
            policy = ALONE if queue is self.alone else HERE
            for command, delay in queue.take():
                self.clock.advance(delay)
                assert isinstance(command, IngestObject)
                self.ingest([Received(command, f"q{self.ids.new()}")], policy)
        if shuffled:
            self.random.shuffle(self.in_flight)
        taken, self.in_flight = self.in_flight[:batch], self.in_flight[batch:]
        if taken:
            self.ingest(taken)
        return bool(taken or self.again.sent or self.alone.sent)

    def _track(self) -> bool:
        fresh, self.told = self.events.events[self.told :], len(self.events.events)
        self.ready += [event for event in fresh if isinstance(event, StudyReady)]
        for event in fresh:
            for study in event.studies if isinstance(event, InstancesStored) else ():
                self.track(study)
            if isinstance(event, StudyChanged):
                self.track(event.study_uid)
        return bool(fresh)

    def track(self, study: StudyUid) -> None:
        """Fold a study, unless its timer will; a death in between is a redelivery."""
        try:
            for due in studies_to_fold((study,), self.watched_store(), SETTLE, self.clock):
                track_study(DATASTORE, due, self.watched_store(), self.timers, SETTLE, self.clock, lambda: False)
        except (Crash, RetryableError):
            self.track(study)

    def _sequence(self) -> bool:
        rows, self.sequenced = self.store.state.committed[self.sequenced :], len(self.store.state.committed)
        sequence_changes(rows, self.store.feed)
        return bool(rows)

    def change_ports(self, late: Callable[[], bool] = lambda: False) -> ChangePorts:
        """What a change gets."""
        events, queue = Watched(self.events, self.fault), Watched(self.changes, self.fault)
        return ChangePorts(
            DATASTORE,
            self.watched_store(),
            queue,  # type: ignore[arg-type]
            events,  # type: ignore[arg-type]
            self.clock,
            self.ids,
            lambda: self.secret,
            STEPS,
            late,
        )

    def change(self, make: Callable[[ChangePorts], object]) -> None:
        """Make a change as a request does; where it dies, its message goes on."""
        with suppress(Crash, RetryableError, RequestError):
            make(self.change_ports())

    def delete(self, *uids: str, by: str = "somebody") -> None:
        """Delete a study, series or instance."""
        self.change(lambda ports: delete_instances(Scope(*uids), Author(by), ports))  # type: ignore[arg-type]

    def undo(self, study: StudyUid, number: int) -> None:
        """Undo a deletion."""
        self.change(lambda ports: undo_change(study, number, Author("somebody"), ports))

    def _resume(self) -> bool:
        """Take up what was left of changes, a minute later."""
        taken = self.changes.take()
        for command, _ in taken:
            assert isinstance(command, ChangeStudy)
            _until_done(
                lambda command=command: resume_change(command.study_uid, command.change_id, self.change_ports())
            )
        return bool(taken)

    def _settle(self) -> bool:
        now = self.clock.now().timestamp()
        for command, delay in self.timers.take():
            assert isinstance(command, SettleStudy)
            self.due.append((now + delay, command))
        if not self.due:
            return False
        self.due.sort(key=lambda item: item[0])
        at, command = self.due.pop(0)
        self.clock.advance(max(0.0, at - now))
        self.settle(command)
        return True

    def settle(self, command: SettleStudy) -> None:
        """Look at a generation, again where the look ended early; run the machine if it was started."""
        name = f"{ledger_key(self.secret, LandedObject('', command.study_uid, '', 0)).object_hash}-{command.generation}"
        timers, workflows = Watched(self.timers, self.fault), Watched(self.workflows, self.fault)
        rearmed = Rearmed()
        try:
            done = settle_study(
                command,
                name,
                self.watched_store(),
                timers,  # type: ignore[arg-type]
                workflows,  # type: ignore[arg-type]
                SETTLE,
                self.clock,
                rearmed,
            )
            rearmed.send(timers)  # type: ignore[arg-type]
        except (Crash, RetryableError):
            self.settle(command)
        else:
            if done.outcome == "settling":
                self.run_machine(command)

    def sweep(self) -> LandingSwept:
        """Reconcile the landing bucket with the ledger, an hour later; what was lost is announced again."""
        self.clock.advance(3600)
        queue = MemoryWorkQueue()
        swept = sweep_landing(
            "landing", self.landing, self.store, queue, self.secret, self.clock, source_of, lambda: False
        )
        self.in_flight += [Received(c, self.ids.new()) for c in queue.commands if isinstance(c, IngestObject)]
        return swept

    def sweep_packs(self) -> PacksSwept:
        """Run a whole day's sweeps of the packs."""
        total = PacksSwept()
        start = self.clock.now()
        for run in range(RUNS_A_DAY):
            self.clock.set(start.replace(hour=0, minute=0) + timedelta(minutes=15 * run))
            done = sweep_packs(self.store, self.clock, lambda: False)
            total = PacksSwept(total.looked_at + done.looked_at, total.deleted + done.deleted)
        self.clock.set(start)
        return total

    def sweep_studies(self) -> int:
        """Look for studies that should have settled long ago."""
        return sweep_studies(DATASTORE, self.store, self.timers, SETTLE, self.clock)

    def run_machine(self, command: SettleStudy) -> None:
        """The study machine: plan, each series, finish; a step that ends early is done again."""
        store, events = self.watched_store(), Watched(self.events, self.fault)
        plan = _until_done(lambda: plan_study(command, store))
        while True:
            for series in plan.series:
                _until_done(lambda series=series: compact_series(series, store, self.secret, self.clock, self.ids))
            if not plan.after:
                break
            plan = _until_done(lambda plan=plan: plan_study(plan, store))
        secrets = MemorySecretSource(self.secret.value)
        _until_done(lambda: publish_beside(plan.datastore, plan.study_uid, store, secrets, self.clock))
        _until_done(lambda: finish_study(plan, store, events, self.clock))  # type: ignore[arg-type]


def unreadable(lake: MemoryLake, *landed: LandedObject) -> None:
    """Let S3 refuse to give or copy these objects, as it does archived ones and those under a sender's own key."""
    refused, landing, quarantine = {one.version_id for one in landed}, lake.landing, lake.quarantine

    class Refusing(MemoryObjectStore):
        def _body(self, key: str, version_id: str = "") -> bytes:
            if version_id in refused:
                raise UnreadableError("the object is there, but it may not be read (InvalidObjectState)")
            return super()._body(key, version_id)

        def copy_in(self, source_bucket: str, source_key: str, source_version: str, key: str, size: int) -> None:
            if source_version in refused:
                raise UnreadableError("the object is there, but it may not be read (InvalidObjectState)")
            super().copy_in(source_bucket, source_key, source_version, key, size)

    lake.landing = Refusing(landing._bucket, landing._buckets)
    lake.quarantine = Refusing(quarantine._bucket, quarantine._buckets)


def _until_done[T](step: Callable[[], T]) -> T:
    try:
        return step()
    except (Crash, RetryableError):
        return _until_done(step)

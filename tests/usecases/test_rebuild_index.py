"""Packs, quarantine and journal rebuild the index: readers see the same lake again, wherever the rebuild stops."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.adapters.memory import MemoryBuckets, MemoryDatastore, MemoryObjectStore, MemoryWorkQueue
from dicomlake.domain.change import ChangeKind
from dicomlake.domain.errors import RetryableError, UnsupportedError
from dicomlake.domain.events import IngestObject
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.ledger import NO_TALLY, Tally
from dicomlake.domain.model import NO_COUNTS, InstanceUid, JsonObject, LandedObject, SeriesUid, StudyUid
from dicomlake.domain.routing import Received
from dicomlake.domain.study import StudyState
from dicomlake.lake.journal import JournalEntry, Subject, encode_journal
from dicomlake.lake.paths import is_gathered, journal_key, pack_key
from dicomlake.landing_events import source_of
from dicomlake.usecases.rebuild_index import CURSOR, IndexRebuilt, rebuild_index
from dicomlake.usecases.restore_quarantine import restore_quarantine
from dicomlake.usecases.sweep_landing import start_over, sweep_landing
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE, Crash, MemoryLake, Watched

STUDY, SERIES = StudyUid(f"{ROOT}.1"), SeriesUid(f"{ROOT}.1.1")
JUNK = b"a text that is no DICOM file and longer than a preamble " * 8
slow = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TimedLake(MemoryLake):
    """A lake whose buckets know the time, and whose index can be lost."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.buckets = MemoryBuckets(self.clock)
        self.landing = MemoryObjectStore("landing", self.buckets)
        self.quarantine = MemoryObjectStore("quarantine", self.buckets)
        self.lose_index()

    def lose_index(self) -> None:
        """Leave nothing but the buckets."""
        self.clock.advance(60)
        self.store = MemoryDatastore("lake", self.buckets)
        self.timers, self.due = MemoryWorkQueue(), []
        self.told, self.sequenced = len(self.events.events), 0

    def land(self, key: str, body: bytes, announce: int = 1) -> LandedObject:
        """Land an object whose key may name its sender, as S3's event does."""
        landed = replace(super().land(key, body, 0), source=source_of(key))
        self.in_flight += [Received(IngestObject(landed), f"{landed.version_id}/{n}") for n in range(announce)]
        return landed

    def batch(self, *objects: tuple[str, bytes]) -> None:
        """Land objects together and let everything come to rest."""
        self.clock.advance(5)
        for key, body in objects:
            self.land(key, body)
        self.pump()

    def rebuild(self, out_of_time: Callable[[], bool] = lambda: False) -> IndexRebuilt:
        """One run of the rebuild over ports that may fail."""
        store, events = self.watched_store(), Watched(self.events, self.fault)
        return rebuild_index(DATASTORE, store, events, self.clock, self.ids, out_of_time)  # type: ignore[arg-type]

    def recover(self) -> IndexRebuilt:
        """Everything a recovery does."""
        done = self.rebuild()
        restore_quarantine(self.watched_store(), self.quarantine, self.ids, lambda: False)
        self.recheck()
        self.pump()
        return done

    def recheck(self) -> int:
        """Send again what landed and is not in the ledger."""
        queue = MemoryWorkQueue()
        start_over(self.store.objects)
        swept = sweep_landing(
            "landing", self.landing, self.store, queue, self.secret, self.clock, source_of, lambda: False, timedelta(0)
        )
        self.in_flight += [Received(c, self.ids.new()) for c in queue.commands if isinstance(c, IngestObject)]
        return swept.missing

    def packs(self) -> list[str]:
        """The packs that are there."""
        return [info.key for info in self.store.objects.versions("packs/").items if info.is_latest]


def spelled(attributes: JsonObject) -> str:
    """DICOM JSON as a text that does not depend on the order of its members."""
    return json.dumps(attributes, sort_keys=True)


def picture(lake: TimedLake) -> dict[str, object]:
    """All that readers and operators see, without what a rebuild rightly makes anew: ids, numbers, generations."""
    state = lake.store.state
    return {
        "instances": {
            (r.key, r.ledger, r.content_digest, r.source, r.visibility, r.version, r.changed_at)
            for r in state.instances.values()
        },
        "beside": {(r.key, r.ledger, r.content_digest, r.warnings) for r in state.beside.values()},
        "ledger": {(e.key, e.outcome, e.size, e.source, e.instance, e.reason, e.detail) for e in state.ledger.values()},
        "quarantine": [(e.key, e.quarantine_key, e.steps) for e in lake.store.ledger.quarantined().items],
        "studies": {
            (
                uid,
                s.state,
                s.counts,
                s.tally,
                s.series_count,
                s.modalities,
                spelled(s.attributes) if s.counts.instances else "",
            )
            for uid, s in state.studies.items()
        },
        "series": {
            (s.series_uid, s.counts, s.metadata_instances, s.findings, spelled(s.attributes))
            for rows in state.series.values()
            for s in rows.values()
            if s.counts.instances
        },
        "histories": state.history,
        "found by": {(key, uid) for key, uid in state.search},
        "totals": (lake.store.feed.head().tally, lake.store.feed.head().counts),
    }


def eventful() -> TimedLake:
    """Two studies, compacted; a late arrival, a conflict, a duplicate, a borrowed UID, junk, and a sender's name."""
    lake = TimedLake()
    lake.batch(*[(f"sources/hospital-7/x/{n}", ct_slice(1, 1, n)) for n in range(1, 4)])
    lake.batch(("other", ct_slice(2, 1, 1)), ("junk", JUNK), ("empty", b""))
    lake.batch(("late", ct_slice(1, 1, 4)), ("conflict", ct_slice(1, 1, 1, seed=9)))
    lake.batch(("again", ct_slice(1, 1, 2)), ("borrowed", ct_slice(3, 1, 1, uid=f"{ROOT}.2.1.1")))
    lake.batch(("conflict again", ct_slice(1, 1, 1, seed=9)))
    return lake


OBJECT = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 4), st.sampled_from([0, 0, 0, 9]))
DELETION = st.tuples(st.integers(1, 2), st.integers(0, 2), st.integers(0, 4))
"""A study, one of its series, one of its instances; 0 leaves out."""
EVENT = st.one_of(st.lists(OBJECT, min_size=1, max_size=5), st.just("night"), DELETION, st.just("undo"))
DAY = st.lists(EVENT, min_size=1, max_size=8)


def live(lake: TimedLake, hour: int, event: object) -> None:
    """Let one thing happen and everything come to rest."""
    if isinstance(event, list):
        lake.batch(*[(f"{hour}/{n}", ct_slice(*one[:3], seed=one[3])) for n, one in enumerate(event)])
        lake.batch((f"{hour}/junk", JUNK))
    elif isinstance(event, tuple):
        study, series, number = event
        uids = (f"{ROOT}.{study}", f"{ROOT}.{study}.{series}", f"{ROOT}.{study}.{series}.{number}")
        lake.delete(*uids[: 1 + bool(series) + bool(series and number)])
        lake.batch()
    elif event == "undo":
        done = [one for history in lake.store.state.history.values() for one in history.values()]
        for one in done[-1:]:
            lake.undo(one.scope.study_uid, one.number)
        lake.batch()
    else:
        lake.clock.advance(25 * 3600)
        lake.sweep_packs()


@slow
@given(DAY)
def test_whatever_happened_the_rebuilt_lake_looks_the_same(day: list[object]) -> None:
    lake = TimedLake()
    for hour, event in enumerate(day):
        live(lake, hour, event)
    before = picture(lake)

    lake.lose_index()
    lake.recover()

    assert picture(lake) == before


def test_conflicts_duplicates_and_senders_are_as_they_were() -> None:
    lake = eventful()
    before = picture(lake)

    lake.lose_index()
    done = lake.recover()

    assert picture(lake) == before
    assert done.complete
    assert done.tally == Tally(stored=7, duplicates=2)
    assert {s.state for s in lake.store.state.studies.values()} == {StudyState.READY}
    assert {e.source for e in lake.store.state.ledger.values()} == {"default", "hospital-7"}


def test_a_conflict_whose_first_was_moved_to_a_later_pack_stays_second() -> None:
    lake = TimedLake()
    lake.batch(("first", ct_slice(1, 1, 1)))
    lake.batch(("second", ct_slice(1, 1, 1, seed=9)), ("more", ct_slice(1, 1, 2)))
    lake.clock.advance(25 * 3600)
    assert lake.sweep_packs().deleted == 1
    before = picture(lake)

    lake.lose_index()
    lake.recover()

    assert picture(lake) == before


def test_rows_point_into_the_newest_pack_and_nothing_is_compacted_again() -> None:
    lake = TimedLake()
    for numbers in ((1,), (2,), (3, 4, 5)):
        lake.batch(*((f"n{number}", ct_slice(1, 1, number)) for number in numbers))
    (series,) = lake.store.studies.series(STUDY)
    before = lake.packs()

    lake.lose_index()
    lake.recover()

    assert {r.pointer.pack for r in lake.store.state.instances.values()} == set(series.packs)
    assert all(is_gathered(pack) for pack in series.packs)
    assert lake.packs() == before


def test_a_pack_that_is_replaced_after_its_three_days_goes_a_grace_later() -> None:
    lake = TimedLake()
    lake.batch(("early", ct_slice(1, 1, 1)))
    (before,) = lake.packs()
    for _ in range(10):
        lake.clock.advance(24 * 3600)
        assert lake.sweep_packs().deleted == 0

    lake.batch(("late", ct_slice(1, 1, 2)))
    at_once = lake.sweep_packs().deleted
    lake.clock.advance(25 * 3600)
    later = lake.sweep_packs().deleted

    (series,) = lake.store.studies.series(STUDY)
    assert (at_once, later) == (0, 2)
    assert before not in lake.packs()
    assert lake.packs() == list(series.packs)
    assert not [info for info in lake.store.objects.versions("sweeps/superseded/").items if info.is_latest]


def test_a_pack_replaced_an_hour_ago_stays_however_old_it_is() -> None:
    lake = TimedLake()
    lake.batch(("early", ct_slice(1, 1, 1)))
    lake.clock.advance(47 * 3600)
    lake.batch(("late", ct_slice(1, 1, 2)))
    before = lake.packs()

    lake.clock.advance(3600)
    swept = lake.sweep_packs()

    assert (len(before), swept.deleted) == (3, 0)


@pytest.mark.parametrize("call", range(1, 40))
def test_a_death_around_a_late_compaction_leaves_no_pack_for_good(call: int) -> None:
    lake = TimedLake()
    lake.batch(("early", ct_slice(1, 1, 1)))
    lake.clock.advance(10 * 24 * 3600)

    with lake.dying_at(call):
        lake.batch(("late", ct_slice(1, 1, 2)))
    lake.pump()
    for _ in range(4):
        lake.clock.advance(25 * 3600)
        lake.sweep_packs()

    (series,) = lake.store.studies.series(STUDY)
    assert lake.packs() == list(series.packs)


def test_a_second_run_and_a_run_beside_a_whole_index_change_nothing() -> None:
    lake = eventful()
    before, packs = picture(lake), lake.packs()

    first, second = lake.recover(), lake.recover()

    assert (first.tally, second.tally) == (NO_TALLY, NO_TALLY)
    assert first.known == second.known > 8
    assert (picture(lake), lake.packs()) == (before, packs)


@slow
@given(st.integers(1, 120))
def test_a_death_before_any_call_is_made_good_by_the_next_run(call: int) -> None:
    lake = eventful()
    before = picture(lake)
    lake.lose_index()

    with lake.dying_at(call):
        try:
            lake.rebuild()
        except (Crash, RetryableError):
            lake.pump()
    lake.recover()

    assert picture(lake) == before


def test_without_time_each_run_takes_a_pack_and_the_last_says_so() -> None:
    lake = eventful()
    before, packs = picture(lake), lake.packs()
    lake.lose_index()

    runs = [lake.rebuild(lambda: True) for _ in packs]
    lake.recover()

    assert [run.complete for run in runs] == [False] * (len(packs) - 1) + [True]
    assert {run.packs for run in runs} == {1}
    assert CURSOR not in {info.key for info in lake.store.objects.versions("sweeps/").items if info.is_latest}
    assert picture(lake) == before


def test_what_arrives_while_the_index_is_rebuilt_is_counted_once() -> None:
    lake = eventful()
    lake.lose_index()

    lake.batch(("again", ct_slice(1, 1, 2)), ("new", ct_slice(1, 1, 9)))
    lake.recover()

    head = lake.store.feed.head()
    assert head.tally.landed == len(lake.store.state.ledger) == 13
    assert head.counts.instances == len(lake.store.state.instances) == 6
    assert sum(s.counts.instances for s in lake.store.state.studies.values()) == head.counts.instances


def test_a_rebuilt_study_tells_of_itself_under_a_name_it_never_had() -> None:
    lake = eventful()
    told = {event.event_id for event in lake.ready}

    lake.lose_index()
    lake.recover()
    again = [event for event in lake.ready if event.event_id not in told]

    held = {uid for uid, study in lake.store.state.studies.items() if study.counts.instances}
    assert {event.study_uid for event in again} == held
    assert min(event.generation for event in again) > max(lake.ready[0].generation, 1_000_000_000)


def test_an_index_restored_to_an_earlier_time_gets_what_came_after_it() -> None:
    lake, early = eventful(), TimedLake()
    early.batch(*[(f"sources/hospital-7/x/{n}", ct_slice(1, 1, n)) for n in range(1, 4)])
    before = picture(lake)

    lake.lose_index()
    _restore_rows(early, lake)
    lake.recover()

    assert picture(lake)["studies"] == before["studies"]
    assert picture(lake)["instances"] == before["instances"]


def _restore_rows(source: TimedLake, target: TimedLake) -> None:
    """Copy the rows of a lake whose first objects were the same, as a table is restored."""
    for name in ("ledger", "instances", "claims", "studies", "series", "search", "changes", "numbered", "head"):
        setattr(target.store.state, name, getattr(source.store.state, name))


def swept_since() -> TimedLake:
    """A lake whose index is of a time before its only pack was gathered from others, which are swept by now."""
    lake = TimedLake()
    for number in (1, 2):
        lake.batch((f"n{number}", ct_slice(1, 1, number)))
    lake.clock.advance(25 * 3600)
    assert lake.sweep_packs().deleted == 2
    swept = pack_key(lake.clock.now().date(), "0" * 32)
    rows = lake.store.instances.instances(STUDY).items
    assert lake.store.instances.move([(row, replace(row.pointer, pack=swept)) for row in rows]) == 2
    return lake


def test_restored_rows_whose_packs_were_swept_since_point_to_where_their_instances_lie_now() -> None:
    lake = swept_since()
    before = picture(lake)

    done = lake.recover()

    assert (done.moved, done.tally) == (2, NO_TALLY)
    assert {r.pointer.pack for r in lake.store.state.instances.values()} == set(lake.packs())
    assert picture(lake) == before


def test_the_pack_sweep_keeps_the_only_pack_that_has_what_rows_seek_elsewhere() -> None:
    lake = swept_since()
    (only,) = lake.packs()

    swept = lake.sweep_packs()

    assert (swept.looked_at, swept.deleted) == (1, 0)
    assert lake.packs() == [only]


def test_the_pack_sweep_deletes_nothing_of_a_lake_whose_index_was_lost() -> None:
    lake = eventful()
    packs = lake.packs()

    lake.lose_index()
    lake.clock.advance(25 * 3600)
    swept = lake.sweep_packs()

    assert swept.deleted == 0
    assert lake.packs() == packs


def test_a_damaged_pack_is_counted_and_its_objects_are_read_again_from_where_they_landed() -> None:
    lake = TimedLake()
    lake.batch(("one", ct_slice(1, 1, 1)))
    lake.batch(("two", ct_slice(2, 1, 1)))
    before = picture(lake)
    damaged = next(r.pointer.pack for r in lake.store.state.instances.values() if r.key.study_uid == STUDY)
    lake.store.objects.put(damaged, b"no pack")

    lake.lose_index()
    done = lake.recover()

    assert (done.unreadable, done.tally.stored) == (1, 1)
    assert picture(lake) == before


def change(lake: TimedLake, kind: ChangeKind, version: int, instance: str | None = f"{ROOT}.1.1.1") -> None:
    subject = Subject(STUDY, SERIES, InstanceUid(instance)) if instance else Subject(STUDY)
    entry = JournalEntry(f"{version:032x}", kind, "2026-01-01T00:00:00.000Z", "a test", subject, version)
    lake.store.objects.put(journal_key(lake.clock.now(), f"{version:032x}"), encode_journal([entry]))


def test_what_was_deleted_and_its_history_are_back_where_no_pack_has_it() -> None:
    lake = TimedLake()
    lake.batch(("one", ct_slice(1, 1, 1)), ("two", ct_slice(1, 1, 2)))
    lake.delete(STUDY, SERIES, f"{ROOT}.1.1.1")
    lake.batch()
    lake.delete(STUDY)
    lake.batch()
    before = picture(lake)
    lake.store.objects.delete(lake.packs())

    lake.lose_index()
    lake.recover()

    assert picture(lake) == before
    assert [one.instances for one in lake.store.changes.history(STUDY)] == [1, 1]


def test_a_copy_that_landed_before_the_deletion_stays_a_duplicate_when_it_is_read_again() -> None:
    lake = TimedLake()
    lake.batch(("one", ct_slice(1, 1, 1)))
    lake.batch(("copy", ct_slice(1, 1, 1)))
    lake.delete(STUDY)
    lake.batch()
    before = picture(lake)
    lake.store.objects.delete(lake.packs())

    lake.lose_index()
    lake.recover()

    assert picture(lake) == before
    assert lake.store.state.studies[STUDY].counts == NO_COUNTS


def test_what_was_sent_again_after_its_deletion_is_there_again_and_its_first_is_stored_still() -> None:
    lake = TimedLake()
    lake.batch(("one", ct_slice(1, 1, 1)))
    lake.delete(STUDY)
    lake.batch(("again", ct_slice(1, 1, 1)))
    lake.delete(STUDY)
    lake.batch(("other", ct_slice(1, 1, 1, seed=9)))
    before = picture(lake)

    lake.lose_index()
    lake.recover()

    assert picture(lake) == before
    assert lake.store.feed.head().tally == Tally(stored=3)
    assert lake.store.state.studies[STUDY].counts.instances == 1


@pytest.mark.parametrize(("kind", "instance"), [(ChangeKind.REJECT, f"{ROOT}.1.1.1"), (ChangeKind.POLICY, None)])
def test_a_change_that_cannot_be_applied_stops_the_rebuild_before_it_writes(
    kind: ChangeKind, instance: str | None
) -> None:
    lake = TimedLake()
    lake.batch(("one", ct_slice(1, 1, 1)))
    change(lake, kind, 2, instance)
    lake.lose_index()

    with pytest.raises(UnsupportedError):
        lake.rebuild()

    assert not lake.store.state.ledger


def test_a_note_that_cannot_be_read_is_counted_and_the_others_are_restored() -> None:
    lake = TimedLake()
    landed = lake.land("sources/clinic/a/junk", JUNK)
    lake.batch()
    lake.quarantine.put(f"objects/{'0' * 32}/v1.json", b"{}")
    before = picture(lake)["quarantine"]

    lake.lose_index()
    done = restore_quarantine(lake.store, lake.quarantine, lake.ids, lambda: False)

    entry = lake.store.ledger.entry(ledger_key(lake.secret, landed))
    assert (done.restored, done.unreadable, done.complete) == (1, 1, True)
    assert picture(lake)["quarantine"] == before
    assert entry is not None
    assert entry.attempts == 0

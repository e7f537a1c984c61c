"""Whatever the order, however often, wherever a process dies: the same index, and counts that add up to the unit."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.domain.errors import NotFoundError, Reason
from dicomlake.domain.events import IngestObject
from dicomlake.domain.ids import ledger_key, object_hash
from dicomlake.domain.ledger import Tally
from dicomlake.domain.model import InstanceKey, InstanceUid, Outcome, SeriesUid, StudyUid, Visibility
from dicomlake.domain.routing import MAX_ATTEMPTS, Received
from dicomlake.domain.study import StudyState
from dicomlake.usecases.open_pack import open_pack
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE, MemoryLake, unreadable

STUDY = StudyUid(f"{ROOT}.1")
SERIES = SeriesUid(f"{ROOT}.1.1")
JUNK = b"a text that is no DICOM file and longer than a preamble " * 8
slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fill(lake: MemoryLake, announce: Callable[[int], int] = lambda _: 1) -> int:
    """Land two studies, a duplicate under another key, and junk; return how many objects that is."""
    objects = [(f"s{study}/{n}", ct_slice(study, 1 + n % 2, n)) for study in (1, 2) for n in range(1, 7)]
    objects += [("again/1", ct_slice(1, 2, 1)), ("junk", JUNK), ("empty", b"")]
    for place, (key, body) in enumerate(objects):
        lake.land(key, body, announce(place))
    return len(objects)


def picture(lake: MemoryLake) -> dict[str, object]:
    """What readers see, without what may rightly differ (packs, ids, times)."""
    state = lake.store.state
    return {
        "instances": {(r.key, r.content_digest, r.landed_sha256) for r in state.instances.values()},
        "outcomes": sorted(str(entry.outcome) for entry in state.ledger.values()),
        "studies": {(uid, s.state, s.counts, s.tally) for uid, s in state.studies.items()},
        "series": {
            (s.series_uid, s.counts, s.metadata_instances) for rows in state.series.values() for s in rows.values()
        },
        "totals": (lake.store.feed.head().tally, lake.store.feed.head().counts),
    }


def check_counts(lake: MemoryLake, landed: int) -> None:
    head = lake.store.feed.head()
    by_outcome = [entry.outcome for entry in lake.store.state.ledger.values()]
    assert head.tally.landed == landed == len(by_outcome)
    assert head.tally.stored == by_outcome.count(Outcome.STORED)
    assert head.tally.duplicates == by_outcome.count(Outcome.DUPLICATE)
    assert head.tally.quarantined == by_outcome.count(Outcome.QUARANTINED)
    assert head.counts.instances == len(lake.store.state.instances)
    assert sum(s.counts.instances for s in lake.store.state.studies.values()) == head.counts.instances


def packs_of(lake: MemoryLake) -> set[str]:
    return {info.key for info in lake.store.objects.versions("packs/").items if info.is_latest}


def calm() -> dict[str, object]:
    lake = MemoryLake()
    fill(lake)
    lake.pump()
    return picture(lake)


CALM = calm()


def test_a_calm_day_ends_with_everything_ready_and_counted() -> None:
    lake = MemoryLake()

    landed = fill(lake)
    lake.pump()

    check_counts(lake, landed)
    assert {study.state for study in lake.store.state.studies.values()} == {StudyState.READY}
    assert {ready.instances for ready in lake.ready} == {6}
    reasons = sorted(str(entry.reason) for entry in lake.store.ledger.quarantined().items)
    assert reasons == [Reason.EMPTY, Reason.NOT_DICOM]


@slow
@given(st.integers(0, 10_000), st.integers(1, 9), st.lists(st.integers(1, 3), min_size=15, max_size=15))
def test_shuffled_and_repeated_events_give_the_same_index(seed: int, batch: int, copies: list[int]) -> None:
    lake = MemoryLake(seed)

    landed = fill(lake, lambda place: copies[place])
    lake.pump(batch, shuffled=True)

    check_counts(lake, landed)
    assert picture(lake) == CALM


@slow
@given(st.integers(1, 60), st.integers(1, 15))
def test_a_death_before_any_call_changes_nothing_in_the_end(call: int, batch: int) -> None:
    lake = MemoryLake()

    landed = fill(lake)
    with lake.dying_at(call):
        lake.pump(batch)
    lake.pump(batch)

    check_counts(lake, landed)
    assert picture(lake) == CALM


def test_what_no_event_tells_of_is_found_by_the_sweep() -> None:
    lake = MemoryLake()
    lake.land("told", ct_slice(1, 1, 1))
    lake.land("untold", ct_slice(1, 1, 2), announce=0)
    lake.pump()

    swept = lake.sweep()
    lake.pump()

    assert (swept.listed, swept.missing) == (2, 1)
    assert lake.store.feed.head().tally.stored == 2
    assert lake.sweep().missing == 0


def test_an_overwritten_key_is_two_objects_and_both_are_decided() -> None:
    lake = MemoryLake()

    lake.land("same-key", ct_slice(1, 1, 1))
    lake.land("same-key", ct_slice(1, 1, 2))
    lake.pump(batch=1)

    check_counts(lake, 2)
    assert lake.store.feed.head().tally.stored == 2


def test_the_same_instance_with_other_pixels_is_kept_beside_the_first() -> None:
    lake = MemoryLake()
    lake.land("first", ct_slice(1, 1, 1))
    lake.pump()

    lake.land("second", ct_slice(1, 1, 1, seed=9))
    lake.pump()

    key = InstanceKey(STUDY, SERIES, InstanceUid(f"{ROOT}.1.1.1"))
    held = lake.store.instances.instance(key)
    (beside,) = lake.store.state.beside.values()
    assert held is not None
    assert held.content_digest != beside.content_digest
    assert beside.visibility is Visibility.NON_PRIMARY
    assert [warned.code for warned in beside.warnings] == ["conflict-kept-beside"]
    assert lake.store.state.studies[STUDY].counts.instances == 1
    assert lake.store.feed.head().tally.stored == 2


def test_other_content_sent_again_is_a_duplicate_of_what_is_beside() -> None:
    lake = MemoryLake()
    for time in range(4):
        lake.land(f"a/{time}", ct_slice(1, 1, 1))
        lake.land(f"b/{time}", ct_slice(1, 1, 1, seed=9))
        lake.land(f"c/{time}", ct_slice(2, 1, 1, uid=f"{ROOT}.1.1.1"))
        lake.pump()

    check_counts(lake, 12)
    assert len(lake.store.state.beside) == 2
    assert lake.store.feed.head().tally == Tally(stored=3, duplicates=9)


SENT = st.lists(st.tuples(st.sampled_from([0, 8, 9]), st.sampled_from([1, 2]), st.integers(1, 3)), max_size=12)


@slow
@given(SENT, st.integers(0, 60), st.integers(1, 8), st.integers(0, 10_000))
def test_conflicts_in_any_order_and_number_are_stored_once_a_content(
    sent: list[tuple[int, int, int]], call: int, batch: int, seed: int
) -> None:
    lake = MemoryLake(seed)
    for place, (pixels, series, copies) in enumerate(sent):
        lake.land(f"n{place}", ct_slice(1, series, 1, seed=pixels, uid=f"{ROOT}.1.1.1"), copies)

    with lake.dying_at(call):
        lake.pump(batch, shuffled=True)
    lake.pump(batch)

    check_counts(lake, len(sent))
    contents = len({one[:2] for one in sent})
    assert len(lake.store.state.instances) == min(1, contents)
    assert len(lake.store.state.beside) == max(0, contents - 1)
    assert lake.store.feed.head().tally == Tally(stored=contents, duplicates=len(sent) - contents)


def test_a_sop_instance_uid_of_another_study_is_kept_beside_and_told() -> None:
    lake = MemoryLake()
    lake.land("one", ct_slice(1, 1, 1))
    lake.pump()

    lake.land("two", ct_slice(2, 1, 1, uid=f"{ROOT}.1.1.1"))
    lake.pump()

    (beside,) = lake.store.state.beside.values()
    assert [warned.code for warned in beside.warnings] == ["instance-uid-in-other-series"]


def test_duplicates_of_a_ready_study_are_counted_and_tell_nothing() -> None:
    lake = MemoryLake()
    lake.land("one", ct_slice(1, 1, 1))
    lake.pump()

    lake.land("again", ct_slice(1, 1, 1))
    lake.pump()

    study = lake.store.state.studies[STUDY]
    assert (study.state, study.generation, study.tally) == (StudyState.READY, 1, Tally(stored=1, duplicates=1))
    assert (len(lake.ready), len(lake.workflows.studies)) == (1, 1)


def test_late_arrivals_are_a_new_generation_that_names_what_it_added() -> None:
    lake = MemoryLake()
    for number in (1, 2, 3):
        lake.land(f"n{number}", ct_slice(1, 1, number))
    lake.pump()

    lake.land("late", ct_slice(1, 1, 5))
    lake.pump()

    first, second = lake.ready
    assert (first.generation, first.instances, first.added.stored) == (1, 3, 3)
    assert (second.generation, second.instances, second.added.stored) == (2, 4, 1)
    assert second.findings == ("instance-number-gap", "slice-gap")
    assert first.event_id != second.event_id


def test_a_truncated_frame_is_told_of_its_instance_and_of_its_study() -> None:
    lake = MemoryLake()
    lake.land("whole", ct_slice(1, 1, 1))
    lake.land("cut", ct_slice(1, 1, 2)[:-100])
    lake.pump()

    (ready,) = lake.ready
    cut = next(one for one in lake.store.state.instances.values() if one.instance_number == 2)
    assert {"truncated-frame"} <= {warned.code for warned in cut.warnings}
    assert (ready.truncated, ready.findings) == (1, ("truncated-frames",))


def test_a_settled_series_has_one_pack_and_its_metadata_in_display_order() -> None:
    lake = MemoryLake()
    for number in (4, 2, 3, 1):
        lake.land(f"n{number}", ct_slice(1, 1, number))
        lake.ingest(lake.in_flight)
        lake.in_flight = []
    lake.pump()

    (series,) = lake.store.studies.series(STUDY)
    records = lake.store.instances.instances(STUDY).items
    assert len(series.packs) == 1
    assert {record.pointer.pack for record in records} == set(series.packs)
    reader = open_pack(lake.store.objects, series.packs[0])
    assert [packed.record.instance_number for packed in reader.footer().instances] == [1, 2, 3, 4]
    assert series.metadata_instances == 4


def test_three_hundred_poisoned_objects_do_not_hold_a_neighbour_back() -> None:
    lake = MemoryLake()
    for number in range(300):
        lake.land(f"poison/{number}", JUNK + bytes([number % 256]))
    lake.land("good", ct_slice(1, 1, 1))

    lake.pump(batch=40, shuffled=True)

    check_counts(lake, 301)
    assert [ready.instances for ready in lake.ready] == [1]


def test_what_cannot_be_read_ends_in_quarantine_after_its_tries_and_alone() -> None:
    lake = MemoryLake()
    archived = lake.land("archived", ct_slice(1, 1, 1))
    lake.land("neighbour", ct_slice(1, 1, 2))
    unreadable(lake, archived)

    lake.pump()

    check_counts(lake, 2)
    (entry,) = lake.store.ledger.quarantined().items
    assert (entry.reason, entry.attempts, entry.quarantine_key) == (Reason.UNREADABLE, MAX_ATTEMPTS, "")
    assert sum(report.alarming for report in lake.reports) == 1
    assert lake.sweep().missing == 0


def test_the_ledger_tells_when_an_object_landed_and_versions_are_in_that_order() -> None:
    lake, times = MemoryLake(), [f"2026-01-01T00:00:0{second}.000Z" for second in (3, 1, 2)]
    bodies = [ct_slice(1, 1, 1), JUNK, ct_slice(1, 1, 1)]
    for landed_at, body in zip(times, bodies, strict=True):
        landed = replace(lake.land("k", body, announce=0), landed_at=landed_at)
        lake.in_flight.append(Received(IngestObject(landed), landed_at))

    lake.pump(batch=1)

    entries = lake.store.ledger.versions(object_hash(lake.secret, "landing", "k"))
    assert [entry.landed_at for entry in entries] == sorted(times)
    assert [entry.outcome for entry in entries] == [Outcome.QUARANTINED, Outcome.DUPLICATE, Outcome.STORED]


def test_a_second_start_of_the_machine_finds_nothing_to_do_and_tells_nothing_new() -> None:
    lake = MemoryLake()
    lake.land("one", ct_slice(1, 1, 1))
    lake.pump()
    packs = lake.store.objects.versions("packs/").items

    for command, _ in lake.workflows.studies.values():
        lake.run_machine(command)  # type: ignore[arg-type]

    assert lake.store.objects.versions("packs/").items == packs
    assert len({ready.event_id for ready in lake.ready}) == 1


def test_superseded_and_orphan_packs_go_after_their_grace_and_named_ones_stay() -> None:
    lake = MemoryLake()
    for number in (1, 2):
        lake.land(f"n{number}", ct_slice(1, 1, number))
    lake.pump(batch=1)
    (series,) = lake.store.studies.series(STUDY)
    before = packs_of(lake)

    at_once = lake.sweep_packs()
    lake.clock.advance(25 * 3600)
    later = lake.sweep_packs()

    assert len(before) == 3
    assert at_once.deleted == 0
    assert later.deleted == 2
    assert packs_of(lake) == set(series.packs)


def test_a_study_whose_timer_was_lost_is_found_and_settles() -> None:
    lake = MemoryLake()
    lake.land("one", ct_slice(1, 1, 1))
    lake.ingest(lake.in_flight)
    lake.in_flight = []
    lake.track(STUDY)
    lake.timers.take()

    lake.clock.advance(3600)
    found = lake.sweep_studies()
    lake.pump()

    assert found == 1
    assert lake.store.state.studies[STUDY].state is StudyState.READY
    assert lake.sweep_studies() == 0
    assert lake.ready[0].datastore == DATASTORE


def test_what_is_still_queued_is_sent_again_once_not_at_every_sweep() -> None:
    lake = MemoryLake()
    landed = lake.land("queued", ct_slice(1, 1, 1), announce=0)

    first, second = lake.sweep(), lake.sweep()
    sent = len(lake.in_flight)
    lake.clock.advance(3 * 3600)
    third = lake.sweep()
    lake.pump()

    assert (first.missing, second.missing, sent, third.missing) == (1, 0, 1, 1)
    entry = lake.store.ledger.entry(ledger_key(lake.secret, landed))
    assert entry is not None
    assert entry.outcome is Outcome.STORED
    assert [ready.instances for ready in lake.ready] == [1]


def test_a_cursor_that_cannot_be_read_costs_one_sweep_from_the_beginning() -> None:
    lake = MemoryLake()
    lake.land("untold", ct_slice(1, 1, 1), announce=0)
    lake.store.objects.put("sweeps/landing.json", b"{")

    assert lake.sweep().missing == 1


def test_a_pack_that_went_while_it_was_swept_does_not_end_the_sweep() -> None:
    lake = MemoryLake()
    for number in (1, 2):
        lake.land(f"n{number}", ct_slice(1, 1, number))
    lake.pump(batch=1)
    lake.clock.advance(25 * 3600)
    read_range, reads = lake.store.objects.read_range, []

    def gone_once(*place: object) -> bytes:
        reads.append(place)
        if len(reads) == 1:
            raise NotFoundError("deleted by another sweep")
        return read_range(*place)  # type: ignore[arg-type]

    lake.store.objects.read_range = gone_once  # type: ignore[method-assign, assignment]

    assert lake.sweep_packs().deleted == 1

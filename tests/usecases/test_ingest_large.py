"""One object over the size limit: the same outcome as in a batch, by ranges, and the study waits for it."""

from contextlib import suppress

import pytest

from dicomlake.domain.errors import Reason, UnreadableError
from dicomlake.domain.events import IngestObject, InstancesStored
from dicomlake.domain.ids import ledger_key
from dicomlake.domain.model import InstanceKey, InstanceUid, Outcome, SeriesUid, StudyUid
from dicomlake.usecases import ranged_source
from dicomlake.usecases.ingest_large import ingest_large
from tests.unit.lake.packs import reading
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import Crash, MemoryLake, unreadable

KEY = InstanceKey(StudyUid(f"{ROOT}.1"), SeriesUid(f"{ROOT}.1.1"), InstanceUid(f"{ROOT}.1.1.1"))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_source, "BLOCK", 256)


def test_a_large_object_ends_as_it_would_in_a_batch() -> None:
    batch, large = MemoryLake(), MemoryLake()
    batch.land("k", ct_slice())
    batch.pump()

    report = ingest_large(IngestObject(large.land("k", ct_slice(), announce=0)), large.ports())
    large.pump()

    in_batch, alone = batch.store.state.instances[KEY], large.store.state.instances[KEY]
    assert report.outcome == "stored"
    assert (alone.landed_sha256, alone.content_digest) == (in_batch.landed_sha256, in_batch.content_digest)
    assert alone.frame_count == in_batch.frame_count == 1
    assert [ready.instances for ready in large.ready] == [1]


def test_while_it_is_under_way_its_study_counts_it_as_pending() -> None:
    lake = MemoryLake()
    landed = lake.land("k", ct_slice(), announce=0)

    # Port calls before the pack is put: ledger look-up, pending mark, pending note.
    with lake.dying_at(4), pytest.raises(Crash):
        ingest_large(IngestObject(landed), lake.ports())

    entry = lake.store.ledger.entry(ledger_key(lake.secret, landed))
    assert entry is not None
    assert entry.outcome is Outcome.PENDING
    assert lake.store.studies.pending(KEY.study_uid, lake.clock.now()) == 1


@pytest.mark.parametrize("call", range(1, 14))
def test_a_task_that_died_anywhere_leaves_no_part_of_a_pack_to_be_seen(call: int) -> None:
    lake = MemoryLake()
    landed = lake.land("k", ct_slice(), announce=0)

    with lake.dying_at(call), suppress(Crash):
        ingest_large(IngestObject(landed), lake.ports())

    packs = [one.key for one in lake.store.objects.versions("packs/").items]
    for pack in packs:
        assert reading(bytes(lake.store.objects.get(pack))).footer().instances
    assert {record.pointer.pack for record in lake.store.state.instances.values()} <= set(packs)


@pytest.mark.parametrize("call", range(1, 12))
def test_a_task_that_died_anywhere_is_run_again_to_the_same_end(call: int) -> None:
    lake = MemoryLake()
    landed = lake.land("k", ct_slice(), announce=0)

    with lake.dying_at(call):
        try:
            ingest_large(IngestObject(landed), lake.ports())
        except Crash:
            assert KEY not in lake.store.state.instances or lake.fault.calls > 5
    ingest_large(IngestObject(landed), lake.ports())
    lake.pump()

    assert lake.store.studies.pending(KEY.study_uid, lake.clock.now()) == 0
    assert lake.store.feed.head().tally.stored == 1
    assert any(isinstance(event, InstancesStored) for event in lake.events.events)
    assert lake.ready[-1].instances == 1


def test_a_large_object_that_is_no_dicom_is_quarantined() -> None:
    lake = MemoryLake()
    landed = lake.land("k", b"no DICOM at all " * 100, announce=0)

    report = ingest_large(IngestObject(landed), lake.ports())

    (entry,) = lake.store.ledger.quarantined().items
    assert (report.outcome, entry.reason) == ("quarantined", Reason.NOT_DICOM)
    assert lake.quarantine.get(entry.quarantine_key) == b"no DICOM at all " * 100


def test_a_large_object_that_cannot_be_read_is_tried_once_more_then_quarantined() -> None:
    lake = MemoryLake()
    landed = lake.land("k", ct_slice(), announce=0)
    unreadable(lake, landed)

    with pytest.raises(UnreadableError):
        ingest_large(IngestObject(landed), lake.ports())
    pending = lake.store.ledger.entry(ledger_key(lake.secret, landed))
    report = ingest_large(IngestObject(landed), lake.ports())

    assert pending is not None
    assert pending.outcome is Outcome.PENDING
    (entry,) = lake.store.ledger.quarantined().items
    assert (report.outcome, report.alarming, entry.reason) == ("quarantined", 1, Reason.UNREADABLE)
    assert entry.quarantine_key == ""


def test_an_object_that_vanished_is_no_error() -> None:
    lake = MemoryLake()
    landed = lake.land("k", ct_slice(), announce=0)
    gone = IngestObject(type(landed)("landing", "other", landed.version_id, landed.size))

    assert ingest_large(gone, lake.ports()).outcome == "vanished"

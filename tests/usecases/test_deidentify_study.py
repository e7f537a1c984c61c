"""A study's de-identified copy: every instance accounted for, pixels equal, nothing of the patient's in any byte."""

import hashlib
import importlib.util
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from dicomlake.adapters.memory import MemoryBuckets, MemoryDatastore, MemoryEventPublisher, MemoryWorkQueue
from dicomlake.dicom.codecs.lossless import decode_openjph
from dicomlake.dicom.files.restore import rebuild
from dicomlake.domain.errors import LostRaceError, Reason
from dicomlake.domain.events import DeidentifyStudy, InstancesStored
from dicomlake.domain.ledger import Tally
from dicomlake.domain.levels import text_of
from dicomlake.domain.model import DatastoreId, Outcome, StudyUid
from dicomlake.lake.pack import PackReader
from dicomlake.ports import Datastore
from dicomlake.usecases import deidentify_study as use_case
from dicomlake.usecases.deidentify_study import TAIL_SIZE, DeidentifyPorts, StudyDeidentified, deidentify_study
from dicomlake.usecases.retrieve_frames import retrieve_frames
from dicomlake.usecases.track_study import track_study
from tests.builders import with_ports
from tests.unit.dicom.deidentify.deid_given import CT, EXPLICIT, corpus_file, encode, image
from tests.usecases.memory_lake import DATASTORE, SETTLE, Crash, Fault, MemoryLake, Watched

CLEAN = DatastoreId("c" * 32)
STUDY = StudyUid("1.2.3")
RLE = "1.2.840.10008.1.2.5"
CHARACTER_SETS = (
    "utf-8",
    "utf-16-le",
    "latin-1",
    "iso2022_jp_2",
    "shift_jis",
    "euc_kr",
    "gb18030",
    "iso8859_7",
    "iso8859_5",
)


def slices(number: int, first: int = 1) -> Iterator[tuple[str, Dataset]]:
    for at in range(first, first + number):
        dataset = image()
        dataset.SOPInstanceUID, dataset.InstanceNumber = f"1.2.3.4.{at}", at
        dataset.StudyDescription = "MARK-DESCRIPTION"
        yield f"{at}.dcm", dataset


def landed_bytes(dataset: Dataset) -> bytes:
    cut = encode(dataset)
    raw = io.BytesIO()
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(CT), dataset.SOPInstanceUID
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(EXPLICIT), UID("1.2.3")
    dataset.file_meta, dataset.PixelData = meta, cut.pixels
    pydicom.dcmwrite(raw, dataset, enforce_file_format=True)
    return raw.getvalue()


class Copying:
    """A lake with a study, and the store its copy is written to."""

    def __init__(self, seed: int = 0) -> None:
        self.lake = MemoryLake(seed)
        self.target = MemoryDatastore("clean", MemoryBuckets())
        self.events = MemoryEventPublisher()
        self.source: Datastore = self.lake.store
        self.fault = Fault()

    def land(self, number: int, first: int = 1) -> None:
        for key, dataset in slices(number, first):
            self.lake.land(key, landed_bytes(dataset))
        self.lake.pump(batch=100)

    def ports(self) -> DeidentifyPorts:
        target = Datastore(
            *(Watched(getattr(self.target, name), self.fault) for name in Datastore.__slots__)  # type: ignore[arg-type]
        )
        events = Watched(self.events, self.fault)
        lake = self.lake
        return DeidentifyPorts(self.source, target, CLEAN, events, lake.secret, lake.clock, lake.ids)  # type: ignore[arg-type]

    def run(self, after: str = "", study: StudyUid = STUDY, in_time: int = 1 << 30) -> StudyDeidentified:
        looks = count()
        return deidentify_study(
            DeidentifyStudy(DATASTORE, study, 1, after), self.ports(), lambda: next(looks) >= in_time
        )

    def readers(self, store: Datastore | None = None) -> Iterator[PackReader]:
        objects = (store or self.target).objects
        for info in objects.versions("packs/").items:
            body = bytes(objects.get(info.key))
            yield PackReader(lambda at, n, body=body: body[at : at + n], len(body), info.key)  # type: ignore[misc]

    def copies(self) -> Iterator[tuple[PackReader, int]]:
        for reader in self.readers():
            for ordinal in range(len(reader.footer().instances)):
                yield reader, ordinal

    def objects_restored(self) -> list[Dataset]:
        """Every copy as a Part 10 object: head and decoded frames put together by the pack's splices."""
        return [pydicom.dcmread(io.BytesIO(restored(reader, ordinal))) for reader, ordinal in self.copies()]


def restored(reader: PackReader, ordinal: int) -> bytes:
    frames = list(reader.frames(ordinal))
    native = [decode_openjph(reader.frame_bytes(frame)).tobytes() for frame in frames]
    parts = rebuild(reader.head(ordinal), reader.splices(ordinal), lambda index: native[index])
    return b"".join(bytes(part) for part in parts)


@pytest.fixture
def copying() -> Copying:
    return Copying()


def test_every_instance_is_copied_once_and_told_of(copying: Copying) -> None:
    copying.land(5)

    done = copying.run()

    assert done == StudyDeidentified(Tally(stored=5), 0, None)
    (told,) = copying.events.events
    assert isinstance(told, InstancesStored)
    assert told.datastore == CLEAN
    assert told.studies == (next(iter(copying.target.state.instances)).study_uid,)
    assert told.studies != (STUDY,)


def test_the_same_command_twice_copies_once_and_reads_nothing_again(copying: Copying) -> None:
    copying.land(5)
    copying.run()
    held = dict(copying.target.state.instances)
    reads = Fault()
    store = copying.lake.store
    watched = Watched(store.objects, reads)
    copying.source = with_ports(store, objects=watched)

    again = copying.run()

    assert again == StudyDeidentified(Tally(), 5, None)
    assert copying.target.state.instances == held
    assert reads.calls == 0


def test_a_source_is_opened_by_one_read_that_holds_its_tables(
    copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying.land(5)
    (pack,) = {record.pointer.pack for record in copying.lake.store.state.instances.values()}
    objects = copying.lake.store.objects
    read_end, read = objects.read_end, []
    monkeypatch.setattr(objects, "read_end", lambda *place: (read.append(place), read_end(*place))[1])
    monkeypatch.setattr(objects, "info", None)

    copying.run()

    assert read == [(pack, TAIL_SIZE)]
    assert TAIL_SIZE >= 3000 * (64 + 6 * 16 + 180)


def test_late_arrivals_add_only_what_is_new(copying: Copying) -> None:
    copying.land(3)
    copying.run()
    copying.land(2, first=4)

    late = copying.run()

    assert late == StudyDeidentified(Tally(stored=2), 3, None)
    assert len(copying.target.state.instances) == 5


def test_frames_are_copied_as_they_are_under_other_ids(copying: Copying) -> None:
    copying.land(3)

    copying.run()

    (source,) = copying.readers(copying.lake.store)
    (target,) = copying.readers()
    for ordinal in range(3):
        (given,), (copied,) = source.frames(ordinal), target.frames(ordinal)
        assert target.frame_bytes(copied) == source.frame_bytes(given)
        assert copied.levels == given.levels
        assert copied.frame_id != given.frame_id
        record = target.footer().instances[ordinal].record
        assert copying.target.state.instances[record.key] == record


def test_a_copy_restores_to_an_object_that_opens_with_the_same_pixels(copying: Copying) -> None:
    copying.land(2)

    copying.run()

    for dataset in copying.objects_restored():
        assert dataset.PixelData == encode(image()).pixels
        assert dataset.file_meta.TransferSyntaxUID == EXPLICIT
        assert dataset.PatientIdentityRemoved == "NO"


def test_json_view_and_index_row_are_of_the_edited_head(copying: Copying) -> None:
    copying.land(1)

    copying.run()

    ((reader, ordinal),) = copying.copies()
    view = json.loads(reader.metadata(ordinal))
    record = reader.instance(ordinal).record
    dataset = pydicom.dcmread(io.BytesIO(restored(reader, ordinal)))
    assert view["00080018"]["Value"] == [record.key.instance_uid] == [dataset.SOPInstanceUID]
    assert view["00100020"]["Value"] == [dataset.PatientID]
    assert "00081030" not in view
    assert record.landed_size == len(restored(reader, ordinal))
    assert record.instance_number == 1


def test_the_copy_is_a_study_like_any_other(copying: Copying) -> None:
    copying.land(3)
    copying.run()
    (study_uid,) = copying.target.state.unfolded

    track_study(CLEAN, study_uid, copying.target, MemoryWorkQueue(), SETTLE, copying.lake.clock, lambda: False)

    study = copying.target.studies.study(study_uid)
    key = min(copying.target.state.instances)
    assert study is not None
    assert study.counts.instances == 3
    assert text_of(study.attributes, "00120062") == "NO"
    assert text_of(study.attributes, "00100020").startswith("DL")
    assert "1.2.3" not in repr(study)
    retrieved = retrieve_frames(key, [1], copying.target)
    assert decode_openjph(retrieved.frames[0]).tobytes() == encode(image()).pixels


def test_what_is_refused_is_counted_with_its_reason_and_nothing_of_its_own(copying: Copying) -> None:
    copying.land(2)
    dataset = image()
    dataset.SOPInstanceUID, dataset.BurnedInAnnotation = "1.2.3.4.99", "YES"
    copying.lake.land("burned.dcm", landed_bytes(dataset))
    copying.lake.pump()

    done, again = copying.run(), copying.run()

    assert done.tally == Tally(stored=2, quarantined=1)
    assert again == StudyDeidentified(Tally(), 3, None)
    (entry,) = [e for e in copying.target.state.ledger.values() if e.outcome is Outcome.QUARANTINED]
    assert entry.reason is Reason.DEID_REFUSED
    assert "Burned In Annotation" in entry.detail
    assert "1.2.3" not in repr(entry)
    assert len(copying.target.state.studies) + len(copying.target.state.unfolded) == 1


def test_a_study_of_which_everything_is_refused_does_not_appear(copying: Copying) -> None:
    dataset = image()
    dataset.SOPInstanceUID, dataset.BurnedInAnnotation = "1.2.3.4.99", "YES"
    copying.lake.land("burned.dcm", landed_bytes(dataset))
    copying.lake.pump()

    done = copying.run()

    assert done.tally == Tally(quarantined=1)
    assert not copying.target.state.unfolded
    assert not copying.events.events
    assert not list(copying.readers())


def test_a_run_that_has_no_time_left_says_where_to_go_on(copying: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_case, "CHUNK", 2)
    copying.land(7)
    stored = []
    done = copying.run(in_time=1)
    stored.append(done.tally.stored)

    while done.rest is not None:
        done = copying.run(done.rest.after, in_time=1)
        stored.append(done.tally.stored)

    assert stored == [4, 3]
    assert len(copying.target.state.instances) == 7


@pytest.mark.parametrize("call", range(1, 16))
def test_a_run_that_dies_anywhere_is_completed_by_the_next(call: int) -> None:
    copying = Copying(call)
    copying.land(3)
    copying.fault.at = call
    with suppress(Crash):
        copying.run()
    copying.fault.at = 0

    done = copying.run()

    assert done.tally.stored + done.decided_before == 3
    assert len(copying.target.state.instances) == 3
    assert sum((row.tally for row in copying.target.state.committed), Tally()) == Tally(stored=3)
    told = [event for event in copying.events.events if isinstance(event, InstancesStored)]
    assert {study for event in told for study in event.studies} == set(copying.target.state.unfolded)


def test_a_study_reads_its_packs_in_few_requests(copying: Copying) -> None:
    copying.land(60)
    reads = Fault()
    store = copying.lake.store
    copying.source = with_ports(store, objects=Watched(store.objects, reads))

    copying.run()

    assert reads.calls <= 4  # size, tail, frames, heads


def test_a_commit_that_loses_every_race_sends_the_command_back(
    copying: Copying, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying.land(2)

    def lose(*_: object) -> None:
        raise LostRaceError("lost")

    monkeypatch.setattr(type(copying.target.instances), "commit", lose)

    with pytest.raises(LostRaceError):
        copying.run()
    assert not copying.target.state.instances


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A mixed batch of the corpus's generator: many character sets, native encodings, identifiers everywhere."""
    script = corpus_file("make_study.py")
    spec = importlib.util.spec_from_file_location("make_study", script)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    directory = tmp_path_factory.mktemp("planted")
    generator.make_mixed(str(directory), patients=8, per_series=2, size=64)
    return directory, json.loads((directory / "truth.json").read_text())


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_no_planted_identifier_survives_in_any_byte_of_the_target(planted: tuple[Path, dict[str, Any]]) -> None:
    directory, truth = planted
    copying = Copying()
    for row in truth["instances"]:
        copying.lake.land(row["path"], (directory / row["path"]).read_bytes())
    copying.lake.pump(batch=500)

    for study in sorted({row["study"] for row in truth["instances"]}):
        copying.run(study=StudyUid(study))

    taken = [
        row for row in truth["instances"] if row["modality"] in ("CT", "MR") and "1.2.5" not in row["transfer_syntax"]
    ]
    tally = sum((row.tally for row in copying.target.state.committed), Tally())
    assert tally == Tally(stored=len(taken), quarantined=len(truth["instances"]) - len(taken))
    assert leaks(everything(copying), truth) == []
    assert {frame for row in taken for frame in row["frames"]} == set(pixel_hashes(copying))


def everything(copying: Copying) -> bytes:
    """Every byte the target holds, unpacked: heads, JSON, footers, keys, index rows, ledger, commit rows, events."""
    parts = [repr(copying.target.state).encode(), repr(copying.events.events).encode()]
    for reader, ordinal in copying.copies():
        parts += [reader.head(ordinal), reader.metadata(ordinal), repr(reader.footer()).encode()]
    parts += [info.key.encode() for info in copying.target.objects.versions().items]
    return b"\n".join(parts)


def leaks(held: bytes, truth: dict[str, Any]) -> list[str]:
    """The planted strings that are found, in UTF-8 and in the character sets that they were written in."""
    strings = {text for phi in truth["phi"].values() for text in phi}
    uids = {row[level] for row in truth["instances"] for level in ("study", "series", "sop")}
    found = []
    for text in strings | uids:
        forms = {text.encode(encoding, "ignore") for encoding in CHARACTER_SETS}
        if any(form in held for form in forms if len(form) > 3 and len(form) >= len(text)):
            found.append(text)
    return found


def pixel_hashes(copying: Copying) -> Iterator[str]:
    for dataset in copying.objects_restored():
        yield hashlib.sha256(dataset.PixelData).hexdigest()

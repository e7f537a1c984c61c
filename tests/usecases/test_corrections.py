"""Corrections: what every reader gets, which versions there are, what may be corrected, and that nothing is lost."""

import gzip
import json
from io import BytesIO
from typing import Any

import pydicom
import pytest

from dicomlake.domain.change import Scope
from dicomlake.domain.errors import InvalidRequestError, StaleError
from dicomlake.domain.image_sets import WorkflowStatus, image_set_id
from dicomlake.domain.model import InstanceKey, InstanceUid, JsonObject, SeriesUid, StudyUid
from dicomlake.domain.search_keys import exact_partition
from dicomlake.lake.pack import PackReader
from dicomlake.usecases.correct_metadata import correct_metadata, revert_metadata
from dicomlake.usecases.delete_instances import Author
from dicomlake.usecases.read_image_sets import image_set_document
from dicomlake.usecases.retrieve_instances import Wish, choose_syntaxes, one_instance, read_instances
from dicomlake.usecases.retrieve_metadata import instance_metadata, series_metadata
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE
from tests.usecases.test_rebuild_index import TimedLake, picture

STUDY, SERIES = StudyUid(f"{ROOT}.1"), SeriesUid(f"{ROOT}.1.1")
KEY = InstanceKey(STUDY, SERIES, InstanceUid(f"{SERIES}.1"))
NAME: JsonObject = {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]}
PATIENT: JsonObject = {"00100010": NAME, "00100020": {"vr": "LO", "Value": ["RIGHT"]}}
AUTHOR = Author("somebody")


@pytest.fixture
def lake() -> TimedLake:
    lake = TimedLake()
    lake.batch(*[(f"n{n}", ct_slice(1, 1, n)) for n in (1, 2)])
    lake.clock.advance(5)
    return lake


def correct(lake: TimedLake, values: JsonObject, scope: Scope | None = None, expected: int | None = None) -> int:
    done = correct_metadata(scope or Scope(STUDY), values, expected, AUTHOR, lake.change_ports())
    assert done.done
    return done.change.number


def shown(lake: TimedLake, version: int | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(series_metadata(STUDY, SERIES, lake.store, version).plain())
    return found


def text(element: Any) -> Any:
    return element["Value"][0]


def test_a_corrected_study_shows_so_at_once_and_from_its_next_object_too(lake: TimedLake) -> None:
    stored = shown(lake)

    number = correct(lake, PATIENT)
    at_once = shown(lake)
    lake.pump()

    assert number == 1
    assert at_once == shown(lake)
    assert [text(one["00100020"]) for one in at_once] == ["RIGHT", "RIGHT"]
    (series,) = lake.store.studies.series(STUDY)
    assert series.has_metadata
    assert stored == shown(lake, 0)


def test_what_stood_there_before_is_an_original_attributes_item(lake: TimedLake) -> None:
    before = shown(lake)[0]

    correct(lake, PATIENT)
    correct(lake, {"00100020": {"vr": "LO", "Value": ["RIGHTER"]}})

    first, second = shown(lake)[0]["04000561"]["Value"]
    assert text(first["04000550"]) == {tag: before[tag] for tag in PATIENT if tag in before}
    assert text(text(second["04000550"])["00100020"]) == "RIGHT"
    assert text(first["04000565"]) == "CORRECT"


def test_searches_find_the_corrected_study_and_no_more_the_other(lake: TimedLake) -> None:
    old = text(lake.store.state.studies[STUDY].attributes["00100020"])

    correct(lake, PATIENT)

    found = {key.partition for key, uid in lake.store.state.search if uid == STUDY}
    assert exact_partition("patient", "RIGHT") in found
    assert exact_partition("patient", old) not in found


def test_a_file_that_is_sent_says_what_its_metadata_say_and_the_head_stays(lake: TimedLake) -> None:
    correct(lake, {**PATIENT, "00081030": None})

    chosen = choose_syntaxes(one_instance(KEY, lake.store), [Wish("")])
    ((_, parts),) = read_instances(chosen, lake.store)
    file = pydicom.dcmread(BytesIO(b"".join(bytes(part) for part in parts)))

    assert str(file.PatientName.ideographic) == "山田^太郎"
    assert (file.PatientID, file.SOPInstanceUID) == ("RIGHT", KEY.instance_uid)
    assert file.OriginalAttributesSequence[0].ReasonForTheAttributeModification == "CORRECT"
    (pointer,) = [one.pointer for key, one in lake.store.state.instances.items() if key == KEY]
    objects = lake.store.objects
    size = objects.info(pointer.pack).size
    reader = PackReader(lambda start, length: objects.read_range(pointer.pack, start, length), size, pointer.pack)
    assert b"RIGHT" not in reader.head(pointer.ordinal)


def test_an_instance_is_corrected_by_itself(lake: TimedLake) -> None:
    values: JsonObject = {"00200013": {"vr": "IS", "Value": [77]}, "00204000": {"vr": "LT", "Value": ["blurred"]}}

    correct(lake, values, Scope(STUDY, SERIES, KEY.instance_uid))

    record = lake.store.instances.instance(KEY)
    assert record is not None
    assert (record.instance_number, text(record.attributes["00200013"])) == (77, 77)
    (one,) = json.loads(instance_metadata(KEY, lake.store).plain())
    assert text(one["00204000"]) == "blurred"
    assert "00204000" not in shown(lake)[0]


def test_going_back_is_a_version_of_its_own_and_puts_searches_back(lake: TimedLake) -> None:
    before = picture(lake)["found by"], shown(lake)
    correct(lake, PATIENT)
    correct(lake, {"00081030": {"vr": "LO", "Value": ["Chest"]}})

    done = revert_metadata(Scope(STUDY), 0, None, AUTHOR, lake.change_ports())
    lake.pump()

    assert done.change.number == 3
    assert (picture(lake)["found by"], shown(lake)) == before
    assert text(shown(lake, 2)[0]["00100020"]) == "RIGHT"


def test_a_version_that_is_not_the_newest_is_not_corrected(lake: TimedLake) -> None:
    correct(lake, PATIENT, expected=0)

    with pytest.raises(StaleError):
        correct(lake, PATIENT, expected=0)

    assert len(lake.store.changes.history(STUDY)) == 1
    assert not lake.store.state.under_way


@pytest.mark.parametrize(
    ("tag", "scope"),
    [
        ("0020000D", Scope(STUDY)),
        ("00080018", Scope(STUDY, SERIES, KEY.instance_uid)),
        ("00280010", Scope(STUDY, SERIES, KEY.instance_uid)),
        ("7FE00010", Scope(STUDY, SERIES, KEY.instance_uid)),
        ("00100020", Scope(STUDY, SERIES)),
        ("00200013", Scope(STUDY)),
        ("00090010", Scope(STUDY)),
    ],
)
def test_identities_pixels_and_other_levels_elements_are_not_corrected(lake: TimedLake, tag: str, scope: Scope) -> None:
    with pytest.raises(InvalidRequestError):
        correct(lake, {tag: {"vr": "LO", "Value": ["x"]}}, scope)


@pytest.mark.parametrize("call", range(1, 26))
def test_a_correction_that_dies_before_any_call_is_whole_or_not_there(lake: TimedLake, call: int) -> None:
    with lake.dying_at(call):
        lake.change(lambda ports: correct_metadata(Scope(STUDY), PATIENT, None, AUTHOR, ports))
    lake.pump()

    corrected = len(lake.store.changes.history(STUDY))
    assert [text(one["00100020"]) == "RIGHT" for one in shown(lake)] == [bool(corrected)] * 2
    found = {key.partition for key, uid in lake.store.state.search if uid == STUDY}
    assert (exact_partition("patient", "RIGHT") in found) == bool(corrected)
    assert not lake.store.state.under_way


def test_a_rebuilt_lake_shows_the_same_corrections(lake: TimedLake) -> None:
    correct(lake, PATIENT)
    correct(lake, {"00200013": {"vr": "IS", "Value": [77]}}, Scope(STUDY, SERIES, KEY.instance_uid))
    correct(lake, {"0008103E": {"vr": "LO", "Value": ["axial"]}}, Scope(STUDY, SERIES))
    lake.batch(("late", ct_slice(1, 1, 3)))
    before = picture(lake), shown(lake)

    lake.lose_index()
    lake.recover()

    after = picture(lake), shown(lake)
    assert [name for name in after[0] if after[0][name] != before[0][name]] == []
    assert after == before


@pytest.mark.parametrize("back", ["undone", "sent again"])
def test_what_comes_back_after_a_deletion_is_under_the_corrections_that_stand(lake: TimedLake, back: str) -> None:
    correct(lake, PATIENT)
    lake.delete(STUDY)
    lake.pump()
    lake.clock.advance(5)

    if back == "undone":
        lake.undo(STUDY, 2)
    else:
        lake.land("again", ct_slice(1, 1, 1))
    lake.pump()

    assert text(lake.store.state.studies[STUDY].attributes["00100020"]) == "RIGHT"
    assert {text(one["00100020"]) for one in shown(lake)} == {"RIGHT"}


def test_a_correction_is_a_version_of_the_image_set_and_the_one_before_is_as_it_was(lake: TimedLake) -> None:
    name = image_set_id(lake.secret, DATASTORE, STUDY, SERIES)
    before = document(lake, name, None)

    correct(lake, PATIENT)
    lake.pump()

    made = lake.store.image_sets.image_set(name)
    assert made is not None
    assert (made.version, made.workflow, made.corrected) == (2, WorkflowStatus.UPDATED, 1)
    assert document(lake, name, 2)["Patient"]["DICOM"]["PatientID"] == "RIGHT"
    assert document(lake, name, 1) == before


def document(lake: TimedLake, name: str, version: int | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(image_set_document(name, version, DATASTORE, lake.store)))
    return found

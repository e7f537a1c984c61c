"""Metadata comes from the pre-built object where it is whole, else from the packs; frames by few ranged reads."""

import json
from typing import Any

import pytest

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.errors import InvalidRequestError, NotFoundError, TooLargeError
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid
from dicomlake.ports import Datastore
from dicomlake.usecases import retrieve_frames as frames_module
from dicomlake.usecases import retrieve_metadata as metadata_module
from dicomlake.usecases.retrieve_frames import retrieve_frames
from dicomlake.usecases.retrieve_metadata import instance_metadata, series_metadata, study_metadata
from tests.builders import with_ports
from tests.usecases.stored_lake import StoredLake

STUDY = StudyUid("1.2.1")
SERIES = SeriesUid("1.2.1.1")


def key(instance: str, series: str = SERIES) -> InstanceKey:
    return InstanceKey(STUDY, SeriesUid(series), InstanceUid(instance))


def numbers(body: bytes) -> list[int]:
    return [one["00200013"]["Value"][0] for one in json.loads(body)]


class CountedObjects(MemoryObjectStore):
    """The memory adapter, remembering every ranged read."""

    def __init__(self, held: MemoryObjectStore) -> None:
        super().__init__(held._bucket, held._buckets)
        self.reads: list[tuple[int, int]] = []

    def read_range(self, key: str, start: int, length: int, version_id: str = "") -> bytes:
        self.reads.append((start, length))
        return super().read_range(key, start, length, version_id)


def counted(lake: StoredLake) -> tuple[Datastore, CountedObjects]:
    held: Any = lake.datastore
    objects = CountedObjects(held.objects)
    return with_ports(held, objects=objects), objects


def test_a_settled_series_is_answered_by_its_pre_built_object_as_it_lies() -> None:
    lake = StoredLake()
    records = lake.add(STUDY, SERIES, [[b"a"], [b"b"]])
    array = lake.finalise(STUDY, SERIES, records)
    store, objects = counted(lake)

    found = series_metadata(STUDY, SERIES, store)

    assert found.gzipped
    assert found.plain() == array
    assert len(objects.reads) == 1


def test_a_series_that_grew_since_is_answered_from_the_packs_in_display_order() -> None:
    lake = StoredLake()
    records = lake.add(STUDY, SERIES, [[b"c"], [b"d"]], first=3)
    lake.finalise(STUDY, SERIES, records)
    lake.add(STUDY, SERIES, [[b"a"], [b"b"]], first=1)

    found = series_metadata(STUDY, SERIES, lake.datastore)

    assert not found.gzipped
    assert numbers(found.plain()) == [1, 2, 3, 4]


def test_a_pre_built_object_that_is_gone_is_no_error() -> None:
    lake = StoredLake()
    records = lake.add(STUDY, SERIES, [[b"a"], [b"b"]])
    lake.finalise(STUDY, SERIES, records)
    series = lake.datastore.studies.series(STUDY)[0]
    lake.datastore.objects.delete([series.metadata_key])

    assert numbers(series_metadata(STUDY, SERIES, lake.datastore).plain()) == [1, 2]


def test_metadata_over_the_limits_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = StoredLake()
    records = lake.add(STUDY, SERIES, [[b"a"], [b"b"]])
    lake.add(STUDY, "1.2.1.2")
    lake.finalise(STUDY, SERIES, records)
    store, objects = counted(lake)

    monkeypatch.setattr(metadata_module, "MAX_RAW", 100)
    with pytest.raises(TooLargeError, match="series by series"):
        study_metadata(STUDY, store)
    monkeypatch.setattr(metadata_module, "MAX_PACKED", 50)
    with pytest.raises(TooLargeError, match="by instance"):
        series_metadata(STUDY, SERIES, store)

    assert objects.reads[-1][1] == 51


def test_a_study_is_answered_series_by_series_whether_settled_or_not() -> None:
    lake = StoredLake()
    lake.finalise(STUDY, SERIES, lake.add(STUDY, SERIES, [[b"a"], [b"b"]]))
    lake.add(STUDY, "1.2.1.2", [[b"c"]])

    found = json.loads(study_metadata(STUDY, lake.datastore).plain())

    assert [one["00080018"]["Value"][0] for one in found] == ["1.2.1.1.1", "1.2.1.1.2", "1.2.1.2.1"]


def test_one_instance_is_answered_from_its_pack() -> None:
    lake = StoredLake()
    lake.add(STUDY, SERIES, [[b"a"], [b"b"]])

    found = json.loads(instance_metadata(key("1.2.1.1.2"), lake.datastore).plain())

    assert [one["00080018"]["Value"] for one in found] == [["1.2.1.1.2"]]


def test_what_is_not_stored_is_not_found() -> None:
    lake = StoredLake()
    lake.add(STUDY, SERIES)

    for ask in (
        lambda: study_metadata(StudyUid("9.9"), lake.datastore),
        lambda: series_metadata(STUDY, SeriesUid("9.9"), lake.datastore),
        lambda: instance_metadata(key("9.9"), lake.datastore),
        lambda: retrieve_frames(key("9.9"), [1], lake.datastore),
        lambda: retrieve_frames(key("1.2.1.1.1"), [2], lake.datastore),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_the_only_frame_is_one_ranged_read() -> None:
    lake = StoredLake()
    lake.add(STUDY, SERIES, [[b"a" * 100], [b"b" * 100]])
    store, objects = counted(lake)

    found = retrieve_frames(key("1.2.1.1.2"), [1], store)

    assert found.frames == (b"b" * 100,)
    assert len(objects.reads) == 1


def test_neighbouring_frames_are_two_ranged_reads_in_any_order() -> None:
    lake = StoredLake()
    lake.add(STUDY, SERIES, [[b"frame %d" % number for number in range(200)]])
    store, objects = counted(lake)

    found = retrieve_frames(key("1.2.1.1.1"), [150, 3, 77], store)

    assert found.frames == (b"frame 149", b"frame 2", b"frame 76")
    assert len(objects.reads) == 2


def test_frames_far_apart_are_not_read_with_what_lies_between() -> None:
    lake = StoredLake()
    lake.add(STUDY, SERIES, [[b"%d" % (number % 10) * 200_000 for number in range(12)]])
    store, objects = counted(lake)

    found = retrieve_frames(key("1.2.1.1.1"), [1, 12], store)

    assert [frame[:1] for frame in found.frames] == [b"0", b"1"]
    assert sum(length for _, length in objects.reads) < 500_000


def test_more_than_one_answer_carries_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_module, "MAX_ANSWER", 1000)
    lake = StoredLake()
    lake.add(STUDY, SERIES, [[b"a" * 600, b"b" * 600]])
    store, objects = counted(lake)

    with pytest.raises(TooLargeError, match="restore"):
        retrieve_frames(key("1.2.1.1.1"), [1, 2], store)

    assert sum(length for _, length in objects.reads) < 600


def test_a_frame_asked_for_twice_is_refused() -> None:
    lake = StoredLake()
    lake.add(STUDY, SERIES, [[b"a", b"b"]])

    with pytest.raises(InvalidRequestError):
        retrieve_frames(key("1.2.1.1.1"), [1, 1], lake.datastore)

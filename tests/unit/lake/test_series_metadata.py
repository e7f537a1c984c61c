"""A series' metadata is one gzip file for everyone, and groups for those who want a part."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.errors import MalformedError
from dicomlake.lake import series_metadata
from dicomlake.lake.series_metadata import (
    GROUP_SIZE,
    INDEX_LIMIT,
    build_series_metadata,
    read_group,
    read_series_index,
    read_series_metadata,
)


def instance(number: int, size: int = 20) -> bytes:
    """An instance's DICOM JSON of about this size."""
    return json.dumps({"00200013": {"vr": "IS", "Value": [number]}, "x": "y" * size}).encode()


SERIES = [instance(at, 30_000) for at in range(40)]
DATA = build_series_metadata(SERIES)


@given(st.lists(st.integers(0, 2000), max_size=20))
def test_every_gzip_reader_gives_the_whole_array(sizes: list[int]) -> None:
    instances = [instance(at, size) for at, size in enumerate(sizes)]

    data = build_series_metadata(instances)

    expected = b"[" + b",".join(instances) + b"]"
    assert gzip.decompress(data) == zlib.decompress(data, zlib.MAX_WBITS | 16) == read_series_metadata(data) == expected
    assert read_series_index(data).count == len(instances)


def test_any_instance_is_read_from_its_group_alone() -> None:
    index = read_series_index(DATA[:INDEX_LIMIT])

    assert index.count == 40
    assert len(index.groups) == 5
    for position in range(40):
        group = index.group_of(position)
        members = json.loads(read_group(DATA[group.place.offset : group.place.end], group))
        assert members[position - group.first] == json.loads(SERIES[position])


def test_groups_are_bounded() -> None:
    assert all(group.raw_length <= GROUP_SIZE + 30_100 for group in read_series_index(DATA).groups)


def test_position_behind_the_last_does_not_exist() -> None:
    with pytest.raises(IndexError):
        read_series_index(DATA).group_of(40)


def test_groups_grow_so_that_the_index_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_metadata, "GROUP_SIZE", 50)
    instances = [instance(at % 10, 0) for at in range(40_000)]

    data = build_series_metadata(instances)

    groups = read_series_index(data[:INDEX_LIMIT]).groups
    assert len(groups) < 5460
    assert groups[-1].count > 4 * groups[0].count
    assert len(json.loads(gzip.decompress(data))) == 40_000


def test_same_instances_give_the_same_bytes() -> None:
    assert build_series_metadata(iter(SERIES)) == DATA


def test_damaged_object_is_malformed() -> None:
    for at in (0, 700, len(DATA) - 6, len(DATA) - 2):
        damaged = bytearray(DATA)
        damaged[at] ^= 0xFF
        with pytest.raises(MalformedError):
            read_series_metadata(bytes(damaged))
    for size in (0, 10, 500, len(DATA) - 1):
        with pytest.raises(MalformedError):
            read_series_metadata(DATA[:size])


def test_damaged_or_cut_group_is_malformed() -> None:
    group = read_series_index(DATA).groups[1]
    packed = DATA[group.place.offset : group.place.end]

    for damaged in (packed[:-1], packed[:20], b"", b"\xff" + packed[1:]):
        with pytest.raises(MalformedError):
            read_group(damaged, group)


@pytest.mark.parametrize("start", [b"", DATA[:19], DATA[:30], gzip.compress(b"[]", mtime=0), b"x" * 100])
def test_what_is_no_index_is_malformed(start: bytes) -> None:
    with pytest.raises(MalformedError):
        read_series_index(start)

"""Keys of the lake's bucket: spread, dated, telling nothing."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from dicomlake.lake.paths import (
    is_gathered,
    journal_key,
    pack_key,
    pack_prefixes,
    parse_pack_key,
    series_metadata_key,
    series_pack_key,
)

DAY = date(2026, 1, 9)
ID = "c3" + "0" * 30
REF = "7e" + "1" * 30


def test_pack_is_found_by_shard_and_day() -> None:
    key = pack_key(DAY, ID)

    assert key == f"packs/c3/2026-01-09/{ID}.pack"
    assert parse_pack_key(key) == (DAY, ID)
    assert sum(key.startswith(prefix) for prefix in pack_prefixes(DAY)) == 1
    assert not any(key.startswith(prefix) for prefix in pack_prefixes(date(2026, 1, 10)))


def test_a_pack_that_was_gathered_says_so_and_lies_where_every_pack_does() -> None:
    key = series_pack_key(DAY, ID)

    assert key == f"packs/c3/2026-01-09/{ID}-series.pack"
    assert parse_pack_key(key) == (DAY, ID)
    assert (is_gathered(key), is_gathered(pack_key(DAY, ID))) == (True, False)
    assert sum(key.startswith(prefix) for prefix in pack_prefixes(DAY)) == 1


@pytest.mark.parametrize(
    "key",
    ["", f"packs/c4/2026-01-09/{ID}.pack", f"packs/c3/2026-13-09/{ID}.pack", f"packs/c3/2026-01-09/{ID}.pack.tmp",
     f"series/c3/2026-01-09/{ID}.pack", "packs/c3/2026-01-09/c3.pack"],
)  # fmt: skip
def test_other_keys_are_no_packs(key: str) -> None:
    with pytest.raises(ValueError, match=r"pack|month"):
        parse_pack_key(key)


def test_series_metadata_lies_under_its_series() -> None:
    assert series_metadata_key(REF, ID) == f"series/7e/{REF}/{ID}.json.gz"


def test_journal_sorts_by_time_whatever_the_zone() -> None:
    noon = datetime(2026, 1, 9, 12, 0, 0, 5, tzinfo=UTC)
    tokyo = timezone(timedelta(hours=9))

    keys = [journal_key(noon + timedelta(minutes=at), ID) for at in range(0, 3000, 7)]

    assert keys == sorted(keys)
    assert keys[0] == f"journal/2026/01/09/120000.000005-{ID}.jsonl"
    assert journal_key(noon.astimezone(tokyo), ID) == keys[0]


@pytest.mark.parametrize(
    "name", ["", "1.2.840.10008", "YAMADA^TARO", "ABCDEF0123456789", "a" * 65, "a" * 15, ID + "\n"]
)
def test_names_that_could_tell_something_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        pack_key(DAY, name)
    with pytest.raises(ValueError, match="hex digits"):
        series_metadata_key(name, ID)
    with pytest.raises(ValueError, match="hex digits"):
        series_metadata_key(REF, name)


def test_journal_time_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        journal_key(datetime(2026, 1, 9), ID)

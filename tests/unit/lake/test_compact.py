"""Compaction: what a plan says, and that a series reads the same before, between and after."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import InstanceRecord, PackPointer, Splice, Visibility
from dicomlake.lake import copying
from dicomlake.lake.compact import FULL_SIZE, Copy, carry_out, moves, plan_purge, plan_series
from dicomlake.lake.layout import Span
from dicomlake.lake.pack import PackReader, PackSource, PackSummary, PackWriter, copy_instance
from tests.unit.lake.packs import Given, Ranges, framed, packed, reading, record


def held(instance: str, pack: str, ordinal: int, size: int = 1000, series: str = "1.2.3") -> InstanceRecord:
    """A record that lies in a pack."""
    return replace(record(instance, series=series), pointer=PackPointer(pack, ordinal), stored_size=size)


def test_series_in_one_pack_is_left_alone() -> None:
    assert plan_series([held("1.1", "a", 0), held("1.2", "a", 7)]) == ()
    assert plan_series([]) == ()


def test_series_in_several_packs_is_gathered() -> None:
    records = [held("1.1", "b", 4), held("1.2", "a", 9), held("1.3", "a", 2)]

    assert plan_series(records) == (Copy("a", (2, 9)), Copy("b", (4,)))


def test_deleted_instances_are_not_copied() -> None:
    gone = replace(held("1.1", "b", 4), visibility=Visibility.DELETED)

    assert plan_series([gone, held("1.2", "a", 9), held("1.3", "c", 2)]) == (Copy("a", (9,)), Copy("c", (2,)))
    assert plan_series([gone, held("1.2", "a", 9)]) == ()


def test_kept_but_not_primary_instances_are_copied() -> None:
    second = replace(held("1.1", "b", 4), visibility=Visibility.NON_PRIMARY)

    assert plan_series([second, held("1.1", "a", 0)]) == (Copy("a", (0,)), Copy("b", (4,)))


def test_full_pack_is_not_rewritten_for_a_late_image() -> None:
    full, late = held("1.1", "a", 0, FULL_SIZE), held("1.2", "b", 0)

    assert plan_series([full, late]) == ()
    assert plan_series([full, late, held("1.3", "c", 0)]) == (Copy("b", (0,)), Copy("c", (0,)))


def test_a_gathered_pack_is_copied_again_only_with_as_much_beside_it() -> None:
    gathered = [held(f"1.{n}", "a-series.pack", n) for n in range(5)]
    late = [held(f"2.{n}", f"b{n}", 0) for n in range(5)]

    assert plan_series([*gathered, late[0]]) == ()
    assert plan_series([*gathered, *late[:2]]) == (Copy("b0", (0,)), Copy("b1", (0,)))
    assert {copy.pack for copy in plan_series([*gathered, *late])} == {"a-series.pack", "b0", "b1", "b2", "b3", "b4"}


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_series_that_grows_is_copied_a_few_times_and_lies_in_a_few_packs(generations: list[int]) -> None:
    places: dict[str, str] = {}
    copied = 0

    for generation, count in enumerate(generations):
        places |= {f"{generation}.{n}": f"pack-{generation}-{n}" for n in range(count)}
        plan = plan_series([held(uid, pack, at) for at, (uid, pack) in enumerate(places.items())])
        gathered = {copy.pack for copy in plan}
        copied += sum(len(copy.ordinals) for copy in plan)
        places = {uid: f"{generation}-series.pack" if pack in gathered else pack for uid, pack in places.items()}

    doublings = len(places).bit_length() + 1
    assert copied <= len(places) * doublings
    assert len({pack for pack in places.values() if pack.endswith("-series.pack")}) <= doublings


def test_plan_is_for_one_series() -> None:
    with pytest.raises(ValueError, match="one series"):
        plan_series([held("1.1", "a", 0), held("1.2", "b", 0, series="1.2.4")])


def test_purge_empties_the_packs_it_is_given() -> None:
    records = [held("1.1", "a", 0, FULL_SIZE), held("1.2", "b", 3)]

    assert plan_purge(records, frozenset("a")) == (Copy("a", (0,)),)
    assert plan_purge(records, frozenset("x")) == ()


PLACES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["8", "9"])), min_size=1, max_size=9)


def lake(places: list[tuple[str, str]]) -> tuple[dict[str, bytes], list[InstanceRecord], dict[str, Given]]:
    """Packs `a`, `b`, `c` in which instances of two series lie as drawn."""
    given_by_uid = {f"1.{at}": _given(f"1.{at}", series, at) for at, (_, series) in enumerate(places)}
    packs: dict[str, bytes] = {}
    records: list[InstanceRecord] = []
    for name in sorted({pack for pack, _ in places}):
        members = [given_by_uid[f"1.{at}"] for at, (pack, _) in enumerate(places) if pack == name]
        packs[name], summary = packed(*members, key=name)
        records += summary.records
    return packs, records, given_by_uid


def _given(uid: str, series: str, at: int) -> Given:
    frames = framed(*[bytes([at, frame]) * (at + frame + 1) for frame in range(at % 3)])
    splices = tuple(Splice(3, frame, 0, 2) for frame in range(at % 3))
    numbered = record(uid, series=series, frames=len(frames), number=99 - at)
    apart = replace(numbered, ledger=replace(numbered.ledger, object_hash=f"{at:032x}"))
    return Given(apart, frames, b"head" + bytes([at]), b'{"at":%d}' % at, splices, {"s": series}, {"t": series})


def compact(packs: dict[str, bytes], copies: tuple[Copy, ...], taking: bool = False) -> PackSummary:
    """Carry a plan out into pack `new`; `taking` lets the store copy what it can."""
    out = bytearray()
    writer = PackWriter(out.extend, "new")

    def take(pack: str, run: Span) -> None:
        out.extend(packs[pack][run.offset : run.end])

    opened = ((reading(packs[copy.pack], copy.pack), copy.ordinals) for copy in copies)
    carry_out([PackSource(*one, take if taking else None) for one in opened], writer)
    summary = writer.close()
    packs["new"] = bytes(out)
    return summary


def everything(packs: dict[str, bytes], one: InstanceRecord) -> object:
    """All that a pack gives of an instance, but for where it lies."""
    reader, at = reading(packs[one.pointer.pack], one.pointer.pack), one.pointer.ordinal
    frames = list(reader.frames(at))
    pixels = [reader.frame_bytes(frame) for frame in frames]
    record = replace(reader.instance(at).record, pointer=PackPointer("", 0))
    places = [replace(frame, offset=0) for frame in frames]
    return record, reader.head(at), reader.metadata(at), list(reader.splices(at)), places, pixels


@pytest.fixture(params=[1, 40, 10**9], ids=["every run", "some runs", "no run"])
def least(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """From how many bytes on neighbouring frames are taken over."""
    monkeypatch.setattr(copying, "TAKEN", request.param)
    return int(request.param)


function_scoped = [HealthCheck.function_scoped_fixture]


@pytest.mark.usefixtures("least")
@given(PLACES)
@settings(max_examples=40, deadline=None, suppress_health_check=function_scoped)
def test_frames_that_the_store_copies_read_as_those_that_are_read(places: list[tuple[str, str]]) -> None:
    packs, records, _ = lake(places)
    series = [one for one in records if one.key.series_uid == "8"]

    read = [everything(packs, one) for one in compact(packs, plan_series(series)).records]
    size = len(packs["new"])
    taken = [everything(packs, one) for one in compact(packs, plan_series(series), taking=True).records]

    assert taken == read
    assert abs(len(packs["new"]) - size) < 16  # deflate packs other offsets to other lengths


def test_what_lies_between_frames_that_are_taken_over_is_not_taken_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "TAKEN", 1)
    packs = {"a": packed(*[Given(record(f"1.{at}", frames=1), framed(bytes([65 + at]) * 900)) for at in range(4)])[0]}

    compact(packs, (Copy("a", (0, 2, 3)),), taking=True)

    assert b"B" * 900 in packs["a"]
    assert b"B" * 900 not in packs["new"]
    assert packs["new"].count(b"A" * 900 + b"C" * 900 + b"D" * 900) == 1


def test_taken_frames_that_lie_outside_what_was_taken_are_refused() -> None:
    writer = PackWriter(bytearray().extend, "new")
    ((_, one),) = framed(b"x" * 100)

    shift = writer.take_run(Span(500, 99), lambda run: None)
    writer.begin_taken_instance(500 + shift)

    with pytest.raises(ValueError, match="outside"):
        writer.add_taken_frame(one)


@given(PLACES, st.data())
@settings(max_examples=40, deadline=None)
def test_any_mixture_of_old_and_new_places_reads_the_same(places: list[tuple[str, str]], data: st.DataObject) -> None:
    packs, records, _ = lake(places)
    series = [one for one in records if one.key.series_uid == "8"]
    before = [everything(packs, one) for one in series]

    done = moves(series, compact(packs, plan_series(series)).records)
    places_after = {move.record.key: move.to for move in done}
    switched = data.draw(st.sets(st.sampled_from(sorted(places_after)))) if places_after else set()
    mixture = [replace(one, pointer=places_after[one.key]) if one.key in switched else one for one in series]

    assert [everything(packs, one) for one in mixture] == before


@given(PLACES)
@settings(max_examples=40, deadline=None)
def test_compacting_twice_is_compacting_once(places: list[tuple[str, str]]) -> None:
    packs, records, _ = lake(places)
    series = [one for one in records if one.key.series_uid == "8"]
    plan = plan_series(series)

    done = {move.record.key: move.to for move in moves(series, compact(packs, plan).records)}
    after = [replace(one, pointer=done.get(one.key, one.pointer)) for one in series]

    assert plan_series(after) == ()
    assert set(done) == ({one.key for one in series} if plan else set())


@given(PLACES)
@settings(max_examples=20, deadline=None)
def test_copy_of_a_copy_equals_the_copy(places: list[tuple[str, str]]) -> None:
    packs, _, _ = lake(places)
    first = copy_all(packs["a" if "a" in packs else next(iter(packs))])

    assert copy_all(first) == first


def copy_all(data: bytes) -> bytes:
    """A pack with every instance of another, copied one by one."""
    out = bytearray()
    writer, reader = PackWriter(out.extend, "pack"), reading(data)
    for ordinal in range(len(reader.footer().instances)):
        copy_instance(reader, ordinal, writer)
    writer.close()
    return bytes(out)


def test_neighbours_are_read_together() -> None:
    members = [Given(record(f"1.{at:03}", frames=1), framed(bytes([at]) * 2000)) for at in range(100)]
    data, _ = packed(*members)
    ranges = Ranges(data)
    writer = PackWriter(bytearray().extend, "new")

    source = PackSource(PackReader(ranges, len(data)), range(0, 100, 2))
    source.read_ahead()
    carry_out([source], writer)

    assert writer.instance_count == 50
    assert len(ranges.asked) <= 2


def test_frames_are_read_in_bounded_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "WINDOW", 1000)
    streams = [bytes(at * step % 256 for step in range(777)) for at in range(1, 21)]
    data, _ = packed(Given(record("1.1", frames=20), framed(*streams)))
    ranges, out = Ranges(data), bytearray()
    writer = PackWriter(out.extend, "new")

    copying.copy_instance(PackReader(ranges, len(data), tail_size=48), 0, writer)
    writer.close()

    copied = reading(bytes(out))
    assert [copied.frame_bytes(frame) for frame in copied.frames(0)] == streams
    frame_reads = [length for offset, length in ranges.asked if offset < 16 + 777 * 20]
    assert max(frame_reads) == 1000
    assert len(frame_reads) == 16


def test_far_apart_spans_are_read_apart() -> None:
    spans = [Span(0, 10), Span(15, 10), Span(100, 5), Span(102, 1)]

    assert copying.coalesce(spans, gap=5) == [Span(0, 25), Span(100, 5)]
    assert copying.coalesce([], gap=5) == []


def test_table_that_contradicts_the_footer_is_malformed() -> None:
    reader = reading(packed(Given(record("1.1", frames=1), framed(b"abc")))[0])
    source = copying._Forward(reader, [Span(16, 1)])

    with pytest.raises(MalformedError, match="do not agree"):
        list(source.parts(Span(17, 3)))

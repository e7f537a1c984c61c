"""What goes into a pack comes out of it, by as few reads as promised."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.domain.model import Frame, Splice
from dicomlake.lake.blocks import BLOCK_SIZE, HELD_LIMIT, KEPT_BLOCKS
from dicomlake.lake.pack import PackReader, PackWriter, frame_record_range, parse_frame_record
from dicomlake.lake.writer import HOLD_LIMIT
from tests.unit.lake.packs import Given, Ranges, add, finish, frame, framed, packed, reading, record

CODE_STREAMS = st.lists(st.binary(min_size=1, max_size=50), max_size=4)


@st.composite
def instances(draw: st.DrawFn) -> list[Given]:
    """Instances of up to two studies with two series each, in any order."""
    uids = draw(st.lists(st.integers(1, 999), unique=True, max_size=6))
    return [draw(instance(f"1.2.3.{uid}")) for uid in uids]


@st.composite
def instance(draw: st.DrawFn, uid: str) -> Given:
    """One instance with few frames and small values."""
    frames = framed(*draw(CODE_STREAMS))
    study, series = draw(st.sampled_from(["1", "2"])), draw(st.sampled_from(["8", "9"]))
    number = draw(st.none() | st.integers(-5, 5))
    splices = draw(st.lists(st.builds(Splice, *[st.integers(0, 9)] * 4), max_size=5))
    head, metadata = draw(st.binary(max_size=300)), draw(st.binary(max_size=300))
    return Given(record(uid, study, f"{study}.{series}", len(frames), number), frames, head, metadata, tuple(splices))


@given(instances())
@settings(max_examples=60, deadline=None)
def test_what_goes_in_comes_out(given_instances: list[Given]) -> None:
    data, summary = packed(*given_instances)

    reader = reading(data)
    found = {one.record.key: one.record.pointer.ordinal for one in reader.footer().instances}

    assert tuple(one.record for one in reader.footer().instances) == summary.records
    assert summary.size == len(data)
    assert set(found) == {given.record.key for given in given_instances}
    for given_one in given_instances:
        assert_holds(reader, found[given_one.record.key], given_one)


def assert_holds(reader: PackReader, ordinal: int, expected: Given) -> None:
    """Compare everything a pack gives back of an instance with what went in."""
    held = reader.instance(ordinal).record
    assert replace(held, pointer=expected.record.pointer) == expected.record
    assert reader.head(ordinal) == expected.head
    assert reader.metadata(ordinal) == expected.metadata
    assert tuple(reader.splices(ordinal)) == expected.splices
    frames = list(reader.frames(ordinal))
    assert [replace(one, offset=0) for one in frames] == [one for _, one in expected.frames]
    assert [reader.frame_bytes(one) for one in frames] == [stream for stream, _ in expected.frames]
    assert [reader.frame(ordinal, at) for at in range(len(frames))] == frames


@given(instances())
@settings(max_examples=20, deadline=None)
def test_same_instances_give_the_same_bytes(given_instances: list[Given]) -> None:
    first, _ = packed(*given_instances)

    second, _ = packed(*given_instances)

    assert first == second


def test_instances_are_in_display_order_whatever_the_order_they_came_in() -> None:
    numbers = [3, None, 1, 2]
    given_instances = [Given(record(f"1.2.{at}", number=number)) for at, number in enumerate(numbers)]

    _, summary = packed(*given_instances)

    assert [one.instance_number for one in summary.records] == [1, 2, 3, None]
    assert [one.pointer.ordinal for one in summary.records] == [0, 1, 2, 3]


def test_instances_of_a_footer_are_a_sequence() -> None:
    data, summary = packed(*[Given(record(f"1.{at}")) for at in range(5)])

    instances = reading(data).footer().instances

    assert [one.record for one in instances[1:4]] == list(summary.records[1:4])
    assert instances[-1].record == summary.records[4]
    with pytest.raises(IndexError):
        instances[5]


def test_single_frame_needs_no_read_before_its_pixels() -> None:
    data, summary = packed(Given(record("1.1"), head=b"x"), Given(record("1.2", frames=1), framed(b"pixels")))

    offset, length = summary.records[1].pointer.first_frame

    assert data[offset : offset + length] == b"pixels"
    assert summary.records[0].pointer.first_frame == (0, 0)


def test_frame_is_found_from_the_pointer_alone() -> None:
    streams = [bytes([at]) * (at + 1) for at in range(9)]
    data, summary = packed(Given(record("1.1", frames=9), framed(*streams)))

    span = frame_record_range(summary.records[0].pointer, 6)
    found = parse_frame_record(data[span.offset : span.end])

    assert data[found.offset : found.offset + found.length] == streams[6]


def test_small_pack_is_listed_and_described_in_one_read() -> None:
    data, _ = packed(*[Given(record(f"1.{at}", frames=1), framed(bytes(900)), bytes(600)) for at in range(40)])
    ranges = Ranges(data)

    reader = PackReader(ranges, len(data))
    for ordinal in range(40):
        reader.head(ordinal), reader.metadata(ordinal), reader.frame(ordinal, 0)

    assert len(ranges.asked) == 1


def test_head_of_a_large_pack_costs_one_bounded_read() -> None:
    noise = [bytes((at * step) % 251 for step in range(9000)) for at in range(1, 121)]
    data, _ = packed(*[Given(record(f"1.{at}"), head=head) for at, head in enumerate(noise)])
    ranges = Ranges(data)
    reader = PackReader(ranges, len(data), tail_size=48)
    reader.footer()
    before = len(ranges.asked)

    ordinal = next(
        one.record.pointer.ordinal for one in reader.footer().instances if one.record.key.instance_uid == "1.70"
    )
    head = reader.head(ordinal)

    assert head == noise[70]
    assert len(ranges.asked) == before + 1
    assert ranges.asked[-1][1] <= BLOCK_SIZE


def test_neighbours_read_in_any_order_cost_one_read_a_block() -> None:
    noise = [bytes((at * step) % 251 for step in range(9000)) for at in range(1, 121)]
    data, _ = packed(*[Given(record(f"1.{at}"), metadata=text) for at, text in enumerate(noise)])
    ranges = Ranges(data)
    reader = PackReader(ranges, len(data), tail_size=48)
    blocks = len(reader.footer().metadata)
    ranges.asked.clear()

    found = {reader.metadata(ordinal * 49 % 120) for ordinal in range(120)}

    assert found == set(noise)
    assert len(ranges.asked) == blocks > 3


def test_reader_keeps_a_bounded_number_of_blocks() -> None:
    large = bytes(20 * BLOCK_SIZE)
    data, _ = packed(Given(record("1.1"), head=large), Given(record("1.2"), head=b"small"))
    reader = reading(data, tail_size=48)

    assert reader.head(0) == large
    assert len(reader._heads._kept) == KEPT_BLOCKS
    assert reader.head(1) == b"small"


def test_bulk_data_inside_a_large_head_is_read_by_range() -> None:
    bulk = bytes(at * at % 256 for at in range(3 * BLOCK_SIZE))
    data, _ = packed(Given(record("1.1"), head=b"head" + bulk, splices=(Splice(4, 0, 0, 2),)))
    ranges = Ranges(data)
    reader = PackReader(ranges, len(data), tail_size=48)
    reader.footer()
    before = len(ranges.asked)

    part = b"".join(reader.head_parts(0, BLOCK_SIZE + 10, BLOCK_SIZE + 30))

    assert part == (b"head" + bulk)[BLOCK_SIZE + 10 : BLOCK_SIZE + 30]
    assert len(ranges.asked) == before + 1
    assert list(reader.splices(0)) == [Splice(4, 0, 0, 2)]


def test_head_that_comes_in_parts_is_one_head() -> None:
    out = bytearray()
    writer = PackWriter(out.extend, "pack")
    add(writer, Given(record("1.1"), head=b"before"))
    writer.begin_instance()
    parts = [bytes([at]) * 100_000 for at in range(7)]

    finish(writer, Given(record("1.2"), head=iter(parts)))  # type: ignore[arg-type]
    writer.close()

    assert reading(bytes(out)).head(1) == b"".join(parts)


def test_large_head_leaves_before_the_pack_is_closed_and_frames_stay_where_they_are_said_to_be() -> None:
    out = bytearray()
    writer = PackWriter(out.extend, "pack")
    noise = Random(5).randbytes(2 * HELD_LIMIT)  # noqa: S311

    add(writer, Given(record("1.1", frames=2), framed(b"first", b"second"), head=noise))
    written_before_close = len(out)
    writer.close()

    reader = reading(bytes(out))
    assert written_before_close > len(noise) - HELD_LIMIT
    assert [reader.frame_bytes(one) for one in reader.frames(0)] == [b"first", b"second"]
    assert reader.head(0) == noise


def test_aborted_instance_leaves_nothing_in_the_pack() -> None:
    out = bytearray()
    writer = PackWriter(out.extend, "pack")
    writer.begin_instance()
    writer.add_frame(b"forget me", frame(b"forget me"))

    writer.abort_instance()
    add(writer, Given(record("1.1", frames=1), framed(b"keep")))
    summary = writer.close()

    assert b"forget me" not in out
    assert summary.wasted == 0
    assert reading(bytes(out)).frame_bytes(reading(bytes(out)).frame(0, 0)) == b"keep"


def test_aborted_large_instance_is_skipped_and_counted() -> None:
    out = bytearray()
    writer = PackWriter(out.extend, "pack")
    large = bytes(HOLD_LIMIT + 1)
    writer.begin_instance()
    writer.add_frame(large, frame(large))

    writer.abort_instance()
    add(writer, Given(record("1.1", frames=1), framed(b"keep")))
    summary = writer.close()

    assert summary.wasted == len(large)
    assert [one.key.instance_uid for one in summary.records] == ["1.1"]
    assert bytes(out[slice(*_first(summary.records[0].pointer.first_frame))]) == b"keep"


def _first(place: tuple[int, int]) -> tuple[int, int]:
    return place[0], place[0] + place[1]


def test_code_stream_may_come_in_parts() -> None:
    out = bytearray()
    writer = PackWriter(out.extend, "pack")
    writer.begin_instance()
    writer.add_frame_part(b"one ")
    writer.add_frame_part(b"two ")

    offset = writer.add_frame(b"three", frame(b"one two three"))
    finish(writer, Given(record("1.1", frames=1)))
    writer.close()

    assert out[offset : offset + 13] == b"one two three"


def test_writer_holds_no_more_than_its_limit_of_pixels() -> None:
    received = []
    writer = PackWriter(lambda data: received.append(len(data)), "pack")
    writer.begin_instance()
    part = bytes(1024 * 1024)

    for at in range(64):
        writer.add_frame(part, frame(part, number=at))
        assert (at + 1) * len(part) - sum(received) <= HOLD_LIMIT

    finish(writer, Given(record("1.1", frames=64)))
    assert writer.close().records[0].frame_count == 64


def test_hundred_thousand_frames_are_read_one_by_one_without_the_table() -> None:
    out = bytearray()
    writer = PackWriter(out.extend, "pack")
    writer.begin_instance()
    for at in range(100_000):
        writer.add_frame(at.to_bytes(3), frame(at.to_bytes(3), number=at))
    finish(writer, Given(record("1.1", frames=100_000)))
    writer.close()
    ranges = Ranges(bytes(out))
    reader = PackReader(ranges, len(out))
    reader.footer()
    ranges.asked.clear()

    found = reader.frame(0, 54_321)
    last = list(reader.frames(0, 99_000))

    assert reader.frame_bytes(found) == (54_321).to_bytes(3)
    assert ranges.asked[0][1] == reader.instance(0).record.pointer.record_size == 80
    assert [reader.frame_bytes(one) for one in last] == [at.to_bytes(3) for at in range(99_000, 100_000)]
    assert max(length for _, length in ranges.asked) <= 4096 * 80


def test_preview_is_the_first_bytes_of_the_code_stream() -> None:
    stream = b"smallmiddlelarge"
    data, _ = packed(Given(record("1.1", frames=1), ((stream, frame(stream, (5, 11, 16))),)))
    reader = reading(data)

    found = reader.frame(0, 0)

    assert [reader.frame_bytes(found, level) for level in range(3)] == [b"small", b"smallmiddle", stream]


def test_frames_may_differ_in_their_levels() -> None:
    frames = tuple((b"abcd", frame(b"abcd", ends)) for ends in [(4,), (1, 2, 4), (2, 4)])
    data, _ = packed(Given(record("1.1", frames=3), frames))

    found = list(reading(data).frames(0))

    assert [len(one.levels) for one in found] == [1, 3, 2]


def test_attributes_of_study_and_series_are_held_once_as_first_given() -> None:
    first = Given(record("1.1"), study={"a": 1}, series={"b": 1})
    second = Given(record("1.2"), study={"a": 2}, series={"b": 2})

    data, summary = packed(first, second)
    footer = reading(data).footer()

    assert [one.attributes for one in footer.studies.values()] == [{"a": 1}]
    assert [one.attributes for one in footer.series.values()] == [{"b": 1}]
    assert summary.studies == tuple(footer.studies.values())
    assert summary.series == tuple(footer.series.values())


def test_empty_pack_is_a_pack() -> None:
    data, summary = packed()

    assert list(reading(data).footer().instances) == []
    assert summary.records == ()


def wrong_length(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.add_frame(b"abc", frame(b"abcd"))


def falling_levels(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.add_frame(b"abcd", frame(b"abcd", (3, 2)))


def level_outside(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.add_frame(b"abcd", frame(b"abcd", (5,)))


def short_id(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.add_frame(b"abcd", replace(frame(b"abcd"), frame_id="00"))


def value_too_large(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.add_frame(b"abcd", replace(frame(b"abcd"), maximum=1 << 63))


def frame_missing(writer: PackWriter) -> None:
    writer.begin_instance()
    finish(writer, Given(record("1.1", frames=1)))


def frame_unfinished(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.add_frame_part(b"abcd")
    finish(writer, Given(record("1.1")))


def begun_twice(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.begin_instance()


def closed_while_open(writer: PackWriter) -> None:
    writer.begin_instance()
    writer.close()


def not_begun(writer: PackWriter) -> None:
    writer.add_frame(b"abcd", frame(b"abcd"))


MISUSES = [
    wrong_length, falling_levels, level_outside, short_id, value_too_large, frame_missing, frame_unfinished,
    begun_twice, closed_while_open, not_begun,
]  # fmt: skip


@pytest.mark.parametrize("misuse", MISUSES)
def test_writer_refuses_what_contradicts_itself(misuse) -> None:  # type: ignore[no-untyped-def]
    writer = PackWriter(bytearray().extend, "pack")

    with pytest.raises(ValueError, match=r"frame|instance|level"):
        misuse(writer)


def test_unknown_minimum_and_maximum_stay_unknown() -> None:
    silent: Frame = replace(frame(b"x"), minimum=None, maximum=None)
    data, _ = packed(Given(record("1.1", frames=1), ((b"x", silent),)))

    found = reading(data).frame(0, 0)

    assert (found.minimum, found.maximum) == (None, None)

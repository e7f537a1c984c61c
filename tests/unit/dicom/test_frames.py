"""Frames are found where they lie: native, by offset table, by fragments, and where the object is damaged."""

import struct
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import pytest

from dicomlake.dicom.frames.locate import PIECE, FramePlan, plan_frames, read_frame
from dicomlake.dicom.instance import ParsedInstance, PixelElement
from dicomlake.domain.model import Warned
from tests.unit.dicom.frames_given import BIG, DELIMITER, EXPLICIT, IMPLICIT, ROOT, attributes, instance, item

JPEG_2000, RLE, VIDEO, LOSSY = ROOT + ".4.90", ROOT + ".5", ROOT + ".4.102", ROOT + ".4.50"


def stream(text: bytes) -> bytes:
    """Return what looks like a code stream from its start to its end marker."""
    return b"\xff\x4f" + text + b"\xff\xd9"


def even(data: bytes) -> bytes:
    """Return the bytes with the pad that an odd fragment needs."""
    return data + b"\0" * (len(data) % 2)


def encapsulated(
    fragments: Sequence[bytes], count: int, syntax: str = JPEG_2000, table: Sequence[int] = (), end: bytes = DELIMITER
) -> ParsedInstance:
    """Return an instance with these fragments, a basic offset table, and so many frames declared."""
    value = item(struct.pack(f"<{len(table)}I", *table)) + b"".join(map(item, fragments)) + end
    return instance(value, attributes(number_of_frames=count), syntax)


def frames_of(parsed: ParsedInstance) -> list[bytes]:
    """Return every frame's landed bytes."""
    plan = plan_frames(parsed)
    return [bytes(read_frame(parsed.source, plan, index)) for index in range(len(plan))]


def codes(plan: FramePlan) -> list[str]:
    """Return the codes of what the plan warns of."""
    return [warned.code for warned in plan.warnings]


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_native_frames_lie_back_to_back(syntax: str) -> None:
    value = bytes(range(96))

    parsed = instance(value, attributes(number_of_frames=3), syntax)

    assert frames_of(parsed) == [value[0:32], value[32:64], value[64:96]]
    assert plan_frames(parsed).warnings == ()


def test_a_native_pad_byte_belongs_to_no_frame() -> None:
    given = attributes(rows=3, columns=3, bits_allocated=8, bits_stored=8)

    parsed = instance(bytes(range(10)), given)

    assert frames_of(parsed) == [bytes(range(9))]
    assert plan_frames(parsed).warnings == ()


def test_bytes_for_more_frames_than_declared_are_told() -> None:
    plan = plan_frames(instance(bytes(96), attributes(number_of_frames=2)))

    assert (len(plan), plan.warnings) == (2, (Warned("frame-count-mismatch", "1 more than 2 frames"),))


def test_a_cut_native_frame_is_flagged_and_never_padded() -> None:
    parsed = instance(bytes(50), attributes(number_of_frames=4), after=b"", missing=78)

    plan = plan_frames(parsed)

    assert (len(plan), plan.truncated) == (2, 1)
    assert [len(frame) for frame in frames_of(parsed)] == [32, 18]
    assert plan.warnings == (Warned("truncated-frame", "frame 2"), Warned("frame-count-mismatch", "2 of 4 frames"))


def test_one_bit_frames_that_fill_their_bytes_are_cut_out() -> None:
    given = attributes(rows=4, columns=4, bits_allocated=1, bits_stored=1, number_of_frames=3)

    assert frames_of(instance(b"aabbcc", given)) == [b"aa", b"bb", b"cc"]


def test_one_bit_frames_that_share_bytes_are_one_run() -> None:
    given = attributes(rows=3, columns=3, bits_allocated=1, bits_stored=1, number_of_frames=3)
    parsed = instance(bytes(4), given)

    plan = plan_frames(parsed)

    assert (plan.addressable, codes(plan), frames_of(parsed)) == (False, ["unaligned-frames"], [bytes(4)])


@pytest.mark.parametrize("count", [1, 2])
def test_bytes_swapped_in_words_that_straddle_frames_are_one_run(count: int) -> None:
    given = attributes(rows=3, columns=3, bits_allocated=8, bits_stored=8, number_of_frames=count)
    parsed = instance(bytes(10 * count), given, BIG, vr="OW")

    plan = plan_frames(parsed)

    assert (plan.addressable, codes(plan), frames_of(parsed)) == (False, ["unaligned-frames"], [bytes(10 * count)])


def test_a_single_one_bit_frame_of_odd_size_is_a_frame() -> None:
    given = attributes(rows=3, columns=3, bits_allocated=1, bits_stored=1)

    assert frames_of(instance(bytes(2), given)) == [bytes(2)]


@pytest.mark.parametrize(("length", "frame"), [(64, 32), (96, 48)])
def test_shared_colours_make_a_frame_two_thirds_unless_the_bytes_say_otherwise(length: int, frame: int) -> None:
    given = attributes(samples=3, photometric="YBR_FULL_422", bits_allocated=8, bits_stored=8, number_of_frames=2)

    assert [len(found) for found in frames_of(instance(bytes(length), given))] == [frame, frame]


def test_a_declared_size_beyond_reason_is_kept_in_pieces_and_told() -> None:
    plan = plan_frames(instance(bytes(100), attributes(rows=65535, columns=65535)))

    assert (plan.addressable, len(plan), codes(plan)) == (False, 1, ["truncated-frame"])


def test_one_fragment_a_frame_needs_no_table() -> None:
    first, second = stream(b"ab"), stream(b"cd")

    assert frames_of(encapsulated([first, second], 2)) == [first, second]


def test_a_pad_byte_after_the_code_stream_belongs_to_no_frame() -> None:
    odd = stream(b"abc")

    assert frames_of(encapsulated([even(odd), even(odd)], 2)) == [odd, odd]


def test_a_zero_that_no_end_marker_precedes_is_no_pad() -> None:
    assert frames_of(encapsulated([b"abc\0"], 1, RLE)) == [b"abc\0"]
    assert frames_of(encapsulated([b"\xff\x4fabcd\0\0"], 1)) == [b"\xff\x4fabcd\0\0"]


def test_the_basic_offset_table_groups_fragments() -> None:
    fragments = [b"aaaa", b"bb", b"cccc", b"dd"]

    parsed = encapsulated(fragments, 2, RLE, table=(0, 12 + 10))

    assert frames_of(parsed) == [b"aaaabb", b"ccccdd"]
    assert plan_frames(parsed).warnings == ()


def test_the_extended_offset_table_groups_fragments_and_comes_first() -> None:
    table = struct.pack("<QQ", 0, 22)
    value = item(b"") + b"".join(map(item, [b"aaaa", b"bb", b"cccc", b"dd"])) + DELIMITER
    given = attributes(number_of_frames=2, frame_offsets=(0, 16))

    parsed = instance(value, given, RLE, before=table)

    assert frames_of(parsed) == [b"aaaabb", b"ccccdd"]


@pytest.mark.parametrize("table", [(0, 13), (4, 22), (22, 0), (0, 0), (0, 1 << 31)])
def test_an_offset_table_that_does_not_fit_is_not_believed(table: tuple[int, int]) -> None:
    first, second = stream(b"first frame "), stream(b"second")
    halves = [first[:8], first[8:], second[:4], second[4:]]

    plan = plan_frames(parsed := encapsulated(halves, 2, table=table))

    assert codes(plan) == ["bad-offset-table"]
    assert frames_of(parsed) == [first, second]


def test_without_a_table_frames_start_where_a_marker_follows_an_end() -> None:
    one, two, three = stream(b"1" * 6), even(stream(b"2" * 5)), stream(b"3" * 4)
    fragments = [one[:4], one[4:], two, three[:2], three[2:4], three[4:]]

    assert frames_of(encapsulated(fragments, 3)) == [one, stream(b"2" * 5), three]


def test_a_start_marker_inside_a_frame_starts_none() -> None:
    one, two = b"\xff\x4f12" + b"\xff\x4f34\xff\xd9", stream(b"5678")

    assert frames_of(encapsulated([one[:4], one[4:], two], 2)) == [one, two]


def test_all_fragments_are_the_only_frame() -> None:
    assert frames_of(encapsulated([b"ab", b"cd", b"ef"], 1, RLE)) == [b"abcdef"]


def test_more_streams_than_frames_are_frames_and_are_told() -> None:
    parsed = encapsulated([stream(b"ab"), stream(b"cd")], 1, LOSSY)

    assert frames_of(parsed) == [stream(b"ab"), stream(b"cd")]
    assert plan_frames(parsed).warnings == (Warned("frame-count-mismatch", "2 of 1 frames"),)


def test_fewer_fragments_than_frames_are_told() -> None:
    parsed = encapsulated([b"ab", b"cd"], 5, RLE)

    assert frames_of(parsed) == [b"ab", b"cd"]
    assert plan_frames(parsed).warnings == (Warned("frame-count-mismatch", "2 of 5 frames"),)


def test_no_fragments_are_no_frames() -> None:
    plan = plan_frames(encapsulated([], 1))

    assert (len(plan), codes(plan)) == (0, ["frame-count-mismatch"])


def test_a_cut_fragment_is_the_truncated_frame() -> None:
    whole = encapsulated([stream(b"ab"), stream(b"cdef")], 2)
    data = bytes(whole.source.read(0, whole.source.size))
    cut = data[: -len(b"TAIL") - len(DELIMITER) - 3]

    parsed = instance(cut[4:], attributes(number_of_frames=2), JPEG_2000, after=b"", missing=15)
    plan = plan_frames(parsed)

    assert (plan.truncated, codes(plan)) == (1, ["truncated-frame"])
    assert frames_of(parsed) == [stream(b"ab"), stream(b"cdef")[:-3]]


def test_what_is_no_item_ends_the_walk_and_is_told() -> None:
    parsed = encapsulated([stream(b"ab")], 1, end=b"rubbish!")

    assert codes(plan_frames(parsed)) == ["bad-fragments"]
    assert frames_of(parsed) == [stream(b"ab")]


def test_a_missing_delimiter_is_no_matter() -> None:
    assert codes(plan_frames(encapsulated([stream(b"ab")], 1, end=b""))) == []


def test_video_is_one_stream_in_pieces_not_frames() -> None:
    fragments = [bytes(PIECE + 10), b"end!"]

    plan = plan_frames(parsed := encapsulated(fragments, 500, VIDEO))

    assert (plan.addressable, [len(piece) for piece in frames_of(parsed)]) == (False, [PIECE, 10, 4])


def test_an_index_outside_the_plan_is_refused() -> None:
    for parsed in (instance(bytes(32), attributes()), encapsulated([b"ab"], 1), encapsulated([b"ab"], 1, VIDEO)):
        spans = plan_frames(parsed).spans
        for index in (-1, len(spans)):
            with pytest.raises(IndexError):
                spans[index]


class Endless:
    """A source of fragments that are made when they are read: none of it is in memory."""

    def __init__(self, fragments: int, length: int) -> None:
        self.read_bytes = 0
        self._period = 8 + length
        self._head = item(b"")
        self._pattern = item(stream(bytes(length - 4)))
        self.size = len(self._head) + fragments * self._period

    def read(self, start: int, length: int) -> memoryview:
        """Return bytes of the repeating pattern."""
        self.read_bytes += length
        if start < len(self._head):
            return memoryview(self._head)[start : start + length]
        at = (start - len(self._head)) % self._period
        return memoryview((self._pattern * 2)[at : at + min(length, self.size - start)])


def test_a_hundred_thousand_fragments_are_walked_in_flat_memory() -> None:
    source = Endless(100_000, 10_000)
    parsed = instance(b"", attributes(number_of_frames=100_000), JPEG_2000, before=b"", source=source)
    whole = PixelElement(0x7FE00010, "OB", 0, source.size, True, False)
    tracemalloc.start()

    plan = plan_frames(replace(parsed, pixels=whole))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(plan), plan.warnings) == (100_000, ())
    assert plan.spans[99_999] == ((source.size - 10_000, source.size),)
    assert source.read_bytes < 100_001 * 16
    assert peak < 12_000_000

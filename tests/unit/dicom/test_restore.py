"""Head and frames give the landed object back, byte for byte, whatever its layout."""

from collections.abc import Iterator

import imagecodecs
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dicomlake.dicom.codecs.transcode import StoredFrame, store_instance
from dicomlake.dicom.files.restore import decoded_frame, head_parts, landed_frame, landed_reader, rebuild, splices
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import PixelLayout, array_to_landed, narrowed
from dicomlake.dicom.frames.syntaxes import Action, StoragePlan, plan_storage
from dicomlake.dicom.instance import ParsedInstance
from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import Splice
from tests.unit.dicom.frames_given import BIG, DELIMITER, EXPLICIT, KEY, ROOT, attributes, instance, item, noise


def stored(parsed: ParsedInstance) -> tuple[StoragePlan, tuple[StoredFrame, ...]]:
    """Store an instance."""
    return store_instance(parsed.source, plan_storage(parsed), plan_frames(parsed), KEY)


native_layouts = st.builds(
    PixelLayout,
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    samples=st.sampled_from([1, 1, 3]),
    bits_allocated=st.sampled_from([8, 16]),
    bits_stored=st.integers(2, 16),
    signed=st.booleans(),
    planar=st.booleans(),
    big_endian=st.booleans(),
    words_swapped=st.booleans(),
).filter(lambda layout: layout.bits_stored <= layout.bits_allocated)


@settings(max_examples=120, deadline=None)
@given(native_layouts, st.integers(1, 3))
def test_landed_bytes_of_any_native_layout_come_back(layout: PixelLayout, count: int) -> None:
    given_attributes = attributes(
        rows=layout.rows,
        columns=layout.columns,
        samples=layout.samples,
        bits_allocated=layout.bits_allocated,
        bits_stored=layout.bits_stored,
        pixel_representation=int(layout.signed),
        planar_configuration=int(layout.planar),
        number_of_frames=count,
    )
    syntax, vr = (BIG if layout.big_endian else EXPLICIT), ("OW" if layout.words_swapped else "OB")
    parsed = instance(bytes(layout.native_length * count), given_attributes, syntax, vr=vr)
    actual = plan_storage(parsed).layout
    assert actual is not None
    assume(not (actual.words_swapped and actual.native_length % 2))
    value = b"".join(array_to_landed(noise(actual, seed), actual) for seed in range(count))
    parsed = instance(value, given_attributes, syntax, vr=vr)

    plan, frames = stored(parsed)

    kept = layout.samples == 3 and (layout.signed or 1 in (layout.rows, layout.columns))
    kept = kept or (layout.signed and layout.bits_stored <= 8)
    assert plan.action is (Action.KEEP if kept else Action.TRANSCODE)
    assert again(parsed, plan, frames) == b"HEAD" + value + b"TAIL"


def again(parsed: ParsedInstance, plan: StoragePlan, frames: tuple[StoredFrame, ...]) -> bytes:
    """Return the landed object as rebuilt from its head and its stored frames."""
    found = plan_frames(parsed)
    reader = landed_reader(plan, lambda index: frames[index].code_stream)
    return b"".join(rebuild(head_parts(parsed, plan, found), splices(plan, found), reader))


def test_planar_and_swapped_words_mean_what_the_standard_says() -> None:
    planar = PixelLayout(1, 2, 3, 8, 8, signed=False, planar=True)
    swapped = PixelLayout(1, 4, 1, 8, 8, signed=False, big_endian=True, words_swapped=True)

    assert array_to_landed(np.array([[[1, 2, 3], [4, 5, 6]]], "u1"), planar) == bytes([1, 4, 2, 5, 3, 6])
    assert array_to_landed(np.array([[1, 2, 3, 4]], "u1"), swapped) == bytes([2, 1, 4, 3])


def test_wide_storage_of_few_bits_is_narrowed_for_the_codec_and_widened_again() -> None:
    layout = PixelLayout(20, 30, 1, 16, 8, signed=False)
    frame = noise(layout)
    parsed = instance(frame.tobytes(), attributes(rows=20, columns=30, bits_stored=8))

    plan, frames = stored(parsed)

    assert narrowed(frame, layout).dtype == np.uint8
    assert again(parsed, plan, frames)[4:-4] == frame.tobytes()
    assert frames[0].frame.levels[-1].crc32 == imagecodecs.zlib_crc32(frame.tobytes())


def test_a_kept_encapsulated_object_has_all_but_frame_bytes_in_its_head() -> None:
    first, second = b"\xff\xd8one\xff\xd9", b"\xff\xd8second\xff\xd9"
    value = item(b"") + item(first + b"\0") + item(second[:4]) + item(second[4:]) + DELIMITER
    parsed = instance(value, attributes(number_of_frames=2), ROOT + ".4.50")
    plan, frames = plan_storage(parsed), plan_frames(parsed)

    head = b"".join(head_parts(parsed, plan, frames))

    assert (
        head
        == b"HEAD"
        + item(b"")
        + item(first)[:4]
        + b"\x08\0\0\0"
        + b"\0"
        + item(second[:4])[:8]
        + item(second[4:])[:8]
        + DELIMITER
        + b"TAIL"
    )
    assert list(splices(plan, frames)) == [
        Splice(20, 0, 0, 7),
        Splice(29, 1, 0, 4),
        Splice(37, 1, 4, 6),
    ]


def test_a_transcoded_compressed_object_has_a_head_without_pixels_and_no_splices() -> None:
    parsed = instance(item(b"") + item(b"x" * 64) + DELIMITER, attributes(), ROOT + ".5")
    plan, frames = plan_storage(parsed), plan_frames(parsed)

    assert b"".join(head_parts(parsed, plan, frames)) == b"HEADTAIL"
    assert list(splices(plan, frames)) == []


def test_an_object_without_pixels_is_all_head() -> None:
    parsed = instance(b"", None)
    plan, frames = plan_storage(parsed), plan_frames(parsed)

    assert b"".join(head_parts(parsed, plan, frames)) == b"HEADTAIL"
    assert b"".join(rebuild(b"HEADTAIL", splices(plan, frames), lambda _: b"")) == b"HEADTAIL"


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_head_in_parts_is_as_good_as_a_whole_one(size: int) -> None:
    head = b"abcdefgh"
    parts: Iterator[bytes] = (head[at : at + size] for at in range(0, len(head), size))

    again = rebuild(parts, [Splice(2, 0, 0, 2), Splice(2, 1, 0, 1), Splice(7, 1, 1, 1)], [b"01", b"23"].__getitem__)

    assert b"".join(again) == b"ab012cdefg3h"


def test_a_frame_in_many_fragments_is_read_once() -> None:
    reads: list[int] = []

    def read(index: int) -> bytes:
        reads.append(index)
        return b"abcd"

    again = b"".join(rebuild(b"--", [Splice(1, 0, 0, 2), Splice(1, 0, 2, 2), Splice(2, 1, 0, 4)], read))

    assert (again, reads) == (b"-abcd-abcd", [0, 1])


@pytest.mark.parametrize(
    "wrong",
    [[Splice(9, 0, 0, 1)], [Splice(2, 0, 0, 1), Splice(1, 0, 1, 1)], [Splice(1, 0, 0, 5)], [Splice(1, 0, 4, 1)]],
)
def test_splices_that_do_not_fit_are_an_error_not_another_object(wrong: list[Splice]) -> None:
    with pytest.raises(MalformedError):
        b"".join(rebuild(b"head", wrong, lambda _: b"abcd"))


@pytest.mark.parametrize("stream", [b"", b"rubbish"])
def test_a_stored_frame_that_cannot_be_decoded_is_an_error(stream: bytes) -> None:
    with pytest.raises(MalformedError):
        landed_frame(stream, PixelLayout(4, 4, 1, 16, 12, signed=False))


def test_a_stored_frame_of_another_size_is_an_error() -> None:
    parsed = instance(bytes(32), attributes())
    _, (only,) = stored(parsed)

    with pytest.raises(MalformedError, match="size"):
        decoded_frame(only.code_stream, PixelLayout(4, 5, 1, 16, 12, signed=False))


def test_a_cut_stored_frame_is_an_error_where_openjph_would_fill_in_zeros() -> None:
    layout = PixelLayout(70, 70, 1, 16, 12, signed=False)
    _, (only,) = stored(instance(noise(layout).tobytes(), attributes(rows=70, columns=70)))

    with pytest.raises(MalformedError, match="cut"):
        decoded_frame(only.code_stream[: only.frame.length // 2], layout)

"""Splices come back as they were given, and progressions stay small."""

from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.model import Splice
from dicomlake.lake.splices import RUN_SIZE, decode_splices, encode_splices, landed_parts

SPLICES = st.lists(st.builds(Splice, *[st.integers(0, 4)] * 4), max_size=12)


@given(SPLICES)
def test_splices_come_back(splices: list[Splice]) -> None:
    assert list(decode_splices(encode_splices(splices))) == splices


def test_native_multi_frame_is_one_progression() -> None:
    splices = [Splice(900, at, 0, 524_288) for at in range(100_000)]

    assert len(encode_splices(splices)) == RUN_SIZE


def test_equal_fragments_behind_item_headers_are_one_progression() -> None:
    splices = [Splice(900 + 8 * at, 0, 4096 * at, 4096) for at in range(50)]

    assert len(encode_splices(splices)) == RUN_SIZE


def test_landed_object_is_told_in_its_order() -> None:
    splices = [Splice(4, 0, 0, 10), Splice(4, 1, 0, 10), Splice(6, 2, 0, 10)]

    assert list(landed_parts(b"headertail", splices)) == [b"head", splices[0], splices[1], b"er", splices[2], b"tail"]
    assert list(landed_parts(b"head", [])) == [b"head"]
    assert list(landed_parts(b"head", splices[:1])) == [b"head", splices[0]]

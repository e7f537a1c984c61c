"""Multipart bodies come apart the same however they arrive."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.multipart import MAX_HEADERS, read_parts

Part = tuple[dict[str, str], bytes]


def read(chunks: list[bytes], boundary: str = "b") -> list[Part]:
    """Every part, whole."""
    return [(dict(part.headers), b"".join(part.body)) for part in read_parts(chunks, boundary)]


def written(bodies: list[bytes], boundary: str = "b", newline: bytes = b"\r\n") -> bytes:
    """A body of parts of DICOM files."""
    mark = b"--" + boundary.encode()
    head = b"Content-Type: application/dicom" + newline * 2
    return b"".join(mark + newline + head + body + newline for body in bodies) + mark + b"--" + newline


# Bytes that delimiters are made of come more often than chance gives them.
content = st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"b", b"\r\n--", b"\r\n--bc", b"x", b"\0"])).map(
    b"".join
)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """A body in chunks, cut at places."""
    ends = sorted({place % (len(body) + 1) for place in places} | {0, len(body)})
    return [body[start:end] for start, end in pairwise(ends)]


@given(st.lists(content, min_size=1, max_size=4), st.lists(st.integers(0, 10_000)), st.sampled_from([b"\r\n", b"\n"]))
def test_any_chunking_gives_the_parts_that_were_written(bodies: list[bytes], places: list[int], newline: bytes) -> None:
    body = written(bodies, "b9a7", newline)

    found = read(cut(body, places), "b9a7")

    assert found == [({"content-type": "application/dicom"}, one) for one in bodies]


@given(st.binary(max_size=300), st.lists(st.integers(0, 10_000)))
def test_bytes_that_follow_no_boundary_give_parts_or_a_refusal_the_same_by_any_chunking(
    body: bytes, places: list[int]
) -> None:
    def outcome(chunks: list[bytes]) -> list[Part] | str:
        try:
            return read(chunks)
        except InvalidRequestError as error:
            return str(error)

    assert outcome(cut(body, places)) == outcome([body])


def test_a_part_needs_no_headers() -> None:
    assert read([b"--b\r\n\r\nx\r\n--b--"]) == [({}, b"x")]


def test_an_empty_part_is_a_part() -> None:
    assert read([b"--b\r\n\r\n\r\n--b\r\nA: 1\r\n\r\n--b--"]) == [({}, b""), ({"a": "1"}, b"")]


def test_preamble_epilogue_and_white_space_behind_a_boundary_are_skipped() -> None:
    body = b"see RFC 2046\r\n--b \t\r\nA: 1\r\n\r\nx\r\n--b--\r\nthe end --b"

    assert read([body]) == [({"a": "1"}, b"x")]
    assert read([body[at : at + 1] for at in range(len(body))]) == [({"a": "1"}, b"x")]


def test_a_long_preamble_is_not_kept_in_memory() -> None:
    lines = (b"nothing yet\r\n" * 1000 for _ in range(1000))

    def chunks() -> Iterator[bytes]:
        yield from lines
        yield b"--b\r\n\r\nx\r\n--b--"

    assert read(list(chunks())) == [({}, b"x")]


def test_a_boundary_that_begins_another_one_is_no_delimiter() -> None:
    assert read([b"--b\r\n\r\nx\r\n--bb\r\ny\r\n--b--"]) == [({}, b"x\r\n--bb\r\ny")]


def test_a_carriage_return_at_the_end_of_a_part_of_a_body_with_bare_line_feeds_is_the_parts() -> None:
    assert read([b"--b\n\nx\r\n--b--\n"]) == [({}, b"x\r")]


def test_folded_headers_are_joined_and_their_names_are_of_lower_case() -> None:
    body = b'--b\r\nContent-Type: application/dicom;\r\n  transfer-syntax="1.2"\r\n\r\nx\r\n--b--'

    assert read([body]) == [({"content-type": 'application/dicom; transfer-syntax="1.2"'}, b"x")]


def test_parts_that_nobody_reads_are_skipped() -> None:
    body = written([b"first", b"second"])

    assert [part.content_type for part in read_parts([body], "b")] == ["application/dicom"] * 2


def test_a_body_that_was_cut_short_anywhere_is_refused() -> None:
    whole = b"--b\r\nA: 1\r\n\r\ncontent of it\r\n--b--"

    for end in range(len(whole)):
        with pytest.raises(InvalidRequestError):
            read([whole[:end]])


@pytest.mark.parametrize("boundary", ["", "a\r\nb", "ends in space ", "x" * 300, "ä"])
def test_what_is_no_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(InvalidRequestError, match="boundary"):
        read([b"--x\r\n\r\n\r\n--x--"], boundary)


def test_headers_without_end_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="16 KB"):
        read([b"--b\r\n" + b"A: 1\r\n" * (MAX_HEADERS // 6 + 1), b"\r\nx\r\n--b--"])


def test_a_boundary_of_every_character_that_may_stand_in_one() -> None:
    boundary = "0aZ'()+_,-./:=? x"

    assert read([written([b"x"], boundary)], boundary)[0][1] == b"x"

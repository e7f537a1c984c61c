"""A source gives what is there: exactly what was asked for, or less at its end."""

import pytest

from dicomlake.dicom.source import BufferSource


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_buffer_gives_ranges_and_less_at_its_end(kind: type) -> None:
    source = BufferSource(kind(b"abcdef"))

    assert (source.size, bytes(source.read(1, 3)), bytes(source.read(4, 9)), bytes(source.read(9, 1))) == (
        6,
        b"bcd",
        b"ef",
        b"",
    )


def test_a_read_of_a_buffer_is_a_view_not_a_copy() -> None:
    buffer = bytearray(b"abcdef")

    view = BufferSource(buffer).read(2, 2)
    buffer[2] = ord("x")

    assert bytes(view) == b"xd"

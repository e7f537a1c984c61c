"""A code stream's markers tell its resolutions and whether it is whole."""

import imagecodecs
import numpy as np

from dicomlake.dicom.codecs.lossless import decode_openjph, encode
from dicomlake.dicom.codecs.markers import is_complete, read_header, resolution_ends
from dicomlake.dicom.frames.pixels import PixelLayout
from tests.unit.dicom.frames_given import noise

LAYOUT = PixelLayout(300, 200, 1, 16, 12, signed=False)


def encoded() -> bytes:
    """Return a code stream of three resolutions above the smallest."""
    return encode(noise(LAYOUT), LAYOUT, colour_transform=False)


def test_each_resolution_is_a_prefix_of_the_code_stream() -> None:
    stream = encoded()
    ends = resolution_ends(stream, read_header(stream))

    for index, end in enumerate(ends):
        skip = len(ends) - 1 - index
        assert np.array_equal(decode_openjph(stream[:end], skip=skip), decode_openjph(stream, skip=skip))
    assert ends[-1] == len(stream)


def test_without_tile_part_lengths_the_whole_stream_is_the_only_resolution() -> None:
    stream = imagecodecs.htj2k_encode(noise(LAYOUT), reversible=True, bitspersample=12, resolutions=2, tlm=False)

    assert resolution_ends(stream, read_header(stream)) == (len(stream),)


def test_a_cut_code_stream_that_ends_like_a_whole_one_is_refused() -> None:
    whole = encoded()

    assert is_complete(whole)
    assert is_complete(whole + b"\0")
    assert not is_complete(whole[: len(whole) // 2] + b"\xff\xd9")
    assert not is_complete(whole[:-2])


def test_a_tile_part_of_unstated_length_is_complete_at_the_end_marker() -> None:
    whole = bytearray(imagecodecs.jpeg2k_encode(noise(LAYOUT), level=0, codecformat="j2k"))
    at = whole.index(b"\xff\x90")
    whole[at + 6 : at + 10] = bytes(4)

    assert is_complete(whole)
    assert not is_complete(whole[:-2])

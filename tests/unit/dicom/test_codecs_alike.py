"""Equal pixels give equal code streams, whichever encoder wrote them: a duplicate is one after an update too."""

import numpy as np
import pytest

from dicomlake.dicom.codecs import lossless
from dicomlake.dicom.codecs.lossless import Encoder, decode_openjpeg, decode_openjph, encode
from dicomlake.dicom.codecs.markers import without_comments
from dicomlake.dicom.frames.pixels import PixelLayout

COM = b"\xff\x64"


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (14, True), (16, False), (16, True)])
def test_both_encoders_write_the_same_bytes(bits: int, signed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = PixelLayout(70, 90, 1, 8 if bits == 8 else 16, bits, signed=signed)
    low, high = layout.value_range
    array = np.random.default_rng(bits).integers(low, high + 1, (70, 90)).astype(layout.dtype)

    streams = []
    for encoder in Encoder:
        monkeypatch.setattr(lossless, "self_test", lambda encoder=encoder: encoder)
        streams.append(encode(array, layout, colour_transform=False))

    assert streams[0] == streams[1]
    assert COM not in streams[0][:200]
    assert np.array_equal(decode_openjph(streams[0]), array)
    assert np.array_equal(decode_openjpeg(streams[0]), array)


def test_a_stream_without_a_comment_stays_as_it_is() -> None:
    layout = PixelLayout(64, 64, 1, 16, 12, signed=False)
    stream = encode(np.zeros((64, 64), "<u2"), layout, colour_transform=False)

    assert without_comments(stream) == stream

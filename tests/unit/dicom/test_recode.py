"""Transcoding on the way out: which transfer syntaxes can be had of what is stored, and that pixels stay equal."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from imagecodecs import htj2k_decode, jpeg2k_decode, jpeg8_decode, jpegls_decode, jpegsof3_decode
from pydicom.dataset import Dataset

from dicomlake.dicom.codecs.lossless import crc32, encode
from dicomlake.dicom.codecs.lossy import METHODS
from dicomlake.dicom.files import recode
from dicomlake.dicom.files.dataset import HeadDataset
from dicomlake.dicom.files.part10 import StoredPixels
from dicomlake.dicom.files.recode import ENCODERS, recoded, recoded_frame
from dicomlake.dicom.frames.pixels import PixelLayout, narrowed
from dicomlake.dicom.frames.syntaxes import SYNTAXES, Decoder, Stream
from dicomlake.domain.errors import MalformedError, NotAcceptableError, TooLargeError
from dicomlake.domain.model import TransferSyntaxUid
from dicomlake.domain.served import DECODED, HTJ2K, TRANSCODED, served_as

ROOT = "1.2.840.10008.1.2"
STORED = TransferSyntaxUid(f"{ROOT}.4.202")
LAYOUTS = {
    "8": PixelLayout(33, 41, 1, 8, 8, signed=False),
    "12": PixelLayout(33, 41, 1, 16, 12, signed=False),
    "16": PixelLayout(33, 41, 1, 16, 16, signed=False),
    "signed 12": PixelLayout(33, 41, 1, 16, 12, signed=True),
    "signed 16": PixelLayout(33, 41, 1, 16, 16, signed=True),
    "colour": PixelLayout(33, 41, 3, 8, 8, signed=False),
}
DECODERS: dict[str, Callable[[bytes, PixelLayout], Any]] = {
    ".4.57": lambda data, layout: jpegsof3_decode(data) if layout.samples == 1 else jpeg8_decode(data),
    ".4.70": lambda data, layout: jpegsof3_decode(data) if layout.samples == 1 else jpeg8_decode(data),
    ".4.80": lambda data, _: jpegls_decode(data),
    ".4.90": lambda data, _: jpeg2k_decode(data),
    ".4.201": lambda data, _: htj2k_decode(data, planar=False),
    ".5": lambda data, layout: packed_bits(data, layout),
}


def packed_bits(data: bytes, layout: PixelLayout) -> np.ndarray:
    """RLE by the letter of PS3.5 Annex G, in plain Python: another code base than the encoder's."""
    header = np.frombuffer(data[:64], "<u4")
    ends = [*header[2 : 1 + header[0]], len(data)]
    planes = [segment(data[start:end]) for start, end in zip(header[1 : 1 + header[0]], ends, strict=True)]
    width, pixels = layout.bits_allocated // 8, layout.rows * layout.columns
    samples = [
        np.frombuffer(
            b"".join(bytes([plane[at] for plane in planes[first : first + width]]) for at in range(pixels)),
            f">u{width}",
        )
        for first in range(0, len(planes), width)
    ]
    return np.stack(samples, -1).reshape(layout.shape)


def segment(data: bytes) -> bytes:
    out, at = bytearray(), 0
    while at < len(data):
        count = data[at]
        if count < 128:
            out += data[at + 1 : at + 2 + count]
            at += 2 + count
        elif count > 128:
            out += data[at + 1 : at + 2] * (257 - count)
            at += 2
        else:
            at += 1
    return bytes(out)


def frame_of(layout: PixelLayout) -> np.ndarray:
    low, high = layout.value_range
    frame = np.random.default_rng(3).integers(low, high + 1, layout.shape).astype(layout.wide_dtype)
    frame[0, :2] = np.array([low, high]).reshape(2, *([1] * (len(layout.shape) - 2)))
    return frame


@pytest.mark.parametrize("target", DECODERS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_transcoded_frame_decodes_to_the_same_bits(name: str, target: str) -> None:
    layout = LAYOUTS[name]
    frame = frame_of(layout)
    stream = encode(narrowed(frame, layout), layout, colour_transform=layout.samples == 3)

    photometric = "RGB" if layout.samples == 3 else "MONOCHROME2"
    sent = recoded_frame(one_frame(stream, layout), 0, photometric, TransferSyntaxUid(ROOT + target))

    decoded = DECODERS[target](sent, layout)
    mask = (1 << layout.bits_stored) - 1
    assert np.array_equal(np.asarray(decoded).astype("i8") & mask, frame.astype("i8") & mask)


@pytest.mark.parametrize("target", DECODERS)
def test_noise_that_no_encoder_makes_smaller_is_transcoded_all_the_same(target: str) -> None:
    layout = PixelLayout(700, 700, 1, 8, 8, signed=False)
    frame = frame_of(layout)
    stream = encode(frame, layout, colour_transform=False)

    sent = recoded_frame(one_frame(stream, layout), 0, "MONOCHROME2", TransferSyntaxUid(ROOT + target))

    assert np.array_equal(DECODERS[target](sent, layout), frame)


def test_every_encoder_is_tried_above_and_told_to_the_look_ups() -> None:
    assert {ROOT + target for target in DECODERS} == set(ENCODERS) == TRANSCODED
    kept = {uid for uid, row in SYNTAXES.items() if row.decoder is not Decoder.NONE and row.stream is not Stream.NATIVE}
    assert set(METHODS) | kept | {HTJ2K} == DECODED


@pytest.mark.parametrize(
    ("stored", "wanted", "sent"),
    [
        ("", "", ".1"),
        ("", "*", ".1"),
        (".2", "*", ".1"),
        (".2", ".2", None),
        (".1.99", "*", ".1"),
        (".1", ".1", ".1"),
        (".1", ".4.90", None),
        (".4.202", "", ".1"),
        (".4.202", "*", ".4.202"),
        (".4.202", ".4.202", ".4.202"),
        (".4.202", ".4.201", ".4.201"),
        (".4.202", ".5", ".5"),
        (".4.202", ".4.50", None),
        (".4.202", ".4.91", None),
        (".4.50", "", ".1"),
        (".4.50", "*", ".4.50"),
        (".4.50", ".4.50", ".4.50"),
        (".4.50", ".4.70", None),
        (".4.91", ".4.90", None),
        (".4.203", "", ".1"),
        (".4.102", "", None),
        (".4.102", "*", ".4.102"),
        (".4.110", "", None),
    ],
)
def test_what_is_sent_of_what_is_stored(stored: str, wanted: str, sent: str | None) -> None:
    asked = wanted if wanted in ("", "*") else ROOT + wanted

    assert served_as(TransferSyntaxUid(ROOT + stored), asked) == (None if sent is None else ROOT + sent)


def one_frame(stream: bytes, layout: PixelLayout, checksum: int | None = None) -> StoredPixels:
    return StoredPixels(STORED, layout, [len(stream)], lambda _: stream, [] if checksum is None else [checksum])


def test_a_value_that_the_target_would_cut_is_refused() -> None:
    layout = LAYOUTS["12"]
    frame = frame_of(layout)
    frame[2, 2] = 5000
    stream = encode(frame, replace(layout, bits_stored=16), colour_transform=False)

    for target in (".4.80", ".4.90", ".5"):
        with pytest.raises(NotAcceptableError, match="do not fit"):
            recoded_frame(one_frame(stream, layout), 0, "MONOCHROME2", TransferSyntaxUid(ROOT + target))


def test_other_pixels_than_were_proved_are_not_sent() -> None:
    layout = LAYOUTS["16"]
    stream = encode(frame_of(layout), layout, colour_transform=False)
    checksum = crc32(frame_of(layout))

    assert recoded_frame(one_frame(stream, layout, checksum), 0, "MONOCHROME2", TransferSyntaxUid(f"{ROOT}.5"))
    with pytest.raises(MalformedError, match="other pixels"):
        recoded_frame(one_frame(stream, layout, checksum ^ 1), 0, "MONOCHROME2", TransferSyntaxUid(f"{ROOT}.5"))


@pytest.mark.parametrize(
    ("source", "target", "becomes"),
    [
        ("RGB", ".4.90", "RGB"),
        ("YBR_RCT", ".4.80", "RGB"),
        ("RGB", ".4.201", "YBR_RCT"),
        ("YBR_FULL", ".5", "YBR_FULL"),
    ],
)
def test_the_data_set_says_what_the_colours_became(source: str, target: str, becomes: str) -> None:
    layout = LAYOUTS["colour"]
    stream = encode(frame_of(layout), layout, colour_transform=source != "YBR_FULL")
    head = HeadDataset(Dataset(), 0x7FE00010, "OB")
    head.dataset.PhotometricInterpretation, head.dataset.PlanarConfiguration = source, 1

    sent = recoded(
        head, StoredPixels(STORED, layout, [len(stream)] * 2, lambda _: stream), TransferSyntaxUid(ROOT + target)
    )

    assert (head.dataset.PhotometricInterpretation, head.dataset.PlanarConfiguration) == (becomes, 0)
    assert [len(sent.read(index)) for index in range(2)] == list(sent.lengths)


def test_what_does_not_fit_memory_is_not_transcoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recode, "MOST_RECODED", 1000)
    head = HeadDataset(Dataset(), 0x7FE00010, "OB")

    with pytest.raises(TooLargeError, match=r"transfer-syntax=\*"):
        recoded(head, StoredPixels(STORED, LAYOUTS["8"], [10], lambda _: b""), TransferSyntaxUid(f"{ROOT}.5"))

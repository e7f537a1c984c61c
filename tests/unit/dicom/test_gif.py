"""Clips as GIF: what another decoder reads back, and how long each frame is shown."""

import struct

import numpy as np
import pytest
from imagecodecs import gif_decode
from pydicom.dataset import Dataset

from dicomlake.dicom.pictures.gif import frame_times, gif

NOISE = np.random.default_rng(5)


def delays(file: bytes) -> list[int]:
    """The delays of a file's graphic control extensions, in hundredths of a second."""
    parts = file.split(b"\x21\xf9\x04\x00")[1:]
    return [struct.unpack("<H", part[:2])[0] for part in parts]


def test_grey_frames_are_read_back_as_they_were() -> None:
    frames = NOISE.integers(0, 256, (3, 61, 47), dtype=np.uint8)

    file = b"".join(gif(frames, [40, 40, 40]))

    assert file.startswith(b"GIF89a")
    assert np.array_equal(gif_decode(file, index=None)[..., 0], frames)


def test_colours_are_read_back_as_the_nearest_of_the_palette() -> None:
    frames = NOISE.integers(0, 256, (2, 30, 20, 3), dtype=np.uint8)

    shown = gif_decode(b"".join(gif(frames, [100, 100])), index=None).astype(int)

    assert (np.abs(shown[..., :3] - frames).max(axis=(0, 1, 2)) <= [26, 22, 26]).all()
    pure = np.array([[[255, 0, 255], [0, 255, 0], [255, 255, 255], [0, 0, 0]]], np.uint8)
    assert np.array_equal(gif_decode(b"".join(gif([pure], [100])), asrgb=True)[..., :3].reshape(1, 4, 3), pure)


def test_rounded_times_add_up_to_the_clip() -> None:
    frames = np.zeros((30, 4, 4), np.uint8)

    assert delays(b"".join(gif(frames, [1000 / 30] * 30)))[:3] == [3, 4, 3]
    assert sum(delays(b"".join(gif(frames, [1000 / 30] * 30)))) == 100


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, [100.0] * 3),
        ({"CineRate": 25}, [40.0] * 3),
        ({"CineRate": 25, "FrameTime": "50"}, [50.0] * 3),
        ({"FrameTime": "50", "RecommendedDisplayFrameRate": 5}, [200.0] * 3),
        ({"FrameTimeVector": [0, 30, 70]}, [30.0, 70.0, 70.0]),
        ({"FrameTimeVector": [0, 30], "CineRate": 20}, [50.0] * 3),
        ({"FrameTime": "1"}, [20.0] * 3),
        ({"FrameTime": "9000000"}, [655_350.0] * 3),
        ({"FrameTime": "-4", "CineRate": 0}, [100.0] * 3),
    ],
)
def test_frames_are_shown_as_long_as_the_image_says(said: dict[str, object], expected: list[float]) -> None:
    dataset = Dataset()
    for keyword, value in said.items():
        setattr(dataset, keyword, value)

    assert frame_times(dataset, 3) == expected

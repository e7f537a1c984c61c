"""Clips as animated GIF (GIF89a): one palette, every frame whole, shown as long as the image says."""

import struct
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from dicomlake.dicom.pictures.voi import Displayed

_COLOURS = 256
_FOREVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_TRAILER = b"\x3b"
_HEADER_SIZE = 13 + 3 * _COLOURS
_LEVELS = (6, 7, 6)
"""Steps of red, green and blue: 252 colours, most of green, which the eye resolves best."""
SHORTEST, USUAL, LONGEST = 20.0, 100.0, 655_350.0
"""Milliseconds a frame: shorter ones are slowed down by browsers; where an image says nothing; the most of 16 bits."""


def frame_times(dataset: Dataset, count: int) -> list[float]:
    """Return for how many milliseconds each of an image's frames is shown, 20 to 655,350.

    Recommended Display Frame Rate, else Frame Time, else Frame Time Vector, else Cine Rate (PS3.3 C.7.6.3, C.7.6.5);
    without any of them, ten frames a second.
    """
    for keyword, read in (
        ("RecommendedDisplayFrameRate", _of_rate),
        ("FrameTime", _of_time),
        ("FrameTimeVector", _of_vector),
        ("CineRate", _of_rate),
    ):
        found = read(_numbers(dataset.get(keyword)), count)
        if found:
            return [min(max(one, SHORTEST), LONGEST) for one in found]
    return [USUAL] * count


def _numbers(value: Any) -> list[float]:
    """Return an attribute's values; none where one of them is no finite number of 0 or more."""
    values = [value] if value is None or isinstance(value, str | int | float) else list(value)
    try:
        numbers = [float(one) for one in values if one is not None]
    except (TypeError, ValueError):
        return []
    return numbers if all(0 <= one < float("inf") for one in numbers) else []


def _of_rate(numbers: list[float], count: int) -> list[float]:
    return [1000 / numbers[0]] * count if numbers and numbers[0] else []


def _of_time(numbers: list[float], count: int) -> list[float]:
    return [numbers[0]] * count if numbers and numbers[0] else []


def _of_vector(numbers: list[float], count: int) -> list[float]:
    """An entry is the time since the frame before; the last frame is shown as long as the one before it."""
    if len(numbers) != count or not any(numbers):
        return []
    return [*numbers[1:], numbers[-1]]


def gif(frames: Iterable[Displayed], times: Iterable[float]) -> Iterator[bytes]:
    """Yield a GIF file of frames of one size, all grey or all RGB; `times` are milliseconds.

    Grey values are kept; colours become the nearest of 252. A clip repeats for ever, a frame alone stands.
    """
    first = True
    for frame, delay in zip(frames, _hundredths(times), strict=True):
        rows, columns = frame.shape[:2]
        if first:
            palette = _grey_palette() if frame.ndim == 2 else _colour_palette()
            yield b"GIF89a" + struct.pack("<HHBBB", columns, rows, 0xF7, 0, 0) + palette + _FOREVER
        yield b"\x21\xf9\x04\x00" + struct.pack("<HBB", delay, 0, 0) + _image(frame)
        first = False
    yield _TRAILER


def _hundredths(times: Iterable[float]) -> Iterator[int]:
    """Round to GIF's unit so that a clip's rounded times add up to its length: 33.3 ms are 3, 4, 3 hundredths."""
    ends = accumulate(times, initial=0.0)
    return (min(round(end / 10) - round(start / 10), 65535) for start, end in pairwise(ends))


def _image(frame: Displayed) -> bytes:
    """Return an image descriptor and its LZW data: what stands behind the palette of the codec's own file."""
    from imagecodecs import gif_encode

    indexes = frame if frame.ndim == 2 else _nearest(frame)
    whole = gif_encode(np.ascontiguousarray(indexes), out=2 * indexes.size + 4096)
    return bytes(whole[_HEADER_SIZE:-1])


def _grey_palette() -> bytes:
    return np.repeat(np.arange(_COLOURS, dtype=np.uint8), 3).tobytes()


def _colour_palette() -> bytes:
    """Return the cube of levels, red slowest, filled up with black."""
    axes = [np.rint(np.arange(levels) * 255 / (levels - 1)) for levels in _LEVELS]
    cube = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).astype(np.uint8)
    return cube.tobytes().ljust(3 * _COLOURS, b"\0")


def _nearest(frame: Displayed) -> NDArray[np.uint8]:
    red, green, blue = (_nearest_level(levels)[frame[:, :, place]] for place, levels in enumerate(_LEVELS))
    return np.asarray((red * _LEVELS[1] + green) * _LEVELS[2] + blue, np.uint8)


def _nearest_level(levels: int) -> NDArray[np.int64]:
    return np.rint(np.arange(256) * (levels - 1) / 255).astype(np.int64)

"""Frames as pictures that text can be read in: 8 bits, in both polarities, a whole film as one."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicomlake.domain.errors import RefusedError

type Samples = NDArray[np.integer[Any]]
type Picture = NDArray[np.uint8]

_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
_TABLES = (0x00281201, 0x00281202, 0x00281203)
_TAILS = (0.5, 99.5)


def extremes(frames: Iterable[Samples]) -> list[Samples]:
    """Return one frame, or the darkest and the brightest that every pixel of a film ever is: text that stands in any
    frame stands in one of them."""
    iterator = iter(frames)
    first = next(iterator)
    low, high, several = first, first, False
    for frame in iterator:
        low, high, several = np.minimum(low, frame), np.maximum(high, frame), True
    return [low, high] if several else [first]


def views(frame: Samples, photometric: str, values: Mapping[int, bytes]) -> list[Picture]:
    """Return a frame as it is, and inverted with its extremes cut: bright text on dark and dark text on bright."""
    if photometric == "PALETTE COLOR":
        frame = _coloured(frame, values)
    elif photometric.startswith("YBR"):
        frame = frame[:, :, 0]
    whole = _scaled(frame, float(frame.min()), float(frame.max()))
    low, high = np.percentile(frame, _TAILS)
    return [whole, 255 - _scaled(frame, float(low), float(high))]


def _scaled(frame: Samples, low: float, high: float) -> Picture:
    span = max(high - low, 1e-6)
    scaled: Picture = np.clip((frame.astype(np.float32) - low) * (255 / span), 0, 255).astype(np.uint8)
    return scaled


def _coloured(frame: Samples, values: Mapping[int, bytes]) -> Samples:
    """Return palette indices as RGB (PS3.3 C.7.6.3.1.5); RefusedError for tables in segments, which nobody unfolds."""
    tables = []
    for descriptor, data in zip(_DESCRIPTORS, _TABLES, strict=True):
        if data not in values or len(values.get(descriptor, b"")) < 6:
            raise RefusedError("the palette cannot be read, so text in the pixels cannot be found")
        count, first, bits = np.frombuffer(values[descriptor][:6], "<u2").astype(int)
        table = np.frombuffer(values[data], "<u2" if bits > 8 or len(values[data]) >= 2 * (count or 65536) else "u1")
        tables.append(table[np.clip(frame.astype(np.intp) - first, 0, len(table) - 1)])
    return np.stack(tables, axis=-1)


def may_hold_text(frame: Samples) -> bool:
    """Whether a picture of a body may have something drawn on it: what is drawn has one value, the brightest there is,
    where tissue and noise hardly ever have it twice."""
    brightest = int(np.count_nonzero(frame == frame.max()))
    return FEWEST_DRAWN <= brightest < frame.size // 2


FEWEST_DRAWN = 24
"""Pixels of the highest value: fewer make no two letters."""

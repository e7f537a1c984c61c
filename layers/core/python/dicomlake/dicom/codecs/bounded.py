"""Decoders that may not come back in time: they run where they can be stopped, as the process was told at its start."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from dicomlake.domain.errors import MalformedError

if TYPE_CHECKING:
    from dicomlake.dicom.frames.pixels import Bytes, PixelArray

PATIENCE_SECONDS = 0.5
"""Seconds of processor that a frame may take to decode, however small."""
SLOWEST = 5_000_000
"""Native bytes a second below which a decoder is taken to be lost: a twentieth of what JPEG-LS takes."""


type Decoded = tuple[str, tuple[int, ...], Bytes]
"""A decoded frame as it can travel: its type as numpy writes it, its shape, its values in C order."""


class Runner(Protocol):
    """Runs a decoder of `DECODERS` by its name, and stops it after so many seconds of processor.

    Raises ValueError where the decoder refuses the bytes, MalformedError where it had to be stopped or crashed.
    """

    def __call__(self, decoder: str, data: "Bytes", seconds: float) -> Decoded:
        """Return what the decoder makes of the bytes."""


def decode_in_time(decoder: str, data: "Bytes", native_length: int) -> "PixelArray":
    """Return what a decoder of `DECODERS` makes of a frame of so many native bytes; errors as `Runner`.

    Some damaged JPEG-LS streams keep CharLS 2.4.4 in a loop of 2^31 turns, 20 seconds for 8 kB, before it refuses them
    (team-charls/charls pull request 334).
    """
    import numpy as np

    dtype, shape, values = _chosen.runner(decoder, data, max(PATIENCE_SECONDS, native_length / SLOWEST))
    return np.frombuffer(values, dtype).reshape(shape)


def run_decoders_by(runner: Runner) -> None:
    """Let this process run them so from now on; where nothing was said they run in threads, which cannot be stopped."""
    _chosen.runner = runner


def in_thread(decoder: str, data: "Bytes", seconds: float) -> Decoded:
    """Run a decoder in a thread, and do not wait for it beyond its time: it ends by itself, and holds no lock."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(here, decoder, data).result(timeout=seconds)
    except TimeoutError as error:
        raise MalformedError("a frame takes too long to decode; its stream is damaged") from error
    finally:
        pool.shutdown(wait=False)


def here(decoder: str, data: "Bytes") -> Decoded:
    """Run a decoder in this thread, however long it takes; raises ValueError where it refuses the bytes."""
    import numpy as np

    try:
        array = np.ascontiguousarray(DECODERS[decoder](data))
    except RuntimeError as error:
        raise ValueError("the decoder refuses the bytes") from error
    return array.dtype.str, array.shape, array.reshape(-1).view(np.uint8).data


def _jpeg_ls(data: "Bytes") -> "PixelArray":
    from imagecodecs import jpegls_decode

    array: PixelArray = jpegls_decode(data)
    return array


DECODERS: Mapping[str, Callable[["Bytes"], "PixelArray"]] = MappingProxyType({"jpeg-ls": _jpeg_ls})
"""Decoders that have been seen to hang (docs/decisions/0024-a-decoder-that-hangs-is-stopped.md)."""


@dataclass(slots=True)
class _Chosen:
    runner: Runner


_chosen = _Chosen(in_thread)

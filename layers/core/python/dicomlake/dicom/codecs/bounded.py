"""Calls of native codecs that may not come back in time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from dicomlake.domain.errors import MalformedError

PATIENCE_SECONDS = 1.5
"""How long a frame may take to decode, however small: a hundred times what a busy machine needs."""
SLOWEST = 5_000_000
"""Native bytes a second below which a decoder is taken to be lost: a twentieth of what JPEG-LS takes."""


def in_time[T](work: Callable[[], T], native_length: int) -> T:
    """Return what `work` returns, or raise what it raises; MalformedError where it takes too long for so many bytes.

    Some damaged JPEG-LS streams keep CharLS 2.4.4 in a loop of 2^31 turns, 20 seconds for 8 kB, before it refuses them
    (team-charls/charls pull request 334). The call cannot be stopped: its thread, which holds no lock, ends by itself.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(work).result(timeout=max(PATIENCE_SECONDS, native_length / SLOWEST))
    except TimeoutError as error:
        raise MalformedError("a frame takes too long to decode; its stream is damaged") from error
    finally:
        pool.shutdown(wait=False)

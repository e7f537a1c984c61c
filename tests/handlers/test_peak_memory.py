"""What a line says of memory is this process's own, whatever started it."""

import subprocess
import sys

from dicomlake.entry.peak_memory import peak_mb

SMALL_CHILD = "from dicomlake.entry.peak_memory import peak_mb; print(peak_mb())"


def test_a_parents_memory_is_not_counted() -> None:
    held = bytearray(300_000_000)
    held[:: 1024 * 4] = b"x" * len(held[:: 1024 * 4])

    told = subprocess.run([sys.executable, "-c", SMALL_CHILD], capture_output=True, check=True)  # noqa: S603

    assert peak_mb() > 280
    assert 5 < int(told.stdout) < 200

"""The largest resident size of this process so far."""

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> int:
    """Return it in MB: VmHWM where the host tells it, since getrusage also counts what the parent held at the fork."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))

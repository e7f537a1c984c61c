"""Runs the gateway's task for a local lake: the deployed entry point, which ends when the lake's process does."""

import os
import sys
import threading

from dicomlake import entry


def _end_with_parent() -> None:
    """Wait until the other end of standard input is gone: a lake that was killed leaves nothing running."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    entry.gateway()

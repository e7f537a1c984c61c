"""Real lakes for tests: started as a user starts them, watched process by process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from dicomlake.local.endpoints import Endpoints

PATIENCE = 120.0
"""Seconds until something that has to come counts as lost. It ends no test that goes well: on a slow disk, with other
tests' work still in the queues, an object may be decided after a minute."""


def until[T](look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Look until something is there; the last look is returned as it is."""
    deadline = time.monotonic() + seconds
    while not (seen := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return seen


def client(endpoints: Endpoints, service: str, endpoint: str = "") -> Any:
    """Return a boto3 client as a user of `endpoints.json` makes one."""
    return boto3.client(
        service,
        endpoint_url=endpoint or endpoints.s3,
        region_name=endpoints.region,
        aws_access_key_id=endpoints.accessKeyId,
        aws_secret_access_key=endpoints.secretAccessKey,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, read_timeout=40),
    )


@dataclass(slots=True)
class LakeProcess:
    """A lake in the foreground of its own session, as `make up` in a terminal."""

    process: subprocess.Popen[str]
    data: Path

    @classmethod
    def start(cls, data: Path, port: int, *arguments: str) -> "LakeProcess":
        """Start `python -m dicomlake.local up`."""
        command = [sys.executable, "-m", "dicomlake.local", "up", "--data", str(data), "--port", str(port), *arguments]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603
        return cls(process, data)

    def ready(self) -> Endpoints:
        """Wait for this process's `endpoints.json`."""

        def look() -> Endpoints | None:
            assert self.process.poll() is None, self.process.communicate()[1]
            file = self.data / "endpoints.json"
            written = Endpoints.read(file) if file.exists() else None
            return written if written is not None and written.pid == self.process.pid else None

        endpoints = until(look)
        assert endpoints is not None
        return endpoints

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal to the lake alone; return its exit code and what it said."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for the end; return exit code and what was said."""
        _, said = self.process.communicate(timeout=90)
        return self.process.returncode, said

    def family(self) -> list[int]:
        """Return the process ids of the lake and everything below it."""
        found = [self.process.pid]
        for pid in found:
            found += children(pid)
        return found


def children(parent: int) -> list[int]:
    """Return the direct children of a process (Linux)."""
    return [pid for pid, its_parent in _processes() if its_parent == parent]


def _processes() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(entry.name), int(fields[1])


def alive(pids: list[int]) -> list[int]:
    """Return those of the processes that still run."""
    return [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_hard(pid: int) -> None:
    """What no process can prepare for."""
    os.kill(pid, signal.SIGKILL)

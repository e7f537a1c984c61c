"""A local lake under measurement: who spends CPU, and what its functions say of themselves."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from dicomlake.local.endpoints import Endpoints
from dicomlake.local.lake import local_lake

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class LakeUnderTest:
    """A running lake, its data directory, and its processes by role."""

    endpoints: Endpoints
    data: Path

    def client(self, service: str) -> Any:
        """Return a boto3 client of the lake's engine."""
        told = self.endpoints
        return boto3.client(
            service,
            endpoint_url=told.s3,
            region_name=told.region,
            aws_access_key_id=told.accessKeyId,
            aws_secret_access_key=told.secretAccessKey,
        )

    def table(self) -> str:
        """Return the name of the clinical data store's index table."""
        tables = self.client("dynamodb").list_tables()["TableNames"]
        return next(str(name) for name in tables if "clinical" in name.lower())

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds so far: of the engine, of the gateway, of the functions that live, and of ended ones."""
        engine = engine_of(self.endpoints.pid)
        own, ended = cpu_seconds(engine)
        functions = sum(sum(cpu_seconds(pid)) for pid in children(engine))
        return {"engine": own, "functions": functions + ended, "gateway": cpu_seconds(self.endpoints.pid)[0]}

    def tasks(self) -> list[int]:
        """Return the processes of tasks that run: those that were told of one large object."""
        engine = engine_of(self.endpoints.pid)
        return [pid for pid in children(engine) if b"DICOMLAKE_MESSAGE=" in environment(pid)]

    def lines(self, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the canonical lines of every function since a time (seconds of the epoch)."""
        logs = self.client("logs")
        found = []
        for group in _paged(logs, "describe_log_groups", "logGroups"):
            asked = {"logGroupName": group["logGroupName"], "startTime": int(since * 1000)}
            found += [_line(event["message"]) for event in _paged(logs, "filter_log_events", "events", **asked)]
        return [line for line in found if line.get("event")]

    def push(self, *paths: Path) -> dict[str, Any]:
        """Run `dicomlake push --wait`; return what it says, the seconds it took, and its own CPU seconds."""
        command = [sys.executable, "-m", "dicomlake.cli", "push", "--wait", "--json", "--data", str(self.data)]
        before, started = os.times(), time.monotonic()
        ran = subprocess.run([*command, *map(str, paths)], stdout=subprocess.PIPE, check=False)  # noqa: S603
        seconds, after = time.monotonic() - started, os.times()
        if ran.returncode:
            raise SystemExit(f"dicomlake push ended with {ran.returncode}")
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        told: dict[str, Any] = json.loads(ran.stdout)
        return {**told, "wallSeconds": seconds, "cpuSeconds": cpu}


@contextlib.contextmanager
def lake_under_test(data: Path, *arguments: str) -> Iterator[LakeUnderTest]:
    """Run a lake for the length of a `with` block."""
    with local_lake(data, arguments=arguments) as endpoints:
        yield LakeUnderTest(endpoints, data)


def engine_of(parent: int) -> int:
    """Return the engine among a lake's processes; the gateway for bodies of any size is another of them."""
    found = [pid for pid in children(parent) if b"enginehost" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    if len(found) != 1:
        raise SystemExit(f"a lake has one engine, this one {len(found)}")
    return found[0]


def children(parent: int) -> list[int]:
    """Return the direct children of a process (Linux)."""
    found: list[int] = []
    for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, tasks.read_text().split())
    return found


def cpu_seconds(pid: int) -> tuple[float, float]:
    """Return the CPU seconds of a process itself and of its ended children; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    return (int(fields[11]) + int(fields[12])) / TICK, (int(fields[13]) + int(fields[14])) / TICK


def environment(pid: int) -> bytes:
    """Return what a process was started with; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def peak_mb(pid: int) -> int:
    """Return a process's largest resident size so far (VmHWM)."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def _paged(client: Any, operation: str, member: str, **asked: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page[member]


def _line(message: str) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

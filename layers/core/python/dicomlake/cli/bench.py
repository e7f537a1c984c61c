"""Measure a running lake: push a generated CT of --slices images and time it until its study is ready.

Every run generates another study (--seed), so that nothing is a duplicate. Rates are of this machine, which runs the
client, the handlers and the engine at once.
"""

import argparse
import os
import platform
import resource
import tempfile
import time
from pathlib import Path

from dicomlake.cli.billing import make_bill
from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json
from dicomlake.cli.phantom import Phantom
from dicomlake.cli.pushing import Push, Pushed, push
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import Document, LakeClient
from dicomlake.client.loglines import logs_client, read_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--slices", type=int, default=300, help="images of the CT (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="names the study (default: from the clock)")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and tell."""
    endpoints = find_lake(arguments.data)
    lake = LakeClient(endpoints)
    phantom = Phantom(arguments.slices, arguments.seed or int(time.time()))
    with tempfile.TemporaryDirectory(prefix="dicomlake-bench-") as folder:
        slices = tuple(phantom.write(Path(folder) / "slices"))
        began, cpu = time.time(), _cpu_seconds()
        pushed = push(lake, Push(slices, Path(folder) / "pushed.jsonl", quiet=arguments.json))
        cpu = _cpu_seconds() - cpu
    bill = make_bill(read_lines(logs_client(endpoints), round(began * 1000)))
    measured = _measured(pushed, cpu) | {"usdPerMillion": bill.per_million}
    if arguments.json:
        print_json(measured)
    else:
        print_facts({name: round(value, 2) if isinstance(value, float) else value for name, value in measured.items()})
    return OK


def _measured(pushed: Pushed, cpu: float) -> Document:
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "images": pushed.landed,
        "bytes": pushed.bytes_now,
        "sentPerSecond": pushed.rate,
        "decidedPerSecond": pushed.landed / pushed.decided_seconds,
        "lastObjectToReadyMs": pushed.ready_ms,
        "clientCpuMsPerImage": cpu * 1000 / max(pushed.landed, 1),
    }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

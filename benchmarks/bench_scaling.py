"""How many CT slices a second one thread stores, two threads of a process, and two processes.

    python benchmarks/bench_scaling.py [--slices 48] [--save]

Wall time of bench_hot_path's pipeline; every worker has a pack of its own. Best of three: the machine may be busy. On
one that is, wall time says how much was left over; CPU time a slice says what two workers cost each other (caches,
memory, clock): twice one thread's by that of two processes is how many times faster two idle cores would be than one.
"""

import argparse
import sys
import time
from multiprocessing import get_context
from threading import Thread
from typing import Any

import result
from bench_hot_path import Pipeline, groups
from images import SLICES, slices
from stopwatch import Stopwatch

from dicomlake.usecases.fetch_ahead import TOGETHER

PROCESSES = get_context("fork")
KINDS: dict[str, tuple[Any, int]] = {
    "one thread": (Thread, 1),
    "two threads": (Thread, 2),
    "two processes": (PROCESSES.Process, 2),
}
REPEATS = 3


def store(barrier: Any, spent: Any, slices_each: int) -> None:
    """Store slices between two meetings at the barrier, and tell the CPU seconds they took."""
    pipeline, watch, given = Pipeline(), Stopwatch(), slices()
    pipeline.run(given[:TOGETHER], watch)
    barrier.wait()
    since = time.thread_time()
    for group in groups(given, slices_each):
        pipeline.run(group, watch)
    spent.put(time.thread_time() - since)
    barrier.wait()


def rate(kind: Any, workers: int, slices_each: int) -> tuple[float, float]:
    """Return slices per second of all workers together, and CPU milliseconds a slice."""
    barrier, spent = PROCESSES.Barrier(workers + 1), PROCESSES.SimpleQueue()
    running = [kind(target=store, args=(barrier, spent, slices_each)) for _ in range(workers)]
    for worker in running:
        worker.start()
    barrier.wait()
    since = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - since
    for worker in running:
        worker.join()
    stored = workers * slices_each
    return stored / seconds, 1000 * sum(spent.get() for _ in running) / stored


def main() -> int:
    """Print the rates; with --save also write benchmarks/results/scaling.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=2 * SLICES)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    found = {name: [rate(*kind, arguments.slices) for _ in range(REPEATS)] for name, kind in KINDS.items()}
    rates = {name: round(max(rate for rate, _ in runs), 1) for name, runs in found.items()}
    cpu = {name: round(min(cpu for _, cpu in runs), 3) for name, runs in found.items()}
    by_cpu = round(2 * cpu["one thread"] / cpu["two processes"], 2)
    lines = [f"{name:16} {rates[name]:8.1f} slices/s {cpu[name]:8.3f} CPU ms a slice" for name in KINDS]
    sys.stdout.write("\n".join([*lines, f"two processes are {by_cpu} times one by CPU time"]) + "\n")
    if arguments.save:
        result.save(
            "scaling", {"slices_per_second": rates, "cpu_ms_per_slice": cpu, "two_processes_to_one_by_cpu": by_cpu}
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How many CT slices a second one thread stores, two threads of a process, and two processes.

    python benchmarks/bench_scaling.py [--slices 48] [--save]

Of bench_hot_path's pipeline; every worker has a pack of its own. The three take turns, so that what else the machine
does meets them alike. Rounds in which every worker had its core count by wall time. Where there was none, CPU time has
to do for processes: what a slice takes more beside another worker (caches, memory, clock) is what two cost each other,
and twice one's time by theirs is how many times faster two free cores would be than one. Of threads CPU time says
nothing: they also wait for the interpreter's lock.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
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
REPEATS = 5
UNDISTURBED = 0.95
"""What part of its wall time a worker has to have been given a core for."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: slices per second of all workers together, CPU milliseconds a slice, and their share of a core."""

    rate: float
    cpu_ms: float
    share: float


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


def one_round(kind: Any, workers: int, slices_each: int) -> Round:
    """Let so many workers store slices at the same time."""
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
    cpu = sum(spent.get() for _ in running)
    return Round(stored / seconds, 1000 * cpu / stored, cpu / workers / seconds)


def times_one(found: dict[str, list[Round]], kind: str) -> tuple[float, str] | None:
    """Return how many times one thread's rate two workers reach, and by what clock; None where none can tell."""
    quiet = {name: [one.rate for one in found[name] if one.share >= UNDISTURBED] for name in ("one thread", kind)}
    if all(quiet.values()):
        return round(max(quiet[kind]) / max(quiet["one thread"]), 2), "wall"
    if kind == "two threads":
        return None
    cpu = {name: statistics.median(one.cpu_ms for one in found[name]) for name in quiet}
    return round(2 * cpu["one thread"] / cpu[kind], 2), "cpu"


def main() -> int:
    """Print the rates; with --save also write benchmarks/results/scaling.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=2 * SLICES)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, list[Round]] = {name: [] for name in KINDS}
    for _ in range(REPEATS):
        for name, kind in KINDS.items():
            found[name].append(one_round(*kind, arguments.slices))
    for name, rounds in found.items():
        best, cpu = max(rounds, key=lambda one: one.rate), statistics.median(one.cpu_ms for one in rounds)
        result.say(f"{name:16} {best.rate:8.1f} slices/s at {best.share:.0%} of a core; {cpu:.3f} CPU ms a slice")
    times = {name: known for name in KINDS if name != "one thread" and (known := times_one(found, name))}
    for name, (ratio, clock) in times.items():
        result.say(f"{name} are {ratio} times one by {clock} time")
    if arguments.save:
        result.save(
            "scaling",
            {
                "slices_per_second": {name: round(max(one.rate for one in kept), 1) for name, kept in found.items()},
                "share_of_a_core": {name: round(max(one.share for one in kept), 3) for name, kept in found.items()},
                "cpu_ms_per_slice": {
                    name: round(statistics.median(one.cpu_ms for one in kept), 3) for name, kept in found.items()
                },
                "times_one_thread": {name: {"times": ratio, "by": clock} for name, (ratio, clock) in times.items()},
            },
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

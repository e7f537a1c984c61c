"""How many CT slices a second one thread stores, two threads of a process, and two processes.

    python benchmarks/bench_scaling.py [--slices 48] [--save]

Wall time of bench_hot_path's pipeline; every worker has a pack of its own. Best of three: the machine may be busy.
"""

import argparse
import json
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

from bench_hot_path import SLICES, Pipeline, Stopwatch, machine, slices

PROCESSES = get_context("fork")
KINDS: dict[str, tuple[Any, int]] = {
    "one thread": (Thread, 1),
    "two threads": (Thread, 2),
    "two processes": (PROCESSES.Process, 2),
}


def store(barrier: Any, slices_each: int) -> None:
    """Store slices between two meetings at the barrier."""
    pipeline, watch, given = Pipeline(), Stopwatch(), slices()
    pipeline.run(given[0], watch)
    barrier.wait()
    for at in range(slices_each):
        pipeline.run(given[at % SLICES], watch)
    barrier.wait()


def rate(kind: Any, workers: int, slices_each: int) -> float:
    """Return slices per second of all workers together."""
    barrier = PROCESSES.Barrier(workers + 1)
    running = [kind(target=store, args=(barrier, slices_each)) for _ in range(workers)]
    for worker in running:
        worker.start()
    barrier.wait()
    since = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - since
    for worker in running:
        worker.join()
    return workers * slices_each / seconds


def main() -> int:
    """Print the rates; with --save also write benchmarks/results/scaling.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=2 * SLICES)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    rates = {name: round(max(rate(*kind, arguments.slices) for _ in range(3)), 1) for name, kind in KINDS.items()}
    sys.stdout.write("\n".join(f"{name:16} {per_second:8.1f} slices/s" for name, per_second in rates.items()) + "\n")
    if arguments.save:
        result = {"machine": machine(), "slices_per_second": rates}
        path = Path(__file__).parent / "results" / "scaling.json"
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

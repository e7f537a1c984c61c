"""What a function costs before its first request: what it imports, in a fresh process, from the layers as built.

    make layers && build/handler-venv/bin/python benchmarks/bench_cold_start.py [--rounds 7] [--save]

Each round starts the interpreter anew, with the layers in the order in which Lambda puts them on the path. Numbers are
milliseconds of wall time and of CPU of the import alone, best and median, with bytecode already compiled; the parts are
what each package adds when they are imported one after the other.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from result import machine

ROOT = Path(__file__).parents[1]
LAYERS = (ROOT / "build/layers/base/python", ROOT / "build/layers/pixels/python", ROOT / "layers/core/python")
GOALS = {"answer_dicomweb": 120, "ingest_instances": 250}
PARTS = {
    "answer_dicomweb": ("http.client", "dicomlake.composition", "dicomlake.web.app", "handler"),
    "ingest_instances": ("http.client", "numpy", "dicomlake.composition", "handler"),
}
TIMED = """
import importlib, json, sys, time
steps = []
for name in sys.argv[1:]:
    wall, cpu = time.perf_counter(), time.process_time()
    importlib.import_module(name)
    steps.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)))
print(json.dumps(steps))
"""


def steps(function: str, modules: tuple[str, ...]) -> list[tuple[float, float]]:
    """Return wall and CPU milliseconds of each import in turn, in a fresh interpreter."""
    path = os.pathsep.join(map(str, (*LAYERS, ROOT / "functions" / function)))
    environment = {"PATH": os.defpath, "PYTHONPATH": path, "AWS_DEFAULT_REGION": "eu-central-1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", TIMED, *modules], env=environment, check=True, capture_output=True, text=True
    )
    return [(wall, cpu) for wall, cpu in json.loads(done.stdout)]


def measure(function: str, rounds: int) -> dict[str, Any]:
    """Return what one function's import takes as a whole, and by parts."""
    whole = [steps(function, ("handler",))[0] for _ in range(rounds)]
    parts = [steps(function, PARTS[function]) for _ in range(rounds)]
    walls, cpus = zip(*whole, strict=True)
    return {
        "goal_ms": GOALS[function],
        "wall_ms": {"best": round(min(walls), 1), "median": round(statistics.median(walls), 1)},
        "cpu_ms": {"best": round(min(cpus), 1), "median": round(statistics.median(cpus), 1)},
        "cpu_ms_by_part": {name: round(min(one[at][1] for one in parts), 1) for at, name in enumerate(PARTS[function])},
    }


def main() -> int:
    """Print the table; with --save also write benchmarks/results/cold_start.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    if not LAYERS[0].is_dir():
        raise SystemExit("the layers are not built: make layers")
    for function in GOALS:
        steps(function, ("handler",))
    functions = {function: measure(function, arguments.rounds) for function in GOALS}
    for function, facts in functions.items():
        best, cpu = facts["wall_ms"]["best"], facts["cpu_ms"]["best"]
        sys.stdout.write(f"{function:18} wall {best:6.1f} ms, CPU {cpu:6.1f} ms (goal {facts['goal_ms']})\n")
        sys.stdout.writelines(f"    {name:28} {ms:6.1f} ms\n" for name, ms in facts["cpu_ms_by_part"].items())
    if arguments.save:
        text = json.dumps({"machine": machine(), "rounds": arguments.rounds, "functions": functions}, indent=2)
        (ROOT / "benchmarks/results/cold_start.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

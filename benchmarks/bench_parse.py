"""How long parsing takes beside pydicom: a CT header of 262 elements (179 private), bytes to JSON text.

    python benchmarks/bench_parse.py [--rounds N]

CPU milliseconds of this thread, medians of round-robin rounds in one run. Writes benchmarks/results/parse.json.
`first` is an instance of a series not met before; `next` differs from those that were met in its SOP Instance UID
only (dicom/header/recurring.py).
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from io import BytesIO
from itertools import count
from pathlib import Path

import orjson
import pydicom
from pydicom.data import get_testdata_file

from dicomlake.dicom.header.parse import BufferSource, parse

VARIED = (0x0020000E, 0x00080018)
"""Series and SOP Instance UID."""
RESULTS = Path(__file__).parent / "results" / "parse.json"


def cases(data: bytes) -> dict[str, Callable[[], object]]:
    """Return what is compared, by name."""
    series, instance = (str(pydicom.dcmread(BytesIO(data))[tag].value).encode() for tag in VARIED)
    turn = count(1000)

    def next_slice() -> bytes:
        return data.replace(instance, instance[:-4] + b"%04d" % (next(turn) % 10_000))

    def first_slice() -> bytes:
        return next_slice().replace(series, series[:-4] + b"%04d" % (next(turn) % 10_000))

    ready = {"first": [first_slice() for _ in range(500)], "next": [next_slice() for _ in range(500)]}

    def ours(kind: str) -> object:
        ready[kind].append(ready[kind].pop(0))
        return orjson.dumps(parse(BufferSource(ready[kind][0])).json)

    def oracle_read() -> object:
        return pydicom.dcmread(BytesIO(data), stop_before_pixels=True)

    def oracle_to_text() -> object:
        return orjson.dumps(pydicom.dcmread(BytesIO(data), stop_before_pixels=True).to_json_dict())

    return {
        "parse + orjson, next": lambda: ours("next"),
        "parse + orjson, first": lambda: ours("first"),
        "pydicom dcmread": oracle_read,
        "pydicom dcmread + to_json_dict + orjson": oracle_to_text,
    }


def measure(named: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median CPU milliseconds of each case; every round runs each once, so noise falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in named}
    for _ in range(rounds):
        for name, run in named.items():
            start = time.thread_time_ns()
            run()
            times[name].append((time.thread_time_ns() - start) / 1e6)
    return {name: round(statistics.median(values[rounds // 10 :]), 3) for name, values in times.items()}


def machine() -> str:
    """Return one line that says what this ran on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{model}, {platform.machine()}, CPython {platform.python_version()}, pydicom {pydicom.__version__}"


def main() -> None:
    """Measure, print a table and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--rounds", type=int, default=400)
    path = get_testdata_file("CT_small.dcm")
    data = Path(str(path)).read_bytes()
    medians = measure(cases(data), arguments.parse_args().rounds)
    ours = medians["parse + orjson, first"]
    rows = {name: {"ms": ms, "ratio": round(ms / ours, 2)} for name, ms in medians.items()}
    for name, row in rows.items():
        print(f"{row['ms']:8.3f} ms {row['ratio']:6.2f} x  {name}")  # noqa: T201
    result = {"machine": machine(), "elements": len(parse(BufferSource(data)).json), "cpu": rows}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

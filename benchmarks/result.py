"""What every result carries, and where it is written."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on, and how busy that was."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def save(name: str, facts: dict[str, Any]) -> None:
    """Write benchmarks/results/<name>.json."""
    text = json.dumps({"machine": machine(), **facts}, indent=2)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def say(text: str = "") -> None:
    """Print a line of the report, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

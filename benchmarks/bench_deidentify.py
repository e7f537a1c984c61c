"""Measure what de-identifying one CT header costs, beside a bare pydicom walk over the same bytes.

    python benchmarks/bench_deidentify.py [--rounds 200] [--save]

The header is pydicom's own CT_small.dcm cut to 136 elements, the size the published comparisons use, and the whole of
it (252 elements and 6 kB, two thirds private). All variants run in turn in one process; numbers are medians of CPU
milliseconds of the calling thread. The walk reads the header and looks at every element: what no tool built on
pydicom goes below. A second series has a hundred items in nested sequences.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from dicomlake.dicom.deidentify import KeyedNames, clean_head

GOAL_MS = 4.0
PIXEL_LENGTH = 512 * 512 * 2
EXPLICIT = "1.2.840.10008.1.2.1"
PIXEL_HEADER = b"\xe0\x7f\x10\0OW\0\0" + PIXEL_LENGTH.to_bytes(4, "little")


def header(elements: int, items: int = 0) -> tuple[bytes, int]:
    """Return a CT header of so many elements, private ones last dropped first, without the pixel data's value."""
    source = get_testdata_file("CT_small.dcm")
    dataset = pydicom.dcmread(str(source), stop_before_pixels=True)
    surplus = [element.tag for element in dataset if element.tag.is_private][::-1]
    for tag in surplus[: max(0, len(dataset) - elements)]:
        del dataset[tag]
    if items:
        dataset.ReferencedImageSequence = [reference(number) for number in range(items)]
    raw = BytesIO()
    dataset.save_as(raw, enforce_file_format=True)
    return raw.getvalue() + PIXEL_HEADER, len(dataset)


def reference(number: int) -> Dataset:
    """Return an item that names another image."""
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = f"1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.{number}"
    return item


def walk(head: bytes) -> int:
    """Read a header with pydicom and look at every element's value."""
    dataset = pydicom.dcmread(BytesIO(head), stop_before_pixels=True)
    return sum(1 for element in dataset.iterall() if element.value is not None)


def clean(head: bytes) -> int:
    """De-identify a header; new names each time, as for the first instance of a study."""
    return len(clean_head(head, EXPLICIT, "default", PIXEL_LENGTH, KeyedNames(b"k" * 32)).before)


def clean_and_view(head: bytes) -> int:
    """De-identify a header and make its DICOM JSON, as the stage does."""
    return len(clean_head(head, EXPLICIT, "default", PIXEL_LENGTH, KeyedNames(b"k" * 32)).view()[1])


VARIANTS: dict[str, Callable[[bytes], int]] = {"pydicom_walk": walk, "clean": clean, "clean_and_json": clean_and_view}


def measure(head: bytes, rounds: int) -> dict[str, float]:
    """Return each variant's median, all run in turn."""
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, variant in VARIANTS.items():
            start = time.thread_time_ns()
            variant(head)
            times[name].append((time.thread_time_ns() - start) / 1e6)
    return {f"{name}_ms": round(statistics.median(taken), 3) for name, taken in times.items()}


def machine() -> str:
    """Say what this was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, pydicom {pydicom.__version__}"


def main() -> None:
    """Print the measurements as JSON, and keep them if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/deidentify.json")
    options = parser.parse_args()
    result: dict[str, object] = {"machine": machine(), "goal_ms": GOAL_MS}
    for elements, items in ((136, 0), (1000, 0), (1000, 100)):
        head, count = header(elements, items)
        name = f"{count} elements" + (f", {items} items" if items else "")
        result[name] = {"head_bytes": len(head)} | measure(head, options.rounds)
    text = json.dumps(result, indent=1)
    print(text)  # noqa: T201
    if options.save:
        Path(__file__).with_name("results").joinpath("deidentify.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

"""Measure what de-identifying one CT header costs, beside the field's own tools on the same header in the same run.

    python benchmarks/bench_deid.py [--rounds 60] [--peers PYTHON] [--save]

The header is pydicom's own CT_small.dcm cut to 136 elements, the size that published comparisons use. `full` is the
Basic Profile with the value pass, from bytes to bytes; `first` the same with nothing remembered of earlier headers, as
for the first image of a patient. Peers (dicom-anonymizer, dicognito) run in an environment of their own, PYTHON, that
has them installed; they get a data set that is read already and do not write it, so their numbers leave out what ours
have in. CPU milliseconds of the calling thread, medians.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from dicomlake.dicom.deidentify import KeyedNames, identifiers, patterns, profile, search
from dicomlake.dicom.deidentify.clean import clean_dataset, file_start, identity_of, subject_of
from dicomlake.dicom.deidentify.dataset import encode_dataset
from dicomlake.dicom.deidentify.statements import Done
from dicomlake.dicom.deidentify.whole_object import read_whole

GOAL_MS = 4.0
ELEMENTS = 136
PEERS = """
import copy, json, statistics, sys, time, warnings
import pydicom
warnings.simplefilter("ignore")
source, rounds = pydicom.dcmread(sys.argv[1], stop_before_pixels=True, force=True), int(sys.argv[2])
variants = {}
try:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset
    variants["dicom_anonymizer"] = anonymize_dataset
except ImportError:
    pass
try:
    from dicognito.anonymizer import Anonymizer
    variants["dicognito"] = Anonymizer(seed="seed").anonymize
except ImportError:
    pass
found = {name: [] for name in variants}
for _ in range(rounds):
    for name, variant in variants.items():
        dataset = copy.deepcopy(source)
        for _element in dataset.iterall():
            pass
        start = time.thread_time_ns()
        variant(dataset)
        found[name].append((time.thread_time_ns() - start) / 1e6)
print(json.dumps({f"{name}_ms": round(statistics.median(taken), 3) for name, taken in found.items()}))
"""


def header() -> bytes:
    """Return a CT header of 136 elements as a file without pixels, private elements dropped first."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")), stop_before_pixels=True)
    surplus = [element.tag for element in dataset if element.tag.is_private][::-1]
    for tag in surplus[: len(dataset) - ELEMENTS]:
        del dataset[tag]
    raw = BytesIO()
    dataset.save_as(raw, enforce_file_format=True)
    return raw.getvalue()


def full(raw: bytes) -> int:
    """De-identify a header with the value pass, bytes to bytes; new names each time."""
    whole = read_whole(raw)
    subject = subject_of(identity_of(whole.dataset, "bench"), KeyedNames(b"k" * 32))
    dataset, _ = clean_dataset(whole.dataset, subject, Done())
    return len(file_start(dataset, "1.2.840.10008.1.2.1") + encode_dataset(dataset))


def first(raw: bytes) -> int:
    """De-identify a header with nothing remembered: terms, patterns and decisions are worked out anew."""
    for remembered in (identifiers._terms, search._has_form, search._spread, search._word, profile._profile):
        remembered.cache_clear()
    return full(raw)


def walk(raw: bytes) -> int:
    """Read a header with pydicom and look at every value: what no tool built on it goes below."""
    return sum(1 for element in pydicom.dcmread(BytesIO(raw)).iterall() if element.value is not None)


VARIANTS: dict[str, Callable[[bytes], int]] = {"full": full, "first": first, "pydicom_walk": walk}


def measure(raw: bytes, rounds: int) -> dict[str, float]:
    """Return each variant's median, all run in turn."""
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, variant in VARIANTS.items():
            start = time.thread_time_ns()
            variant(raw)
            times[name].append((time.thread_time_ns() - start) / 1e6)
    return {f"{name}_ms": round(statistics.median(taken), 3) for name, taken in times.items()}


def peers(python: str, raw: bytes, rounds: int) -> dict[str, float]:
    """Return the peers' medians on the same header."""
    file = Path(__file__).with_name("results") / "header.dcm"
    file.write_bytes(raw)
    try:
        command = [python, "-c", PEERS, str(file), str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    finally:
        file.unlink()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def machine() -> str:
    """Say what this was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "")
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, pydicom {pydicom.__version__}"


def main() -> None:
    """Print the measurements as JSON, and keep them if told to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--peers", default="", metavar="PYTHON", help="an interpreter that has the peers installed")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/deid.json")
    options = parser.parse_args()
    raw = header()
    result: dict[str, object] = {"machine": machine(), "goal_ms": GOAL_MS, "elements": ELEMENTS, "bytes": len(raw)}
    result |= {"patterns": len(patterns.DATES) + len(patterns.OTHERS)} | measure(raw, options.rounds)
    result |= peers(options.peers, raw, options.rounds) if options.peers else {}
    text = json.dumps(result, indent=1)
    sys.stdout.write(text + "\n")
    if options.save:
        Path(__file__).with_name("results").joinpath("deid.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

"""Measure what one CT slice costs from landed bytes to pack, beside the limit L and beside a plain pydicom pipeline.

    python benchmarks/bench_hot_path.py [--rounds 120] [--save]

L is what no pipeline can go below: encode the slice with bare `ojph`, decode it with `imagecodecs.htj2k_decode(out=)`.
`dicomlake` is what ingest does with a landed object: name its bytes (SHA-256), then `store_instance` into a pack whose
bytes go nowhere. All run in turn on the same bytes in the same process; numbers are CPU milliseconds of the calling
thread, medians by step; `ratio_of_sums` sets all that the run took against all that L took, the pack's zstd blocks,
frame tables and footer included. `parts` runs the same steps by themselves, to tell where the time goes.

The series is real but for its pixels: a GE header of 262 elements, in which ten change from slice to slice, and 512x512
signed 14-bit pixels of the developers' corpus (DICOMLAKE_CORPUS), else pydicom's CT_small tiled to that size.
"""

import argparse
import gc
import hashlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
from pydicom import dcmread
from pydicom.data import get_testdata_file

from dicomlake.dicom.codecs import Encoder, decompositions, encode, self_test
from dicomlake.dicom.frames import plan_frames
from dicomlake.dicom.parse import parse
from dicomlake.dicom.pixels import PixelArray, PixelLayout
from dicomlake.dicom.restore import head_parts, splices
from dicomlake.dicom.source import BufferSource
from dicomlake.dicom.syntaxes import plan_storage
from dicomlake.dicom.transcode import store_frames
from dicomlake.domain.levels import split
from dicomlake.domain.model import LedgerKey
from dicomlake.lake.metadata import encode_metadata
from dicomlake.lake.pack import PackWriter
from dicomlake.usecases.store_instance import Fetched, StoreContext, store_instance

CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))
HEADER = "files/cornerstonejs-dicomParser/CT1_UNC.explicit_little_endian.dcm"
PIXELS = "files/pydicom-data/693_UNCR.dcm"
KEY = b"k" * 32
GOAL, CEILING = 1.4, 1.6
SLICES = 24


@dataclass(frozen=True, slots=True)
class Slice:
    """One landed object and, for L, its pixels as an array that is ready for the encoder."""

    landed: bytearray
    pixels: PixelArray
    layout: PixelLayout


class Stopwatch:
    """CPU milliseconds of this thread, by step."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self._since = time.thread_time_ns()

    def start(self) -> None:
        """Begin a step."""
        self._since = time.thread_time_ns()

    def lap(self, step: str) -> None:
        """End a step and begin the next."""
        now = time.thread_time_ns()
        self.steps.setdefault(step, []).append((now - self._since) / 1e6)
        self._since = now

    def sum(self) -> float:
        """Return all that was timed."""
        return sum(sum(times) for times in self.steps.values())

    def medians(self) -> dict[str, float]:
        """Return the median of each step, and of their sum over a round."""
        rounds = [sum(times) for times in zip(*self.steps.values(), strict=True)]
        steps = {step: round(statistics.median(times), 4) for step, times in self.steps.items()}
        return {**steps, "total": round(statistics.median(rounds), 4)}


def slices() -> list[Slice]:
    """Make the series, deterministically."""
    dataset = dcmread(CORPUS / HEADER if CORPUS.is_dir() else str(get_testdata_file("CT_small.dcm")))
    frame = dcmread(CORPUS / PIXELS).pixel_array if CORPUS.is_dir() else np.tile(dataset.pixel_array, (4, 4))
    dataset.Rows, dataset.Columns = frame.shape
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 14, 13, 1
    return [_slice(dataset, at, np.roll(np.clip(frame, -8192, 8191), 64 * at, axis=at % 2)) for at in range(SLICES)]


def _slice(dataset, at: int, frame) -> Slice:  # type: ignore[no-untyped-def]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.9.7.{at + 1}"
    dataset.InstanceNumber, dataset.AcquisitionNumber = at + 1, 1 + at // 4
    dataset.AcquisitionTime, dataset.ContentTime = f"0957{at:02}.5", f"0958{at:02}.25"
    dataset.ImagePositionPatient, dataset.SliceLocation = [-125.0, -128.1, 2.5 * at - 40], f"{2.5 * at - 40}"
    dataset.XRayTubeCurrent, dataset.WindowCenter = 170 + at, 40 + at
    dataset.PixelData = frame.astype("<i2").tobytes()
    out = BytesIO()
    dataset.save_as(out)
    landed = bytearray(out.getvalue())
    plan = plan_storage(parse(BufferSource(landed)))
    if plan.layout is None:
        raise SystemExit("the slice has no pixels")
    return Slice(landed, frame.astype("<i2"), plan.layout)


def limit(given: Slice, watch: Stopwatch) -> None:
    """Run L: the two codec calls that are left when all else is free."""
    out = np.empty_like(given.pixels)
    watch.start()
    stream = encode(given.pixels, given.layout, colour_transform=False)
    watch.lap("encode")
    imagecodecs.htj2k_decode(stream, out=out)
    watch.lap("decode")


class FixedClock:
    """A time that costs nothing to ask for."""

    def now(self) -> datetime:
        """Return the same time, always."""
        return datetime(2026, 1, 1, tzinfo=UTC)


class Pipeline:
    """What ingest does with one landed object, up to and including the pack."""

    def __init__(self) -> None:
        self.packed = 0
        self._context = StoreContext(KEY, FixedClock())
        self.start_pack()

    def start_pack(self) -> None:
        """Begin an empty pack."""
        self._writer = PackWriter(self._sink, "pack")

    def _sink(self, data: bytes) -> None:
        self.packed += len(data)

    def run(self, given: Slice, watch: Stopwatch) -> None:
        """Name and store one slice."""
        watch.start()
        fetched = Fetched(given.landed, hashlib.sha256(given.landed).hexdigest())
        watch.lap("sha256")
        store_instance(fetched, LedgerKey("0" * 32, "v"), self._writer, self._context)
        watch.lap("store_instance")

    def close(self) -> float:
        """Finish the pack and return what that took."""
        since = time.thread_time_ns()
        self._writer.close()
        return (time.thread_time_ns() - since) / 1e6


def parts(given: Slice, watch: Stopwatch) -> None:
    """Run the steps of `store_instance` but for the record and the pack, one by one."""
    watch.start()
    source = BufferSource(given.landed)
    parsed = parse(source)
    watch.lap("parse")
    split(parsed.json)
    watch.lap("attributes for the index")
    frames, plan = plan_frames(parsed), plan_storage(parsed)
    tuple(store_frames(source, plan, frames, KEY))
    watch.lap("frames: plan, encode, verify, checksums, id")
    b"".join(head_parts(parsed, plan, frames))
    splices(plan, frames)
    encode_metadata(parsed.json)
    watch.lap("head and metadata")


def naive(given: Slice, watch: Stopwatch) -> None:
    """Do the same the obvious way: pydicom, one-call codecs, no pack."""
    watch.start()
    dataset = dcmread(BytesIO(given.landed))
    frame = dataset.pixel_array
    watch.lap("read")
    del dataset.PixelData
    json.dumps(dataset.to_json_dict())
    watch.lap("json")
    stream = imagecodecs.htj2k_encode(
        frame,
        reversible=True,
        bitspersample=given.layout.bits_stored,
        resolutions=decompositions(*frame.shape),
        prog_order="RPCL",
        tlm=True,
        tilepart="RESOLUTIONS",
    )
    watch.lap("encode")
    if not np.array_equal(imagecodecs.jpeg2k_decode(stream), frame):
        raise SystemExit("the naive pipeline lost pixels")
    watch.lap("verify")
    hashlib.sha256(given.landed).hexdigest()
    hashlib.sha256(stream).hexdigest()
    watch.lap("hash")


def measure(rounds: int) -> tuple[dict[str, dict[str, float]], float]:
    """Run everything in turn; return the medians by step, and dicomlake's whole time in units of L's."""
    given, pipeline = slices(), Pipeline()
    runs: dict[str, Callable[[Slice, Stopwatch], None]] = {
        "L": limit,
        "dicomlake": pipeline.run,
        "parts": parts,
        "pydicom": naive,
    }
    for one in given:
        for run in runs.values():
            run(one, Stopwatch())
    pipeline.start_pack()
    watches = {name: Stopwatch() for name in runs}
    gc.freeze()
    for at in range(rounds):
        for name, run in runs.items():
            run(given[at % SLICES], watches[name])
    ours = watches["dicomlake"].sum() + pipeline.close()
    return {name: watch.medians() for name, watch in watches.items()}, ours / watches["L"].sum()


def machine() -> str:
    """Return what the numbers were measured on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def main() -> int:
    """Print the table; with --save also write benchmarks/results/hot_path.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    medians, whole = measure(arguments.rounds)
    limit_ms, ours, plain = (medians[name]["total"] for name in ("L", "dicomlake", "pydicom"))
    lines = [f"{name:10} {step:44} {ms:8.3f} ms" for name, steps in medians.items() for step, ms in steps.items()]
    lines.append(f"{ours / limit_ms:.2f} L by medians, {whole:.2f} L by sums (goal {GOAL}, ceiling {CEILING})")
    lines.append(f"{plain / ours:.1f} x faster than pydicom")
    sys.stdout.write("\n".join(lines) + "\n")
    if arguments.save:
        result = {
            "machine": machine(),
            "slice": "corpus CT" if CORPUS.is_dir() else "CT_small tiled",
            "encoder": self_test().value,
            "encoder_is_ojph": self_test() is Encoder.OJPH,
            "rounds": arguments.rounds,
            "cpu_ms": medians,
            "ratio_to_L": round(ours / limit_ms, 3),
            "ratio_of_sums": round(whole, 3),
            "times_faster_than_pydicom": round(plain / ours, 2),
        }
        path = Path(__file__).parent / "results" / "hot_path.json"
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

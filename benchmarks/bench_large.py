"""Multi-frame objects of 1.1 and 5 GB through the large path: MB/s, and the most memory that its task takes.

    python benchmarks/bench_large.py [--gb 1.1 5]

The object lands, is over the limit of what functions take, and goes through the machine to the task: a process of its
own here, a Fargate task on AWS, with the same code. The peak is the task's own largest resident size. The limit beside
it is what cannot be left out: the same frames encoded and decoded by the bare codecs, one after another. What a 32-bit
length cannot tell, above 4 GiB, is Encapsulated Uncompressed Explicit VR Little Endian: a fragment a frame, no table.
"""

import argparse
import struct
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import result
import synthetic_ct
from local_run import LakeUnderTest, lake_under_test, peak_mb
from pydicom.uid import UID, MultiFrameGrayscaleWordSecondaryCaptureImageStorage
from result import say

from dicomlake.dicom.codecs.lossless import encode
from dicomlake.dicom.frames.pixels import PixelLayout

MEMORY_GOAL_MB = 300
MULTI_FRAME = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
ROWS = 512
FRAME = 2 * ROWS * ROWS
DIFFERENT = 64
"""Frames that differ; the rest repeats them, so that writing the file takes no time that matters."""
ENCAPSULATED_UNCOMPRESSED = UID("1.2.840.10008.1.2.1.98")
LONGEST_VALUE = 0xFFFFFFFE
ITEM_TAG = (0xFFFE, 0xE000)
ITEM = struct.pack("<HHI", *ITEM_TAG, FRAME)
END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
PATIENCE = 1800


def write(path: Path, frames: int) -> None:
    """Write the object frame by frame: one native value, or fragments where that would be too long (PS3.5 A.4)."""
    dataset = synthetic_ct.header(1, frames, ROWS, 5)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MULTI_FRAME
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.SeriesInstanceUID}1"[:64]
    dataset.NumberOfFrames, dataset.InstanceNumber = frames, 1
    encapsulated = frames * FRAME > LONGEST_VALUE
    if encapsulated:
        dataset.file_meta.TransferSyntaxUID = ENCAPSULATED_UNCOMPRESSED
    before, after = (ITEM, END) if encapsulated else (b"", b"")
    with path.open("wb") as file:
        dataset.save_as(file, enforce_file_format=True)
        length = 0xFFFFFFFF if encapsulated else frames * FRAME
        file.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB" if encapsulated else b"OW", 0, length))
        file.write(struct.pack("<HHI", *ITEM_TAG, 0) if encapsulated else b"")
        for number in range(frames):
            file.write(before + _frame(number).tobytes())
        file.write(after)


def _frame(number: int) -> synthetic_ct.Slice:
    return _different(number % DIFFERENT)


@cache
def _different(number: int) -> synthetic_ct.Slice:
    return synthetic_ct.pixels(number, ROWS, 5)


def limit_mb_per_s(frames: int) -> float:
    """Return what the bare codecs do on the same frames."""
    layout = PixelLayout(ROWS, ROWS, 1, 16, 12, signed=False)
    out = np.empty((ROWS, ROWS), np.uint16)
    started = time.perf_counter()
    for number in range(frames):
        imagecodecs.htj2k_decode(encode(_frame(number), layout, colour_transform=False), out=out)
    return frames * FRAME / 1e6 / (time.perf_counter() - started)


def run(lake: LakeUnderTest, path: Path) -> dict[str, Any]:
    """Land the object and wait for the line of its task."""
    started = time.time()
    lake.client("s3").upload_file(str(path), lake.endpoints.landingBucket, "in/large")
    landed, peak = time.time(), 0
    while time.time() < landed + PATIENCE:
        peak = max([peak, *(peak_mb(pid) for pid in lake.tasks())])
        lines = [line for line in lake.lines(started) if line["event"] == "large-instance"]
        if lines:
            return {**lines[0], "peakMb": peak, "secondsFromLanded": time.time() - landed}
        time.sleep(0.5)
    raise SystemExit(f"the large object was not decided within {PATIENCE} s")


def measure(gb: float) -> dict[str, Any]:
    """Send one object through a lake of its own, and print and return what it took."""
    frames = int(gb * 1e9 / FRAME) + 1
    with tempfile.TemporaryDirectory(prefix="bench-large-") as folder:
        path = Path(folder) / "large.dcm"
        write(path, frames)
        size = path.stat().st_size
        with lake_under_test(Path(folder) / "lake") as lake:
            line = run(lake, path)
        bare = limit_mb_per_s(200)
    if (line["outcome"], line["result"], line["frames"]) != ("ok", "stored", frames):
        raise SystemExit(f"the task ended with {line['outcome']}, {line['result']}, {line['frames']} frames")
    rate = size / 1e6 / (line["ms"] / 1000)
    say(f"{size / 1e9:.2f} GB, {frames} frames of 512x512x16: {rate:.1f} MB/s in the task")
    say(f"bare codecs, same frames: {bare:.1f} MB/s; ratio {rate / bare:.2f}")
    say(f"peak memory of the task {line['peakMb']} MB (goal {MEMORY_GOAL_MB} MB)")
    return {
        "bytes": size,
        "frames": frames,
        "mb_per_s": round(rate, 1),
        "bare_codecs_mb_per_s": round(bare, 1),
        "ratio_to_bare_codecs": round(rate / bare, 2),
        "peak_mb": line["peakMb"],
        "goal_peak_mb": MEMORY_GOAL_MB,
        "cpu_s": round(line["cpuMs"] / 1000, 1),
        "seconds_from_landed_to_decided": round(line["secondsFromLanded"], 1),
        "calls": line["calls"],
    }


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, nargs="+", default=[1.1, 5.0])
    result.save("large", {f"{gb:g} GB": measure(gb) for gb in parser.parse_args().gb})


if __name__ == "__main__":
    main()

"""Measure what an image costs from landed bytes to pack, beside the limit L and beside a plain pydicom pipeline.

    python benchmarks/bench_hot_path.py [--rounds 96] [--save]

L is what no pipeline can go below: encode the frame with the bare encoder, decode it with `imagecodecs.htj2k_decode`.
`dicomlake` is what ingest does with landed objects, small ones eight at a time: name their bytes (SHA-256), then
`prepare_together` and `store_instance` into a pack whose bytes go nowhere; `pack` is an image's share of closing it:
zstd blocks, frame tables, footer. The two take turns on the same images in the same process, as many at a time, and no
other pipeline runs between them: one that leaves the allocator in another state makes its neighbour pay page faults
(pydicom's cost L 0.4 ms a slice when it ran before it). The allocator is set as it is for functions, not at all; it is
brought where a function's is that has sent its first pack: glibc keeps freed memory once a block so large was freed.

Numbers are CPU milliseconds of the calling thread an image, the first quartile of all rounds: the machine may be
shared, and a neighbour in the same caches makes both slower but not in proportion. A compressed source is held against
L and its bare decoder's calls. `native` is the same slice with the native calls alone that the record needs beyond L:
what would be left if all of dicomlake's own code cost nothing.
"""

import argparse
import gc
import hashlib
import hmac
import json
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import result
from images import COMPRESSED, SLICES, Slice, kinds, series
from pydicom import dcmread
from stopwatch import Stopwatch

from dicomlake.dicom.codecs.lossless import crc32, decode_openjph, decompositions, encode, self_test
from dicomlake.dicom.codecs.markers import read_header, resolution_ends
from dicomlake.domain.model import LedgerKey
from dicomlake.lake.pack import PackWriter
from dicomlake.usecases.fetch_ahead import SMALL, TOGETHER
from dicomlake.usecases.store_instance import Fetched, StoreContext, prepare_together, store_instance

KEY = b"k" * 32
PART = 8 * 1024 * 1024
GOAL, CEILING, COMPRESSED_GOAL = 1.4, 1.6, 1.3
CT = "CT 512 s14"
Run = Callable[[Slice, "Stopwatch"], None]


def limit(given: Slice, watch: Stopwatch) -> None:
    """Run L: the two codec calls that are left when all else is free."""
    colour = given.pixels.ndim == 3
    out = None if colour else np.empty_like(given.pixels)
    watch.start()
    stream = encode(given.pixels, given.layout, colour_transform=colour)
    watch.lap("encode")
    imagecodecs.htj2k_decode(stream, planar=False, out=out)
    watch.lap("decode")


def native(given: Slice, watch: Stopwatch) -> None:
    """Run the native calls that a proved, named and checksummed frame takes, with nothing between them."""
    out = np.empty_like(given.pixels)
    watch.start()
    hashlib.sha256(given.landed).hexdigest()
    watch.lap("sha256")
    given.pixels.min(), given.pixels.max()
    watch.lap("range")
    stream = encode(given.pixels, given.layout, colour_transform=False)
    watch.lap("encode")
    hmac.digest(KEY, stream, "sha256")
    watch.lap("frame id")
    decode_openjph(stream, out)
    watch.lap("decode")
    if not np.array_equal(out, given.pixels):
        raise SystemExit("a frame lost pixels")
    watch.lap("compare")
    ends = resolution_ends(stream, read_header(stream))[:-1]
    watch.start()
    smaller = [decode_openjph(memoryview(stream)[:end], skip=len(ends) - at) for at, end in enumerate(ends)]
    watch.lap("smaller resolutions")
    for array in (*smaller, out):
        crc32(array)
    watch.lap("CRC-32")


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

    def run(self, given: Sequence[Slice], watch: Stopwatch) -> None:
        """Name and store images that are in work together."""
        watch.start()
        fetched = [Fetched(one.landed, hashlib.sha256(one.landed).hexdigest()) for one in given]
        watch.lap("sha256", len(given))
        together = len(given) > 1
        ready = prepare_together(fetched, self._context) if together else [None]
        watch.lap("prepare_together", len(given))
        for one, prepared in zip(fetched, ready, strict=True):
            store_instance(one, LedgerKey("0" * 32, "v"), self._writer, self._context, prepared)
        watch.lap("store_instance", len(given))

    def close(self) -> float:
        """Finish the pack and return the milliseconds that took."""
        since = time.thread_time_ns()
        self._writer.close()
        return (time.thread_time_ns() - since) / 1e6


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


def _packbits(frame: bytes) -> None:
    count, *starts = struct.unpack("<16I", frame[:64])
    for start, end in zip(starts[:count], [*starts[1:count], len(frame)], strict=True):
        imagecodecs.packbits_decode(frame[start:end])


BARE: dict[str, Callable[[bytes], object]] = {
    "J2K lossless": imagecodecs.jpeg2k_decode,
    "JPEG lossless": imagecodecs.jpeg8_decode,
    "RLE": _packbits,
}
"""The decoder's calls alone, of each compressed source; RLE's planes are left apart."""


def bare_decode(name: str) -> Run:
    """Return the step that decodes a compressed source, as the library gives it."""
    decode = BARE[name]

    def _run(given: Slice, watch: Stopwatch) -> None:
        frame = bytes(given.frame)
        watch.start()
        decode(frame)
        watch.lap("bare decode")

    return _run


def groups(given: list[Slice], images: int) -> Iterator[list[Slice]]:
    """Yield images as ingest takes them, so many in all."""
    size = TOGETHER if max(len(one.landed) for one in given) <= SMALL else 1
    for first in range(0, images, size):
        yield [given[at % len(given)] for at in range(first, min(first + size, images))]


def settle_allocator() -> None:
    """Free a block as large as what a pack is sent in."""
    bytearray(PART)


def measure(given: list[Slice], rounds: int, **others: Run) -> dict[str, dict[str, float]]:
    """Let L, dicomlake and others take turns; return the quartiles by step, for one image."""
    pipeline = Pipeline()
    runs: dict[str, Run] = {"L": limit, **others}
    for group in groups(given, max(3, len(given))):
        _turn(group, runs, {name: Stopwatch() for name in runs})
        pipeline.run(group, Stopwatch())
    pipeline.start_pack()
    settle_allocator()
    gc.collect()
    gc.freeze()
    watches = {name: Stopwatch() for name in (*runs, "dicomlake")}
    for group in groups(given, rounds):
        _turn(group, runs, watches)
        pipeline.run(group, watches["dicomlake"])
    found = {name: watch.quartiles() for name, watch in watches.items()}
    pack = round(pipeline.close() / rounds, 4)
    found["dicomlake"] = {**found["dicomlake"], "pack": pack, "total": round(found["dicomlake"]["total"] + pack, 4)}
    return found


def _turn(group: list[Slice], runs: dict[str, Run], watches: dict[str, Stopwatch]) -> None:
    for name, run in runs.items():
        for one in group:
            run(one, watches[name])


def alone(run: Run, given: list[Slice], rounds: int) -> dict[str, float]:
    """Return the quartiles of one pipeline that nothing runs beside."""
    watch = Stopwatch()
    run(given[0], Stopwatch())
    for at in range(rounds):
        run(given[at % len(given)], watch)
    return watch.quartiles()


def of_kinds(rounds: int) -> dict[str, Any]:
    """Measure every kind of image; the larger ones less often."""
    found = {}
    for name, kind in kinds().items():
        others = {"native": native} if name == CT else {}
        cpu = measure(series(kind), max(12, rounds * 512 * 512 // (kind.rows * kind.columns)), **others)
        found[name] = {"ratio_to_L": round(cpu["dicomlake"]["total"] / cpu["L"]["total"], 3), "cpu_ms": cpu}
        _tell(name, cpu, f"{found[name]['ratio_to_L']:.2f} L (goal {GOAL}{f', ceiling {CEILING}' * (name == CT)})")
    return found


def of_compressed(rounds: int) -> dict[str, Any]:
    """Measure the CT slice in every compressed source syntax."""
    found = {}
    for name in COMPRESSED:
        cpu = measure(series(kinds()[CT], name), rounds, bare=bare_decode(name))
        ratio = round(cpu["dicomlake"]["total"] / (cpu["L"]["total"] + cpu["bare"]["total"]), 3)
        found[name] = {"ratio_to_bare_decode_and_L": ratio, "cpu_ms": cpu}
        _tell(name, cpu, f"{ratio:.2f} of bare decode and L (goal {COMPRESSED_GOAL})")
    return found


def _tell(kind: str, cpu: dict[str, dict[str, float]], verdict: str = "") -> None:
    for name, steps in cpu.items():
        for step, ms in steps.items():
            result.say(f"{kind:18} {name:10} {step:22} {ms:9.3f} ms")
    result.say(f"{kind:18} {verdict}\n" if verdict else "")


def main() -> int:
    """Print the tables; with --save also write benchmarks/results/hot_path.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4 * SLICES)
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    images = of_kinds(arguments.rounds)
    compressed = of_compressed(arguments.rounds)
    plain = {"pydicom": alone(naive, series(kinds()[CT]), arguments.rounds // 2)}
    _tell(CT, plain)
    cpu = images[CT]["cpu_ms"]
    faster = plain["pydicom"]["total"] / cpu["dicomlake"]["total"]
    least = cpu["native"]["total"] / cpu["L"]["total"]
    sys.stdout.write(f"{CT}: native calls alone {least:.2f} L; pydicom takes {faster:.1f} times dicomlake's time\n")
    if arguments.save:
        malloc = {name: value for name, value in os.environ.items() if name.startswith("MALLOC_")}
        facts = {
            "encoder": self_test().value,
            "malloc_settings": malloc,
            "rounds": arguments.rounds,
            "images": images,
            "compressed": compressed,
        }
        ratios = {"native_calls_to_L": round(least, 3), "times_faster_than_pydicom": round(faster, 2)}
        result.save("hot_path", {**facts, "pydicom_cpu_ms": plain["pydicom"], **ratios})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

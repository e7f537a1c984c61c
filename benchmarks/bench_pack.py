"""Measure the pack format: bytes and CPU an instance, by zstd level and block size; the writer beside bare zstd.

    python benchmarks/bench_pack.py [--instances 300] [--save]

The heads are pydicom's own CT_small.dcm (a GE header of 252 elements, 6 kB) with what differs from slice to slice
made to differ: UIDs, number, position, times, pixel statistics. Times are CPU milliseconds an instance, best of five.
"""

import argparse
import json
import platform
import random
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import orjson
import zstandard
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from dicomlake.domain.model import (
    Frame,
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    LedgerKey,
    Level,
    Restorable,
    SeriesAttributes,
    SeriesUid,
    SopClassUid,
    Splice,
    StudyAttributes,
    StudyUid,
    TransferSyntaxUid,
)
from dicomlake.lake.blocks import BLOCK_SIZE, ZSTD_LEVEL
from dicomlake.lake.pack import UNPLACED, PackReader, PackWriter

LEVELS = (1, 3, 6, 9, 12)
BLOCKS_KIB = (64, 128, 256, 512)
FRAME = bytes(120_000)
SEARCHED = ("00080008", "00080016", "00080018", "00080023", "00200013", "00280010", "00280011", "00280100")


@dataclass(frozen=True, slots=True)
class Sample:
    """One instance as ingest would hand it over."""

    record: InstanceRecord
    head: bytes
    metadata: bytes


def slices(count: int) -> list[Sample]:
    """Make the slices of one CT series, deterministically."""
    numbers = random.Random(7)  # noqa: S311
    dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
    pixels = dataset.PixelData
    return [_slice(dataset, pixels, at, numbers) for at in range(count)]


def _slice(dataset: FileDataset, pixels: bytes, at: int, numbers: random.Random) -> Sample:
    uid = UID(f"1.2.826.0.1.3680043.8.498.{numbers.getrandbits(120)}")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.InstanceNumber = at + 1
    dataset.ImagePositionPatient = [-158.1359, -179.0358, round(-75.7 + at * 0.625, 3)]
    dataset.SliceLocation = round(-75.7 + at * 0.625, 3)
    dataset.ContentTime = dataset.AcquisitionTime = f"1125{at % 60:02}.{numbers.randrange(10**6):06}"
    dataset.XRayTubeCurrent = numbers.randrange(120, 400)
    dataset.PixelData = pixels
    out = BytesIO()
    dataset.save_as(out)
    landed = out.getvalue()
    model = {tag: value for tag, value in dataset.to_json_dict(1024).items() if tag != "7FE00010"}
    attributes = {tag: model[tag] for tag in SEARCHED if tag in model}
    return Sample(_record(uid, at + 1, len(landed), attributes), landed.replace(pixels, b""), orjson.dumps(model))


def _record(uid: str, number: int, size: int, attributes: dict[str, object]) -> InstanceRecord:
    study, series = "1.3.6.1.4.1.5962.1.2.1.20040119072730", "1.3.6.1.4.1.5962.1.3.1.1.20040119072730"
    digest = zlib.crc32(uid.encode()).to_bytes(4) * 8
    return InstanceRecord(
        key=InstanceKey(StudyUid(study), SeriesUid(series), InstanceUid(uid)),
        ledger=LedgerKey(digest[:16].hex(), digest[16:32].hex()),
        sop_class_uid=SopClassUid("1.2.840.10008.5.1.4.1.1.2"),
        source_transfer_syntax=TransferSyntaxUid("1.2.840.10008.1.2.1"),
        stored_transfer_syntax=TransferSyntaxUid("1.2.840.10008.1.2.4.202"),
        landed_size=size,
        landed_sha256=random.Random(uid).randbytes(32).hex(),  # noqa: S311
        content_digest=random.Random(number).randbytes(16).hex(),  # noqa: S311
        stored_size=len(FRAME),
        frame_count=1,
        restorable=Restorable.BYTES,
        pointer=UNPLACED,
        stored_at="2026-11-22T10:00:00.123Z",
        instance_number=number,
        attributes=json.loads(json.dumps(attributes)),
    )


def best(work: Callable[[], object], times: int = 5) -> float:
    """Return the least CPU milliseconds of several runs."""
    measured = []
    for _ in range(times):
        start = time.process_time()
        work()
        measured.append((time.process_time() - start) * 1000)
    return min(measured)


def write(samples: Sequence[Sample], sink: Callable[[bytes], object]) -> None:
    """Write one pack of the samples, one 120 kB frame each."""
    writer = PackWriter(sink, "packs/x")
    levels = tuple([Level(64 << at, 64 << at, 7500 << (2 * at), at) for at in range(3)])
    frame = Frame(0, len(FRAME), 524_288, (*levels, Level(512, 512, len(FRAME), 4)), -1024, 3071, "0f" * 16)
    for sample in samples:
        writer.begin_instance()
        writer.add_frame(FRAME, frame)
        key = sample.record.key
        splices = (Splice(len(sample.head), 0, 0, 524_288),)
        study, series = StudyAttributes(key.study_uid), SeriesAttributes(key.series_uid)
        writer.finish_instance(sample.record, sample.head, sample.metadata, splices, study, series)
    writer.close()


def packed(samples: Sequence[Sample]) -> bytes:
    """Return one pack's bytes."""
    out: list[bytes] = []
    write(samples, out.append)
    return b"".join(out)


def _blocks(values: Sequence[bytes], size: int) -> list[bytes]:
    blocks, current = [], b""
    for value in values:
        if len(current) + len(value) > size:
            blocks.append(current)
            current = b""
        current += value
    return [*blocks, current]


def _compress(blocks: Sequence[bytes], level: int) -> int:
    packer = zstandard.ZstdCompressor(level=level, write_checksum=True)
    return sum(len(packer.compress(block)) for block in blocks)


def table(name: str, values: Sequence[bytes]) -> list[dict[str, object]]:
    """Measure bytes and CPU an instance for every level and block size."""
    rows: list[dict[str, object]] = []
    for size in BLOCKS_KIB:
        blocks = _blocks(values, size * 1024)
        for level in LEVELS:
            packed = _compress(blocks, level) / len(values)
            spent = best(lambda b=blocks, at=level: _compress(b, at)) / len(values)  # type: ignore[misc]
            rows.append(
                {"what": name, "block_kib": size, "level": level, "bytes": round(packed), "ms": round(spent, 4)}
            )
    return rows


def footers(data: bytes, count: int) -> dict[str, object]:
    """Measure the footer: its size and cost under zlib and under zstd."""
    at, length = int.from_bytes(data[-48:-40], "little"), int.from_bytes(data[-40:-32], "little")
    raw = zlib.decompress(data[at : at + length])
    packer = zstandard.ZstdCompressor(level=3)
    return {
        "raw_bytes": round(len(raw) / count),
        **{f"zlib{at}_bytes": round(len(zlib.compress(raw, at)) / count) for at in (1, 3, 6)},
        **{f"zlib{at}_ms": round(best(lambda at=at: zlib.compress(raw, at)) / count, 4) for at in (1, 3, 6)},  # type: ignore[misc]
        "zstd3_bytes": round(len(packer.compress(raw)) / count),
        "zstd3_ms": round(best(lambda: packer.compress(raw)) / count, 4),
    }


def whole(samples: Sequence[Sample]) -> dict[str, object]:
    """Measure writing and opening whole packs."""
    count = len(samples)
    data = packed(samples)
    blocks = _blocks([s.head for s in samples], BLOCK_SIZE) + _blocks([s.metadata for s in samples], BLOCK_SIZE)
    bare = best(lambda: _compress(blocks, ZSTD_LEVEL)) / count
    spent = best(lambda: write(samples, len)) / count
    reader = PackReader(lambda offset, length: data[offset : offset + length], len(data))
    footer = reader.footer()
    streams = {"heads": footer.heads, "metadata": footer.metadata}
    return {
        "write_ms": round(spent, 4),
        "bare_zstd_ms": round(bare, 4),
        "beyond_zstd_ms": round(spent - bare, 4),
        **{f"{name}_bytes": round(sum(b.place.length for b in blocks) / count) for name, blocks in streams.items()},
        "all_but_frames_bytes": round((len(data) - count * len(FRAME)) / count),
        "open_ms_a_pack": round(best(lambda: PackReader(lambda o, n: data[o : o + n], len(data)).footer()), 3),
    }


def main() -> None:
    """Print the measurements as JSON, and keep them if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=300)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/pack.json")
    options = parser.parse_args()
    samples = slices(options.instances)
    result = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}, zstd {zstandard.ZSTD_VERSION}",
        "raw": {"head": len(samples[0].head), "metadata": len(samples[0].metadata)},
        "pack": whole(samples),
        "pack_of_two": whole(samples[:2]),
        "footer": footers(packed(samples), len(samples)),
        "levels": table("head", [s.head for s in samples]) + table("metadata", [s.metadata for s in samples]),
    }
    text = json.dumps(result, indent=1)
    print(text)  # noqa: T201
    if options.save:
        Path(__file__).with_name("results").joinpath("pack.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

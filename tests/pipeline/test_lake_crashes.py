"""Handlers that die: of an object that takes more memory than there is, or killed from outside, at any moment."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.bombs import rle_bomb
from tests.pipeline.lakes import children, kill_hard
from tests.pipeline.quick_templates import LARGE_LIMIT
from tests.pipeline.running import RunningLake
from tests.usecases.dicom_files import ROOT, ct_slice

pytestmark = pytest.mark.timeout(600)


def environments(lake: RunningLake, function: str) -> Iterator[int]:
    """Yield the process ids of a function's execution environments."""
    name = lake.named(function)
    family = [lake.endpoints.pid]
    for pid in family:
        family += children(pid)
        if variable(pid, "AWS_LAMBDA_FUNCTION_NAME") == name:
            yield pid


def variable(pid: int, name: str) -> str:
    """Return a variable of a process's environment, "" where it has none."""
    try:
        lines = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    values = [line.partition(b"=")[2] for line in lines if line.startswith(name.encode() + b"=")]
    return values[0].decode() if values else ""


def test_an_object_that_ends_its_process_every_time_is_quarantined_and_its_neighbours_are_stored(
    quick_lake: RunningLake,
) -> None:
    bomb = rle_bomb(201, side=5700, frames=3)
    assert len(bomb) < LARGE_LIMIT

    neighbours = [quick_lake.put(f"beside/{number}", ct_slice(202, 1, number)) for number in range(1, 11)]
    landed = quick_lake.put("bomb", bomb)
    neighbours += [quick_lake.put(f"beside/{number}", ct_slice(202, 1, number)) for number in range(11, 21)]

    assert {entry["outcome"] for entry in quick_lake.decided(neighbours)} == {"stored"}
    (entry,) = quick_lake.decided([landed])
    assert (entry["outcome"], entry["reason"], entry["instance"]) == ("quarantined", "crashed", None)
    bucket, kept = quick_lake.endpoints.quarantineBucket, f"objects/{entry['id']}"
    assert quick_lake.s3.get_object(Bucket=bucket, Key=kept)["Body"].read() == bomb
    killed = [line for line in quick_lake.log_lines("IngestOneLogs") if "signal: kill" in line]
    assert len(killed) >= 2
    assert quick_lake.ready(f"{ROOT}.202")["instances"] == 20
    quick_lake.at_rest()


def test_handlers_killed_again_and_again_lose_nothing_and_store_nothing_twice(quick_lake: RunningLake) -> None:
    before = quick_lake.totals()
    landed = []
    for number in range(1, 121):
        landed.append(quick_lake.put(f"killed/{number}", ct_slice(203, 1, number)))
        if number % 12 == 0:
            time.sleep(0.25)
            for pid in list(environments(quick_lake, "IngestFunction")):
                kill_hard(pid)

    entries = quick_lake.decided(landed)

    assert {entry["outcome"] for entry in entries} == {"stored"}
    study = quick_lake.ready(f"{ROOT}.203")
    after = quick_lake.totals()
    assert {name: after[name] - before[name] for name in ("landed", "stored", "duplicates", "instances")} == {
        "landed": 120,
        "stored": 120,
        "duplicates": 0,
        "instances": 120,
    }
    assert quick_lake.document(f"/lake/studies/{ROOT}.203")["instances"] == 120
    assert study["studyUid"] == f"{ROOT}.203"

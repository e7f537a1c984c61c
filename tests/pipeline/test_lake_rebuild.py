"""A lake whose engine was killed comes back whole: the index is rebuilt from what the buckets hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomlake.local.engine import free_port
from tests.pipeline.lakes import LakeProcess, kill_hard, until
from tests.pipeline.running import Document, Landed, RunningLake
from tests.usecases.dicom_files import ROOT, ct_slice

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")]
STUDIES = tuple(f"{ROOT}.{number}" for number in (301, 302))
TOTALS = ("landed", "stored", "duplicates", "quarantined", "instances", "frames", "landedBytes", "storedBytes")
COUNTS = (*TOTALS, "state", "series", "modalities", "warnings")


@pytest.fixture
def lakes(tmp_path: Path) -> Iterator[list[LakeProcess]]:
    """The lakes of this test; whatever a failing test left is ended."""
    started: list[LakeProcess] = []
    yield started
    for lake in started:
        if lake.process.poll() is None:
            lake.stop()


def start(lakes: list[LakeProcess], data: Path, port: int, *arguments: str) -> LakeProcess:
    lakes.append(LakeProcess.start(data, port, *arguments))
    return lakes[-1]


def push(lake: RunningLake) -> list[Landed]:
    """Two studies, a duplicate, a conflict and junk, in an order that leaves no race."""
    sent = [lake.put(f"sources/ward/x/{s}/{n}", ct_slice(s, 1 + n % 2, n)) for s in (301, 302) for n in range(1, 7)]
    lake.decided(sent)
    later = [lake.put("again", ct_slice(301, 2, 1)), lake.put("other", ct_slice(301, 2, 3, seed=9))]
    later.append(lake.put("junk", b"a text that is no DICOM file and longer than a preamble " * 8))
    lake.decided(later)
    return sent + later


def settled(lake: RunningLake, landed: int) -> dict[str, object]:
    """Wait until all is counted and ready; return what a reader and an operator see of it."""

    def look() -> tuple[list[Document], Document]:
        answers = [lake.ask(f"/lake/studies/{study}") for study in STUDIES]
        studies = [answer.json() for answer in answers if answer.status_code == 200]
        return studies, lake.document("/lake/statistics")

    def at_rest() -> bool:
        studies, totals = look()
        ready = [study for study in studies if study["state"] == "ready"]
        counted = sum(study["landed"] for study in ready), totals["landed"], totals["instances"]
        return len(ready) == len(STUDIES) and counted == (landed - 1, landed, 12)

    assert until(at_rest), look()
    studies, totals = look()
    quarantine = [(one["id"], one["reason"], one["steps"]) for one in lake.document("/lake/quarantine")["objects"]]
    return {
        "studies": [{name: study[name] for name in COUNTS} for study in studies],
        "totals": {name: totals[name] for name in TOTALS},
        "quarantine": quarantine,
        "found": sorted(str(one) for one in lake.ask(f"/dicomweb/{lake.endpoints.datastoreId}/studies").json()),
    }


def outcomes(lake: RunningLake, landed: list[Landed]) -> list[tuple[str, ...]]:
    return [(one["id"], one["outcome"], one["source"], str(one["instance"])) for one in lake.decided(landed)]


def test_after_a_killed_engine_recovery_brings_the_studies_back_with_equal_counts(
    lakes: list[LakeProcess], tmp_path: Path
) -> None:
    data, port = tmp_path / "data", free_port()
    first = start(lakes, data, port)
    lake = RunningLake(first.ready())
    landed = push(lake)
    seen, decided = settled(lake, len(landed)), outcomes(lake, landed)

    kill_hard(first.family()[1])
    first.ended()
    refused = start(lakes, data, port).ended()
    again = start(lakes, data, port, "--recover")
    recovered = RunningLake(again.ready())

    assert refused[0] == 1
    assert "--recover" in refused[1]
    assert settled(recovered, len(landed)) == seen
    assert outcomes(recovered, landed) == decided
    _, said = again.stop()
    assert ": 13 instances, " in said
    assert ", 1 duplicate, 1 quarantined object; 0 landed objects are read again; nothing stored is lost" in said
    assert "nothing stored is lost" in said


def test_what_lands_after_a_restart_is_numbered_and_counted_like_what_landed_before(
    lakes: list[LakeProcess], tmp_path: Path
) -> None:
    data, port = tmp_path / "data", free_port()
    first = start(lakes, data, port)
    lake = RunningLake(first.ready())
    lake.decided([lake.put(f"before/{n}", ct_slice(401, 1, n)) for n in range(1, 4)])
    assert until(lambda: lake.document("/lake/statistics")["landed"] == 3)
    first.stop()

    again = RunningLake(start(lakes, data, port).ready())
    again.decided([again.put("after/1", ct_slice(402, 1, 1))])

    assert until(lambda: again.document("/lake/statistics")["landed"] == 4)

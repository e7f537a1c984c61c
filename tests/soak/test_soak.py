"""Ten thousand instances into a lake whose functions are killed and which is stopped and started on the way.

At the end every landed object is in exactly one count, to the unit, and every study is ready with all its instances.
`DICOMLAKE_SOAK=500 make soak` does the same with fewer. What a killed function had in hand comes back when its
messages show again, after three minutes (six time-outs of the function), so it takes at least that long.
"""

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from dicomlake.client.lake import LakeClient
from dicomlake.local.endpoints import Endpoints
from dicomlake.local.engine import free_port
from tests.pipeline.lakes import LakeProcess, children, client, kill_hard

INSTANCES = int(os.environ.get("DICOMLAKE_SOAK", "10000"))
IMAGES_A_STUDY = 50
STUDIES = INSTANCES // IMAGES_A_STUDY
JUNK = INSTANCES // 100
TWICE = INSTANCES // 20
UPLOADERS = 4
KILL_EVERY = 4.0
PATIENCE = 1500.0


def objects() -> Iterator[bytes]:
    """Every object that lands, in an order of its own: instances, some of them again, and what is no DICOM."""
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    order = [(study, image) for image in range(IMAGES_A_STUDY) for study in range(STUDIES)]
    order += order[:TWICE]
    random.Random(20).shuffle(order)  # noqa: S311 - the same every time
    for number, (study, image) in enumerate(order):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"2.25.9{study}", f"2.25.9{study}.1"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.9{study}.1.{image + 1}"
        dataset.InstanceNumber = image + 1
        out = BytesIO()
        dataset.save_as(out, enforce_file_format=True)
        yield out.getvalue()
        if number % (len(order) // JUNK) == 0 and number // (len(order) // JUNK) < JUNK:
            yield b"no DICOM, number %d" % number


@dataclass(slots=True)
class Chaos:
    """Kills a process that runs a function, again and again, until it is told to stop."""

    engine: Callable[[], int]
    killed: int = 0
    _stop: Event = field(default_factory=Event)
    _random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311

    def __enter__(self) -> "Chaos":
        Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(KILL_EVERY):
            with contextlib.suppress(ProcessLookupError, StopIteration, IndexError):
                kill_hard(self._random.choice(children(self.engine())))
                self.killed += 1


def send(lake: Endpoints, bodies: list[bytes], first: int) -> None:
    """Put objects into the landing bucket, several at once."""
    s3 = client(lake, "s3")

    def put(numbered: tuple[int, bytes]) -> None:
        s3.put_object(Bucket=lake.landingBucket, Key=f"soak/{first + numbered[0]}", Body=numbered[1])

    with ThreadPoolExecutor(UPLOADERS) as senders:
        list(senders.map(put, enumerate(bodies)))


def decided(lake: Endpoints, landed: int) -> dict[str, Any]:
    """Wait until every object is decided and every study ready; return the lake's statistics, as they are then."""
    api, deadline = LakeClient(lake), time.monotonic() + PATIENCE
    while True:
        told = api.statistics()
        done = told["landed"] >= landed and told["stored"] >= STUDIES * IMAGES_A_STUDY
        if (done and ready(api) == STUDIES) or time.monotonic() > deadline:
            return told
        time.sleep(2)


def ready(api: LakeClient) -> int:
    """Count the studies that are ready with all their instances."""
    found = (api.study(f"2.25.9{study}") for study in range(STUDIES))
    return sum(1 for study in found if study["state"] == "ready" and study["instances"] == IMAGES_A_STUDY)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def test_ten_thousand_instances_survive_kills_and_a_restart_to_the_unit(directory: Path) -> None:
    port, bodies = free_port(), list(objects())
    half = len(bodies) // 2
    lake = LakeProcess.start(directory, port)
    told = lake.ready()
    with Chaos(lambda: next(iter(children(lake.process.pid)))) as chaos:
        send(told, bodies[:half], 0)
        assert lake.stop()[0] == 0
        lake = LakeProcess.start(directory, port)
        told = lake.ready()
        send(told, bodies[half:], half)
        started = time.monotonic()

    statistics = decided(told, len(bodies))
    complete = ready(LakeClient(told))
    code, _ = lake.stop()

    sys.stdout.write(f"\n{len(bodies)} objects, {chaos.killed} kills, {time.monotonic() - started:.0f} s to decide\n")
    counted = {name: statistics[name] for name in ("landed", "stored", "duplicates", "quarantined")}
    assert counted == {
        "landed": len(bodies),
        "stored": STUDIES * IMAGES_A_STUDY,
        "duplicates": TWICE,
        "quarantined": JUNK,
    }
    assert complete == STUDIES
    assert chaos.killed > 0
    assert code == 0

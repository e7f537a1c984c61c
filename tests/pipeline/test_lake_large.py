"""Objects over the size limit: a task of their own, the study that waits for them, tasks that die half-way."""

import io
import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pydicom
import pytest

from tests.pipeline.lakes import children, client, kill_hard, until
from tests.pipeline.quick_templates import LARGE_LIMIT
from tests.pipeline.running import Document, Landed, RunningLake
from tests.pipeline.test_lake_crashes import variable
from tests.usecases.dicom_files import ROOT, ct_slice

pytestmark = pytest.mark.timeout(600)

SIDE = 512


def large(study: int, frames: int) -> bytes:
    """A multi-frame CT of noise, half a megabyte a frame."""
    data = pydicom.dcmread(io.BytesIO(ct_slice(study, 1, 1000)))
    data.Rows = data.Columns = SIDE
    data.NumberOfFrames = frames
    noise = np.random.default_rng(study).integers(0, 4096, (SIDE, SIDE), dtype="<u2")
    data.PixelData = b"".join(np.roll(noise, 17 * frame, 1).tobytes() for frame in range(frames))
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


def tasks(lake: RunningLake) -> Iterator[int]:
    """Yield the process ids of the tasks that run."""
    family = [lake.endpoints.pid]
    for pid in family:
        family += children(pid)
        if "IngestObject" in variable(pid, "DICOMLAKE_MESSAGE"):
            yield pid


def half_way(lake: RunningLake, landed: Landed) -> int:
    """Wait until the object's task has begun its study, and stop the task there; return its process id."""

    def begun() -> bool:
        (entry,) = lake.where([landed])
        return entry is not None and entry["outcome"] == "pending"

    assert until(begun)
    (pid,) = tasks(lake)
    os.kill(pid, signal.SIGSTOP)
    return pid


def executions(lake: RunningLake) -> list[str]:
    """The states of the large machine's executions, newest first."""
    listed = client(lake.endpoints, "stepfunctions").list_executions(stateMachineArn=lake.named("LargeMachine"))
    return [one["status"] for one in listed["executions"]]


def searched(lake: RunningLake, study: int) -> list[Document]:
    """What a search for a study's instances finds."""
    answer = lake.ask(f"/dicomweb/{lake.endpoints.datastoreId}/studies/{ROOT}.{study}/instances")
    found: list[Document] = answer.json() if answer.status_code == 200 else []
    return found


def test_an_object_over_the_limit_goes_to_a_task_of_its_own(quick_lake: RunningLake) -> None:
    body, before = large(301, frames=12), len(executions(quick_lake))
    assert len(body) > LARGE_LIMIT

    landed = quick_lake.put("large 患者", body)

    (entry,) = quick_lake.decided([landed])
    assert (entry["outcome"], entry["size"]) == ("stored", len(body))
    study = quick_lake.ready(f"{ROOT}.301")
    assert (study["instances"], study["frames"], study["landedBytes"]) == (1, 12, len(body))
    assert until(lambda: executions(quick_lake)[: len(executions(quick_lake)) - before] == ["SUCCEEDED"])
    assert not list(tasks(quick_lake))


def test_a_study_waits_for_its_large_object(quick_lake: RunningLake) -> None:
    landed = quick_lake.put("large/waited for", large(302, frames=60))
    task = half_way(quick_lake, landed)

    small = quick_lake.put("beside the large one", ct_slice(302, 1, 1))
    quick_lake.decided([small])
    assert until(lambda: quick_lake.ask(f"/lake/studies/{ROOT}.302").status_code == 200)
    until(lambda: quick_lake.document(f"/lake/studies/{ROOT}.302")["readyGeneration"], 8)
    waiting = quick_lake.document(f"/lake/studies/{ROOT}.302")
    os.kill(task, signal.SIGCONT)

    assert (waiting["state"], waiting["readyGeneration"], waiting["instances"]) == ("receiving", 0, 1)
    ready = quick_lake.ready(f"{ROOT}.302")
    assert (ready["generation"], ready["instances"], ready["frames"]) == (1, 2, 61)


@pytest.mark.parametrize("kind", ["noise", "cut"])
def test_a_damaged_large_object_is_quarantined(quick_lake: RunningLake, kind: str) -> None:
    noise = np.random.default_rng(303).bytes(LARGE_LIMIT + 1)
    body = noise if kind == "noise" else ct_slice(303, 1, 1)[:400] + noise

    landed = quick_lake.put(f"damaged/{kind}", body)

    (entry,) = quick_lake.decided([landed])
    assert (entry["outcome"], entry["reason"]) == ("quarantined", {"noise": "not-dicom", "cut": "malformed"}[kind])
    kept = quick_lake.s3.get_object(Bucket=quick_lake.endpoints.quarantineBucket, Key=f"objects/{entry['id']}")
    assert kept["Body"].read() == body


def test_a_task_killed_half_way_leaves_nothing_visible_and_is_run_again(quick_lake: RunningLake) -> None:
    landed = quick_lake.put("large/killed once", large(304, frames=60))

    kill_hard(half_way(quick_lake, landed))
    seen = searched(quick_lake, 304)

    assert seen == []
    (entry,) = quick_lake.decided([landed])
    assert entry["outcome"] == "stored"
    study = quick_lake.ready(f"{ROOT}.304")
    assert (study["instances"], study["frames"], study["landed"]) == (1, 60, 1)
    assert len(searched(quick_lake, 304)) == 1


def test_a_task_that_dies_every_time_ends_its_object_in_quarantine(quick_lake: RunningLake) -> None:
    landed = quick_lake.put("large/killed always", large(305, frames=60))
    deadline, killed = time.monotonic() + 120, set[int]()

    def ended() -> bool:
        for pid in set(tasks(quick_lake)) - killed:
            kill_hard(pid)
            killed.add(pid)
        (entry,) = quick_lake.where([landed])
        return (entry is not None and entry["outcome"] != "pending") or time.monotonic() > deadline

    until(ended, 130)

    (entry,) = quick_lake.decided([landed], 10)
    assert (entry["outcome"], entry["reason"]) == ("quarantined", "crashed")
    assert len(killed) == 2
    assert searched(quick_lake, 305) == []

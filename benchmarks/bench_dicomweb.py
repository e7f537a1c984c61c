"""DICOMweb answers a second and milliseconds an answer, beside Orthanc with its DICOMweb plug-in in the same run.

    python benchmarks/bench_dicomweb.py [--images 300] [--studies 1000,10000] [--seconds 6]

Both hold the same CT study and as many small studies, both listen on loopback, clients set TCP_NODELAY. Each question
is asked of both in turn, in rounds, so that what else the machine does meets both. `deployed` is what a client waits
for over the local lake: gateway, engine (AWS's stand-in), function; `function` is the wall time that the function's own
log line tells, which holds its calls of the engine; CPU is counted by process.
"""

import argparse
import http.client
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import bench_index
import orthanc
import result
import synthetic_ct
from local_run import LakeUnderTest, lake_under_test
from result import say

from dicomlake.adapters.clients import AwsClients
from dicomlake.adapters.dynamodb import dynamodb_datastore
from dicomlake.adapters.memory import MemoryObjectStore

ROUNDS = 3
STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
"""As OHIF asks for frames: whatever is stored, so that neither side decodes."""
JSON = "application/dicom+json"
SMALL = 16
"""Rows and columns of the one image of a small study."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that clients ask: the paths under the DICOMweb root, in turn, and what they accept."""

    name: str
    paths: Sequence[str]
    accept: str
    concurrency: int
    goal: float
    """How many times faster than the peer it has to be."""


@dataclass(frozen=True, slots=True)
class Server:
    """One side: its DICOMweb root, and its CPU seconds so far by role."""

    root: str
    cpu: Callable[[], dict[str, float]]


@dataclass(slots=True)
class Taken:
    """What one side took for one question, over all rounds."""

    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    bytes: int = 0

    def told(self) -> dict[str, Any]:
        """Return the figures as they are saved."""
        answers = len(self.milliseconds)
        ordered = sorted(self.milliseconds)
        return {
            "answers": answers,
            "per_s": round(answers / self.seconds, 1),
            "p50_ms": round(statistics.median(ordered), 2),
            "p95_ms": round(ordered[int(answers * 0.95)], 2),
            "kb": round(self.bytes / answers / 1000, 1),
            "cpu_ms": {role: round(spent * 1000 / answers, 2) for role, spent in self.cpu.items()},
        }


class Client:
    """One connection that stays open."""

    def __init__(self, root: str) -> None:
        parts = urlsplit(root)
        self._prefix = parts.path
        self._connection = http.client.HTTPConnection(parts.netloc)

    def get(self, path: str, accept: str) -> int:
        """Return the length of an answer. SystemExit where it is an error: an error is no measurement."""
        if self._connection.sock is None:
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        self._connection.request("GET", self._prefix + path, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"a question was answered with {answer.status}: {body[:200]!r}")
        return len(body)


def ask(server: Server, question: Question, seconds: float, taken: Taken) -> None:
    """Ask one question over and over, from as many connections as it says."""
    numbers = count()
    barrier = Barrier(question.concurrency)

    def one(_: int) -> list[tuple[float, int]]:
        client, found = Client(server.root), []
        client.get(question.paths[0], question.accept)
        barrier.wait()
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            size = client.get(question.paths[next(numbers) % len(question.paths)], question.accept)
            found.append(((time.perf_counter() - started) * 1000, size))
        return found

    before, started = server.cpu(), time.perf_counter()
    with ThreadPoolExecutor(question.concurrency) as clients:
        rows = [row for found in clients.map(one, range(question.concurrency)) for row in found]
    taken.seconds += time.perf_counter() - started
    taken.milliseconds += [row[0] for row in rows]
    taken.bytes += sum(row[1] for row in rows)
    for role, spent in server.cpu().items():
        taken.cpu[role] = taken.cpu.get(role, 0.0) + spent - before[role]


def compare(lake: LakeUnderTest, peer: orthanc.Orthanc | None, questions: list[Question], seconds: float) -> list[Any]:
    """Ask both sides every question in turn; return a row a question."""
    ours = Server(lake.endpoints.dicomweb, lake.cpu)
    theirs = Server(peer.dicomweb, lambda: {"orthanc": peer.cpu()}) if peer else None
    return [_row(question, lake, ours, theirs, seconds) for question in questions]


def _row(question: Question, lake: LakeUnderTest, ours: Server, theirs: Server | None, seconds: float) -> Any:
    mine, other, since = Taken(), Taken(), time.time()
    for _ in range(ROUNDS):
        ask(ours, question, seconds / ROUNDS, mine)
        if theirs:
            ask(theirs, question, seconds / ROUNDS, other)
    row = {"question": question.name, "concurrency": question.concurrency, "goal": question.goal}
    row |= {"deployed": mine.told(), "function": of_function(lake.lines(since))}
    if theirs:
        row["orthanc"] = other.told()
        row["times_orthanc"] = _times(question, row["deployed"], row["orthanc"])
    tell(row)
    return row


def _times(question: Question, ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """How many times faster we are: by answers a second where many ask at once, else by the median."""
    if question.concurrency > 1:
        return round(ours["per_s"] / theirs["per_s"], 2)
    return round(theirs["p50_ms"] / ours["p50_ms"], 2)


def of_function(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the functions that answer say of themselves: medians of an answer."""
    answered = [line for line in lines if line["event"] in ("dicomweb", "pixels") and line.get("status") == 200]
    if not answered:
        raise SystemExit("no function said that it answered")
    last = answered[-1]["calls"]
    return {
        "p50_ms": statistics.median(line["ms"] for line in answered),
        "p50_cpu_ms": statistics.median(line["cpuMs"] for line in answered),
        "calls": {name: told["count"] if isinstance(told, dict) else told for name, told in last.items()},
    }


def tell(row: dict[str, Any]) -> None:
    """Print one row."""
    ours, function, theirs = row["deployed"], row["function"], row.get("orthanc")
    beside = f"{theirs['p50_ms']:9.2f} {theirs['per_s']:8.1f}/s" if theirs else ""
    times = f"{row['times_orthanc']:7.2f}x (goal {row['goal']})" if theirs else ""
    say(
        f"{row['question']:38}{ours['p50_ms']:9.2f} {ours['per_s']:8.1f}/s  function {function['p50_ms']:7.2f} "
        f"(CPU {function['p50_cpu_ms']:6.2f})  orthanc {beside} {times}"
    )


# --- what they hold and are asked ----------------------------------------------------------------------------------


def small_study(number: int) -> bytes:
    """Return the one file of a small study, of the patient that bench_index invents for the number."""
    dataset = synthetic_ct.header(number, 1, SMALL, seed=9)
    dataset.PatientID = patient_id(number)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = synthetic_ct.instance_uid(number, 0, seed=9)
    dataset.InstanceNumber = 1
    dataset.PixelData = bytes(2 * SMALL * SMALL)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def patient_id(number: int) -> str:
    """Return who a small study is of."""
    return f"P{number // 2:08d}"


def fill(lake: LakeUnderTest, peer: orthanc.Orthanc | None, folder: Path, numbers: range) -> None:
    """Give both sides more small studies: Orthanc as files, the lake as rows of its index, as ingest commits them."""
    os.environ |= {"AWS_ACCESS_KEY_ID": lake.endpoints.accessKeyId}
    os.environ |= {"AWS_SECRET_ACCESS_KEY": lake.endpoints.secretAccessKey}
    clients = AwsClients(lake.endpoints.region, endpoint_url=lake.endpoints.s3)
    store = dynamodb_datastore(clients.dynamodb, lake.table(), MemoryObjectStore("bench"))
    bench_index.fill(store, numbers.start, numbers.stop)
    folder.mkdir(parents=True)
    files = [folder / f"{number}.dcm" for number in numbers]
    for number, file in zip(numbers, files, strict=True):
        file.write_bytes(small_study(number))
    if peer and peer.store(files) is None:
        raise SystemExit("Orthanc died while it was filled: run it again")


def of_images(images: int) -> list[Question]:
    """Return what is asked about the CT study."""
    header = synthetic_ct.header(0, images, 512, 1)
    series = f"/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}"
    instances = [f"{series}/instances/{synthetic_ct.instance_uid(0, at)}" for at in range(images)]
    frames = [f"{place}/frames/1" for place in instances]
    rendered = [f"{place}/rendered" for place in instances]
    return [
        Question(f"series metadata, {images} instances", [f"{series}/metadata"], JSON, 1, 10),
        *(Question(f"frames, {clients} at once", frames, STORED, clients, 2) for clients in (1, 4, 16)),
        Question("rendered, PNG", rendered, "image/png", 1, 4),
    ]


def of_studies(held: int) -> list[Question]:
    """Return what is asked about so many studies."""
    exact = [f"/studies?PatientID={patient_id(number)}" for number in range(2, held, max(1, held // 50))]
    page = ["/studies?limit=101&offset=0&includefield=00081030%2C00080060%2C00080090%2C00100030"]
    return [
        Question(f"PatientID, exact, {held:,} studies", exact, JSON, 1, 2),
        Question(f"first page of 101, {held:,} studies", page, JSON, 1, 2),
    ]


def measure(images: int, sizes: list[int], seconds: float, work: Path) -> list[Any]:
    """Fill both sides and ask."""
    bench_index.IMAGES = 1
    with ExitStack() as started:
        lake = started.enter_context(lake_under_test(work / "lake"))
        peer = started.enter_context(orthanc.running("")) if orthanc.DICOMWEB.exists() else None
        files = synthetic_ct.write_study(work / "ct", 0, images)
        lake.push(work / "ct")
        if peer:
            peer.store(files)
        rows = compare(lake, peer, of_images(images), seconds)
        for held, more in zip([1, *sizes], sizes, strict=False):
            fill(lake, peer, work / f"small-{more}", range(held, more))
            rows += compare(lake, peer, of_studies(more), seconds)
        return rows


def main() -> None:
    """Ask, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--studies", default="1000,10000")
    parser.add_argument("--seconds", type=float, default=6.0)
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.studies.split(",") if size]
    with tempfile.TemporaryDirectory(prefix="bench-dicomweb-") as folder:
        rows = measure(chosen.images, sizes, chosen.seconds, Path(folder))
    result.save("dicomweb", {"images": chosen.images, "rounds": ROUNDS, "rows": rows})


if __name__ == "__main__":
    main()

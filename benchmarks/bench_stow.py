"""STOW-RS, images per second of one CT study, beside Orthanc's DICOMweb plug-in on the same bodies in the same run.

    python benchmarks/bench_stow.py [--images 300] [--rounds 3] [--a-request 8]

Four senders POST the study's slices of 512x512x16, as many a request as fit 4.5 MB, over connections that stay open
with TCP_NODELAY. We answer when the images are compressed to HTJ2K, proved, committed and found by a search, which is
checked after each round; Orthanc once storing as sent, and once compressing to JPEG 2000 Lossless. `function` is the
wall time by the function's own lines, four at once as the senders are; the rest is gateway and engine, AWS's stand-ins.
"""

import argparse
import http.client
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orthanc
import result
import synthetic_ct
from local_run import LakeUnderTest, lake_under_test
from result import say

SENDERS = 4
BOUNDARY = "bench-0f3cf5c0"
HEADERS = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', "Expect": ""}
SETTLE = 6.0
"""Seconds for what follows the answers: events, settling, compaction, the research copy."""
GOAL = 1.0


@dataclass(frozen=True, slots=True)
class Side:
    """One server: its DICOMweb root and its CPU seconds so far by role."""

    root: str
    cpu: Callable[[], dict[str, float]]


@dataclass(slots=True)
class Rounds:
    """What one side took, round by round."""

    seconds: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)
    lost: int = 0

    def told(self, images: int) -> dict[str, Any]:
        """Return the figures as they are saved."""
        if not self.seconds:
            return {"rounds": 0, "lost_rounds": self.lost, "images_per_s": None}
        spent = {
            role: round(1000 * sum(one[role] for one in self.cpu) / images / len(self.cpu), 2) for role in self.cpu[0]
        }
        ordered = sorted(self.requests)
        return {
            "rounds": len(self.seconds),
            "lost_rounds": self.lost,
            "images_per_s": round(images / statistics.median(self.seconds), 1),
            "best_images_per_s": round(images / min(self.seconds), 1),
            "request_p50_ms": round(1000 * statistics.median(ordered), 1),
            "request_p95_ms": round(1000 * ordered[int(len(ordered) * 0.95)], 1),
            "cpu_ms_per_image": spent | {"total": round(sum(spent.values()), 2)},
        }


class Sender(threading.local):
    """One connection a thread."""

    connection: http.client.HTTPConnection | None = None

    def post(self, root: str, body: bytes) -> float:
        """Send one body and return the seconds it took. SystemExit where it was not stored whole."""
        parts = urlsplit(root)
        if self.connection is None:
            self.connection = http.client.HTTPConnection(parts.netloc)
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        self.connection.request("POST", f"{parts.path}/studies", body, HEADERS)
        answer = self.connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise SystemExit(f"a store was answered with {answer.status}: {told[:300]!r}")
        return time.perf_counter() - started


def bodies(files: Sequence[Path], a_request: int) -> list[bytes]:
    """Return the study as bodies of so many files."""
    mark = f"--{BOUNDARY}".encode()
    head = mark + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return [
        b"".join([*(head + file.read_bytes() + b"\r\n" for file in some), mark, b"--\r\n"])
        for some in batched(files, a_request, strict=False)
    ]


def one_round(side: Side, sent: Sequence[bytes], rounds: Rounds) -> None:
    """Send a study from four senders; what the server dies of is a lost round."""
    sender, before, started = Sender(), side.cpu(), time.perf_counter()
    try:
        with ThreadPoolExecutor(SENDERS) as pool:
            taken = list(pool.map(lambda body: sender.post(side.root, body), sent))
    except (OSError, http.client.HTTPException):
        rounds.lost += 1
        return
    rounds.seconds.append(time.perf_counter() - started)
    rounds.requests += taken
    after = side.cpu()
    rounds.cpu.append({role: after[role] - before[role] for role in before})


def check_found(root: str, study: int, images: int) -> None:
    """Make sure that a search finds all of a study, at once. SystemExit where it does not."""
    uid = str(synthetic_ct.header(study, images, 512, 1).StudyInstanceUID)
    parts = urlsplit(root)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request(
        "GET", f"{parts.path}/studies/{uid}/instances?limit=1000", headers={"Accept": "application/dicom+json"}
    )
    found = connection.getresponse().read().count(b'"00080018"')
    if found != images:
        raise SystemExit(f"a search finds {found} of {images} images right after they were stored")


def measure(images: int, rounds: int, a_request: int, work: Path) -> tuple[dict[str, Rounds], list[dict[str, Any]]]:
    """Run the sides in turn on the same bodies; the first study warms each and does not count."""
    names = {"j2k": orthanc.J2K_LOSSLESS, "as_sent": ""} if orthanc.executable() and orthanc.DICOMWEB.exists() else {}
    with ExitStack() as started:
        lake = started.enter_context(lake_under_test(work / "lake"))
        peers = {name: started.enter_context(orthanc.running(syntax)) for name, syntax in names.items()}
        sides = {"dicomlake": Side(lake.endpoints.dicomweb, lake.cpu)}
        sides |= {name: Side(peer.dicomweb, lambda peer=peer: {"orthanc": peer.cpu()}) for name, peer in peers.items()}
        taken = {name: Rounds() for name in sides}
        since = time.time()
        for number in range(rounds + 1):
            files = synthetic_ct.write_study(work / f"study-{number}", number, images)
            sent = bodies(files, a_request)
            for name, side in sides.items():
                one_round(side, sent, taken[name] if number else Rounds())
                if name == "dicomlake":
                    check_found(side.root, number, images)
                    time.sleep(SETTLE)
            since = time.time() if not number else since
        return taken, of_function(lake, since)


def of_function(lake: LakeUnderTest, since: float) -> list[dict[str, Any]]:
    """Return the lines of the function that stores."""
    return [line for line in lake.lines(since) if line["event"] == "store"]


def summary(taken: dict[str, Rounds], lines: list[dict[str, Any]], images: int, a_request: int) -> dict[str, Any]:
    """Return the result as it is saved."""
    told = {name: rounds.told(images) for name, rounds in taken.items()}
    ours = told.pop("dicomlake")
    stored = max(1, len(taken["dicomlake"].seconds)) * images
    ours["function"] = {
        "invocations": len(lines),
        "ms_per_image": round(sum(line["ms"] for line in lines) / stored, 2),
        "cpu_ms_per_image": round(sum(line["cpuMs"] for line in lines) / stored, 2),
    }
    times = {
        name: round(ours["images_per_s"] / row["images_per_s"], 2) for name, row in told.items() if row["images_per_s"]
    }
    return {
        "images": images,
        "images_a_request": a_request,
        "senders": SENDERS,
        "dicomlake": ours,
        "orthanc": told,
        "times_orthanc": times,
        "goal_times_orthanc_while_compressing": GOAL,
    }


def tell(found: dict[str, Any]) -> None:
    """Print the result."""
    sides = {"dicomlake": found["dicomlake"], **{f"Orthanc, {name}": row for name, row in found["orthanc"].items()}}
    for name, row in sides.items():
        if row["images_per_s"]:
            say(
                f"{name:18} {row['images_per_s']:8.1f} images/s (best {row['best_images_per_s']}), request "
                f"{row['request_p50_ms']:.0f} ms, CPU ms an image {row['cpu_ms_per_image']}"
            )
    function = found["dicomlake"]["function"]
    say(f"  of which the function: {function['cpu_ms_per_image']} CPU ms, {function['ms_per_image']} ms an image")
    for name, times in found["times_orthanc"].items():
        say(f"times Orthanc, {name:10} {times:6.2f} (goal {GOAL} while compressing)")
    if not found["orthanc"]:
        say("Orthanc is not installed (Debian: apt-get install orthanc orthanc-dicomweb orthanc-gdcm).")


def main() -> None:
    """Run all sides, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--a-request", type=int, default=8)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-stow-") as folder:
        taken, lines = measure(chosen.images, chosen.rounds, chosen.a_request, Path(folder))
    found = summary(taken, lines, chosen.images, chosen.a_request)
    tell(found)
    result.save("stow", found)


if __name__ == "__main__":
    main()

"""Images per second from `dicomlake push` to the study being ready, beside Orthanc on the same files in the same run.

    python benchmarks/bench_end_to_end.py [--images 300] [--rounds 3]

A round sends one CT study of 512x512x16 slices and waits until it is ready: parsed, compressed to HTJ2K, verified,
indexed, in one pack a series, with its metadata built. The clock starts with the command and stops at the time the
lake noted as ready; the quiet period, during which the lake waits for more, is taken off. Orthanc gets the same files
by REST from four threads, with IngestTranscoding to JPEG 2000 Lossless; its clock stops with its last answer.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orthanc
import result
import synthetic_ct
from local_run import LakeUnderTest, cpu_seconds, lake_under_test
from result import say

QUIET = 2.0
"""Seconds; quiet_seconds of the dev environment in stacks/config.py."""
SETTLE = 3.0
"""Seconds for what follows a ready study: its de-identified copy."""
GOAL, PEER_GOAL = 100, 4.0


@dataclass(frozen=True, slots=True)
class Round:
    """One study, from the start of the command until it was ready."""

    images: int
    seconds: float
    upload: float
    settle: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Images per second without the quiet period."""
        return self.images / self.seconds


def one_round(lake: LakeUnderTest, folder: Path, images: int) -> Round:
    """Push a study and take the times."""
    before, started = lake.cpu(), time.time()
    told = lake.push(folder)
    after = lake.cpu()
    (study,) = told["studies"]
    if (told["stored"], study["instances"]) != (images, images):
        raise SystemExit(f"{told['stored']} of {images} images were stored")
    ready, last = (datetime.fromisoformat(study[at]).timestamp() for at in ("readyAt", "lastStoredAt"))
    cpu = {role: after[role] - before[role] for role in before} | {"client": told["cpuSeconds"]}
    return Round(images, ready - started - QUIET, told["seconds"], ready - last - QUIET, cpu)


@dataclass(frozen=True, slots=True)
class Sides:
    """Everything measured: our rounds, our functions' own lines, and each peer's seconds by round and CPU seconds."""

    rounds: list[Round]
    lines: list[dict[str, Any]]
    peers: dict[str, tuple[list[float], float]]


def measure(folders: list[Path], images: int, work: Path) -> Sides:
    """Run the sides in turn on the same files, so that what else the machine does meets all of them."""
    with ExitStack() as started:
        lake = started.enter_context(lake_under_test(work / "lake"))
        servers = {name: started.enter_context(orthanc.running(syntax)) for name, syntax in _peers().items()}
        lake.push(folders[0])
        for server in servers.values():
            server.store(sorted(folders[0].iterdir()))
        time.sleep(SETTLE)
        since, rounds = time.time(), []
        seconds: dict[str, list[float]] = {name: [] for name in servers}
        before = {name: sum(cpu_seconds(server.pid)) for name, server in servers.items()}
        for folder in folders[1:]:
            rounds.append(one_round(lake, folder, images))
            time.sleep(SETTLE)
            for name, server in servers.items():
                seconds[name].append(server.store(sorted(folder.iterdir())))
        spent = {name: sum(cpu_seconds(server.pid)) - before[name] for name, server in servers.items()}
        return Sides(rounds, lake.lines(since), {name: (seconds[name], spent[name]) for name in servers})


def _peers() -> dict[str, str]:
    return {"j2k": orthanc.J2K_LOSSLESS, "as_sent": ""} if orthanc.executable() else {}


def peer(seconds: list[float], cpu: float, images: int) -> dict[str, float]:
    """Return one peer's figures."""
    return {
        "images_per_s": round(images / statistics.median(seconds), 1),
        "best_images_per_s": round(images / min(seconds), 1),
        "cpu_ms_per_image": round(1000 * cpu / images / len(seconds), 2),
    }


def by_function(lines: list[dict[str, Any]], images: int) -> dict[str, dict[str, float]]:
    """Return each function's invocations, and its CPU and wall milliseconds per image."""
    table: dict[str, dict[str, float]] = {}
    for line in lines:
        row = table.setdefault(line["event"], {"invocations": 0, "cpu_ms_per_image": 0.0, "ms_per_image": 0.0})
        row["invocations"] += 1
        row["cpu_ms_per_image"] += line["cpuMs"] / images
        row["ms_per_image"] += line["ms"] / images
    return {name: {key: round(value, 3) for key, value in row.items()} for name, row in sorted(table.items())}


def summary(sides: Sides) -> dict[str, Any]:
    """Return the result as it is saved."""
    rounds = sides.rounds
    peers = {name: peer(*times, rounds[0].images) for name, times in sides.peers.items()}
    images = sum(one.images for one in rounds)
    cpu = {role: round(1000 * sum(one.cpu[role] for one in rounds) / images, 2) for role in rounds[0].cpu}
    rate = statistics.median(one.rate for one in rounds)
    return {
        "images": rounds[0].images,
        "rounds": len(rounds),
        "images_per_s": round(rate, 1),
        "best_images_per_s": round(max(one.rate for one in rounds), 1),
        "goal_images_per_s": GOAL,
        "upload_s": round(statistics.median(one.upload for one in rounds), 2),
        "ready_after_last_commit_beyond_quiet_s": round(statistics.median(one.settle for one in rounds), 2),
        "cpu_ms_per_image": cpu | {"total": round(sum(cpu.values()), 2)},
        "functions": by_function(sides.lines, images),
        "orthanc": peers,
        "times_orthanc_j2k": round(rate / peers["j2k"]["images_per_s"], 2) if peers else None,
        "goal_times_orthanc_j2k": PEER_GOAL,
    }


def tell(found: dict[str, Any]) -> None:
    """Print the result."""
    rate, best = found["images_per_s"], found["best_images_per_s"]
    say(f"dicomlake, push to ready     {rate:8.1f} images/s (best round {best}; goal {GOAL})")
    peers = found["orthanc"]
    if peers:
        say(
            f"Orthanc, J2K lossless      {peers['j2k']['images_per_s']:8.1f} images/s,"
            f" {peers['j2k']['cpu_ms_per_image']:.1f} CPU ms an image"
        )
        say(f"Orthanc, as sent           {peers['as_sent']['images_per_s']:8.1f} images/s")
        say(f"ratio to Orthanc with J2K    {found['times_orthanc_j2k']:8.2f} (goal {PEER_GOAL})")
    else:
        say("Orthanc is not installed (Debian: apt-get install orthanc orthanc-gdcm); its half was left out.")
    for role, spent in found["cpu_ms_per_image"].items():
        say(f"CPU ms an image, {role:12}{spent:8.2f}")
    for name, row in found["functions"].items():
        say(f"  {name:18} {row['invocations']:4.0f} calls {row['cpu_ms_per_image']:8.3f} CPU ms an image")


def main() -> None:
    """Run both sides, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-e2e-") as folder:
        work = Path(folder)
        folders = [work / f"study-{number}" for number in range(chosen.rounds + 1)]
        for number, one in enumerate(folders):
            synthetic_ct.write_study(one, number, chosen.images)
        found = summary(measure(folders, chosen.images, work))
    tell(found)
    result.save("end_to_end", found)


if __name__ == "__main__":
    main()

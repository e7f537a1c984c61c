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
from local_run import LakeUnderTest, lake_under_test
from result import say

QUIET = 2.0
"""Seconds; quiet_seconds of the dev environment in stacks/config.py."""
SETTLE = 3.0
"""Seconds for what follows a ready study: its de-identified copy."""
GOAL, PEER_GOAL = 100, 4.0
ENOUGH = 2
"""Finished rounds of a peer that a ratio needs: Orthanc's GDCM plug-in may crash, and its round is lost then."""


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
    """Everything measured: our rounds, our functions' own lines, and each peer's finished rounds and its lost ones."""

    rounds: list[Round]
    lines: list[dict[str, Any]]
    peers: dict[str, tuple[list[orthanc.Stored], int]]


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
        for folder in folders[1:]:
            rounds.append(one_round(lake, folder, images))
            time.sleep(SETTLE)
            for server in servers.values():
                server.measure(sorted(folder.iterdir()))
        return Sides(rounds, lake.lines(since), {name: (one.rounds, one.lost) for name, one in servers.items()})


def _peers() -> dict[str, str]:
    return {"j2k": orthanc.J2K_LOSSLESS, "as_sent": ""} if orthanc.executable() else {}


def peer(rounds: list[orthanc.Stored], lost: int, images: int) -> dict[str, float | None]:
    """Return one peer's figures: none of speed where fewer than two rounds were finished."""
    told: dict[str, float | None] = {"rounds": len(rounds), "lost_rounds": lost, "gdcm_threads": orthanc.THREADS}
    if len(rounds) < ENOUGH:
        return told | dict.fromkeys(("images_per_s", "best_images_per_s", "cpu_ms_per_image"))
    seconds = [one.seconds for one in rounds]
    return told | {
        "images_per_s": round(images / statistics.median(seconds), 1),
        "best_images_per_s": round(images / min(seconds), 1),
        "cpu_ms_per_image": round(1000 * sum(one.cpu for one in rounds) / images / len(rounds), 2),
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
    peers = {name: peer(*counted, rounds[0].images) for name, counted in sides.peers.items()}
    beside = peers["j2k"]["images_per_s"] if peers else None
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
        "times_orthanc_j2k": round(rate / beside, 2) if beside else None,
        "goal_times_orthanc_j2k": PEER_GOAL,
    }


def tell(found: dict[str, Any]) -> None:
    """Print the result."""
    rate, best = found["images_per_s"], found["best_images_per_s"]
    say(f"dicomlake, push to ready     {rate:8.1f} images/s (best round {best}; goal {GOAL})")
    tell_of_peers(found["orthanc"], found["times_orthanc_j2k"])
    for role, spent in found["cpu_ms_per_image"].items():
        say(f"CPU ms an image, {role:12}{spent:8.2f}")
    for name, row in found["functions"].items():
        say(f"  {name:18} {row['invocations']:4.0f} calls {row['cpu_ms_per_image']:8.3f} CPU ms an image")


def tell_of_peers(peers: dict[str, dict[str, float | None]], ratio: float | None) -> None:
    """Print what Orthanc did, rounds that it did not live through too."""
    if not peers:
        say("Orthanc is not installed (Debian: apt-get install orthanc orthanc-gdcm); its half was left out.")
    for name, what in ("j2k", "Orthanc, J2K lossless"), ("as_sent", "Orthanc, as sent"):
        one = peers.get(name)
        if one and one["images_per_s"]:
            say(f"{what:26} {one['images_per_s']:8.1f} images/s, {one['cpu_ms_per_image']:.1f} CPU ms an image")
        if one and one["lost_rounds"]:
            say(f"{what}: it died in {one['lost_rounds']} of {one['rounds'] + one['lost_rounds']} rounds")
    if ratio:
        say(f"ratio to Orthanc with J2K    {ratio:8.2f} (goal {PEER_GOAL})")


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

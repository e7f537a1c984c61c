"""The AWS bill per million 0.5 MB images, from the calls that the functions made and counted on a local lake.

    python benchmarks/bench_bill.py [--studies 200]

Four ways of arriving: one study of 150 at a time, at full speed and at 10 images a second; 200 studies interleaved,
image by image; studies of 2 images. The interleaved studies are sent with 2 and with 4 images each: what a study costs
is a part per study and a part per image, the two runs tell both, and the bill is that of 150 images a study. The prices
and the lines that no log can tell (marked as modelled) are those of `dicomlake cost`. Left out: the de-identified copy,
storage, and the cost at rest (docs/deploy.md).
"""

import argparse
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import result
import synthetic_ct
from local_run import LakeUnderTest, lake_under_test
from result import say

from dicomlake.cli.billing import INGEST_STAGES, Bill, make_bill
from dicomlake.client.lake import LakeClient
from dicomlake.client.loglines import logs_client, read_lines
from dicomlake.prices import DATE, REGION

MILLION = 1_000_000
OF_150 = 150
AFTERMATH = 8.0
"""Seconds without a function's line after which nothing is under way: timers are 2 s, the feed lags by less."""
GOALS = {"one at a time": 15, "one at a time, 10/s": 15, "interleaved": 25, "2 images a study": 40}
Lines = dict[str, float]
"""USD per million images by `part: what`; lines that are modelled end with an asterisk."""


def per_million(bill: Bill) -> Lines:
    """Return a bill's lines for a million images."""
    lines: Lines = {}
    for one in bill.lines:
        if one.stage in INGEST_STAGES:
            name = f"{one.stage}: {one.price}{'*' if one.modelled else ''}"
            lines[name] = lines.get(name, 0.0) + one.usd / bill.images * MILLION
    return lines


def without_copies(lake: LakeUnderTest) -> None:
    """Let no study be copied into the research store: its copy is work of its own."""
    client = lake.client("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        if "Deidentify" in mapping["FunctionArn"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def billed(lake: LakeUnderTest, send: Any) -> Bill:
    """Do something, wait until all that follows from it is done, and return the bill for it."""
    since = int(time.time() * 1000)
    send()
    client, before = logs_client(lake.endpoints), -1
    while (lines := list(read_lines(client, since, 0))) and len(lines) > before:
        before = len(lines)
        time.sleep(AFTERMATH)
    return make_bill(lines)


def slowly(lake: LakeUnderTest, files: Iterable[Path], a_second: float) -> None:
    """Put files one by one at a steady pace, then wait until their study is ready."""
    client, paths = lake.client("s3"), list(files)
    started = time.monotonic()
    for number, path in enumerate(paths):
        time.sleep(max(0.0, started + number / a_second - time.monotonic()))
        client.put_object(Bucket=lake.endpoints.landingBucket, Key=f"in/{path.name}", Body=path.read_bytes())
    found = LakeClient(lake.endpoints)
    while True:
        studies = found.search("studies", {"limit": "1000"})
        shown = [found.study(study["0020000D"]["Value"][0]) for study in studies]
        if any(study["stored"] == len(paths) and study["state"] == "ready" for study in shown):
            return
        time.sleep(0.5)


def interleaved(folder: Path, studies: int, images: int, first: int) -> Path:
    """Write studies so that the first image of each comes before the second of any."""
    for number in range(first, first + studies):
        for path in synthetic_ct.write_study(folder / "one", number, images):
            study, image = path.stem.split("-")
            path.rename(folder / f"{image}-{study}.dcm")
    (folder / "one").rmdir()
    return folder


def grown(small: Bill, large: Bill, studies: int) -> Lines:
    """Return the bill of 150 images a study, from two bills of the same studies with fewer."""
    few, many = small.images / studies, large.images / studies
    low, high = per_million(small), per_million(large)
    lines = {}
    for name in {*low, *high}:
        study_small, study_large = low.get(name, 0.0) * few, high.get(name, 0.0) * many
        slope = max(0.0, (study_large - study_small) / (many - few))
        lines[name] = slope + max(0.0, study_small - slope * few) / OF_150
    return lines


def measure(work: Path, studies: int) -> dict[str, Lines]:
    """Run every way of arriving on one lake."""
    with lake_under_test(work / "lake") as lake:
        without_copies(lake)
        lake.push(_written(work / "warm", 1, 20))
        found = {}
        whole = [_written(work / f"whole-{number}", number, OF_150) for number in (2, 3)]
        found["one at a time"] = per_million(billed(lake, lambda: [lake.push(folder) for folder in whole]))
        slow = _written(work / "slow", 4, OF_150)
        found["one at a time, 10/s"] = per_million(billed(lake, lambda: slowly(lake, sorted(slow.iterdir()), 10)))
        small = work / "small"
        for number in range(10, 10 + studies):
            synthetic_ct.write_study(small, number, 2)
        found["2 images a study"] = per_million(billed(lake, lambda: lake.push(small)))
        mixed = [interleaved(work / f"mixed-{images}", studies, images, images * 1000) for images in (2, 4)]
        bills = [billed(lake, lambda folder=folder: lake.push(folder)) for folder in mixed]
        found["interleaved"] = grown(bills[0], bills[1], studies)
        return found


def _written(folder: Path, number: int, images: int) -> Path:
    synthetic_ct.write_study(folder, number, images)
    return folder


def tell(found: dict[str, Lines]) -> None:
    """Print a column a way of arriving, a row a line of the bill."""
    names = list(GOALS)
    say(f"USD per million 0.5 MB images, {REGION}, {DATE}; * modelled")
    say(f"{'':34}" + "".join(f"{name:>22}" for name in names))
    for line in sorted({line for lines in found.values() for line in lines}):
        say(f"{line:34}" + "".join(f"{found[name].get(line, 0.0):22.3f}" for name in names))
    say(f"{'together':34}" + "".join(f"{sum(found[name].values()):22.2f}" for name in names))
    say(f"{'goal':34}" + "".join(f"{GOALS[name]:22.2f}" for name in names))


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="interleaved studies, and studies of 2 images")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-bill-") as folder:
        found = measure(Path(folder), chosen.studies)
    tell(found)
    rows = {
        name: {
            "usd_per_million": round(sum(lines.values()), 2),
            "goal": GOALS[name],
            "ratio_to_goal": round(sum(lines.values()) / GOALS[name], 2),
            "lines": {line: round(usd, 3) for line, usd in sorted(lines.items())},
        }
        for name, lines in found.items()
    }
    result.save("bill", {"prices": f"{REGION} {DATE}", "studies": chosen.studies, "ways": rows})


if __name__ == "__main__":
    main()

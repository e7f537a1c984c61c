"""The AWS bill per million 0.5 MB images, from the calls that the functions made and counted on a local lake.

    python benchmarks/bench_bill.py [--studies 200]

The lake's functions get what the prod template gives them: batches, windows, quiet period, cap. Five ways of arriving:
one study of 150 at a time, at full speed and at 10 images a second; studies of 2 images; 200 studies interleaved image
by image, at peak (as fast as it goes) and light (10 images a second). The peak is sent with 4 and with 8 images each:
what a study costs is a part per study and a part per image, the two runs tell both, and the bill is that of 150 images
a study. Light, a study has an image every 20 s, and its generation ends after three minutes: two generations of 9
images are sent and billed as they are, all that a study costs once shared by 18 images only. The prices and the lines
that no log can tell (marked as modelled) are those of `dicomlake cost`. Left out: the de-identified copy, storage, and
the cost at rest (docs/deploy.md).
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Iterator
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
AFTERMATH = 40.0
"""Seconds without a function's line after which nothing is under way: the quiet period is the longest timer."""
GENERATION = 9
"""Images of a study that come within the settle cap where 200 studies send 10 images a second together."""
GOALS = {
    "one at a time": 15,
    "one at a time, 10/s": 15,
    "2 images a study": 40,
    "interleaved, peak": 25,
    "interleaved, light": 25,
}
TEMPLATES = Path(__file__).parents[1] / "tests" / "golden" / "prod"
TUNED = ("DICOMLAKE_QUIET_SECONDS", "DICOMLAKE_SETTLE_CAP_SECONDS")
BATCHED = ("BatchSize", "MaximumBatchingWindowInSeconds")
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


def as_in_prod(lake: LakeUnderTest) -> None:
    """Give the functions and their event sources what the prod template says."""
    client, told = lake.client("lambda"), _prod_settings()
    for function in client.list_functions()["Functions"]:
        name = function["FunctionName"]
        for logical_id, settings in told.items():
            if logical_id not in name:
                continue
            held = function["Environment"]["Variables"]
            own = {key: value for key, value in settings.items() if key in TUNED}
            client.update_function_configuration(FunctionName=name, Environment={"Variables": held | own})
            batches = {key: settings[key] for key in BATCHED if key in settings}
            for mapping in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
                client.update_event_source_mapping(UUID=mapping["UUID"], **batches)


def _prod_settings() -> dict[str, dict[str, Any]]:
    """Return what the prod template sets, by the logical id of the function: they are the same in every environment."""
    found: dict[str, dict[str, Any]] = {}
    for file in TEMPLATES.glob("*.template.json"):
        for logical_id, resource in json.loads(file.read_text(encoding="utf-8"))["Resources"].items():
            of = resource.get("Properties", {})
            if resource["Type"] == "AWS::Lambda::Function":
                own = of["Environment"]["Variables"]
                found.setdefault(logical_id, {}).update({key: own[key] for key in TUNED if key in own})
            if resource["Type"] == "AWS::Lambda::EventSourceMapping":
                batches = {key: of.get(key, 0) for key in BATCHED}
                found.setdefault(of["FunctionName"]["Ref"], {}).update(batches)
    return {logical_id: settings for logical_id, settings in found.items() if settings}


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
    paths = list(files)
    paced(lake, ((f"in/{path.name}", path.read_bytes()) for path in paths), a_second)
    found = LakeClient(lake.endpoints)
    while True:
        studies = found.search("studies", {"limit": "1000"})
        shown = [found.study(study["0020000D"]["Value"][0]) for study in studies]
        if any(study["stored"] == len(paths) and study["state"] == "ready" for study in shown):
            return
        time.sleep(0.5)


def paced(lake: LakeUnderTest, objects: Iterable[tuple[str, bytes]], a_second: float) -> None:
    """Put objects one by one at a steady pace."""
    client, started = lake.client("s3"), time.monotonic()
    for number, (key, body) in enumerate(objects):
        time.sleep(max(0.0, started + number / a_second - time.monotonic()))
        client.put_object(Bucket=lake.endpoints.landingBucket, Key=key, Body=body)


def in_turns(studies: int, images: int, first: int) -> Iterator[tuple[str, bytes]]:
    """Yield the first image of each study, then the second of each, and so on."""
    files = [synthetic_ct.study(number, images) for number in range(first, first + studies)]
    for image in range(images):
        for number, study in enumerate(files):
            yield f"in/light-{image}-{number}", next(study)


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
        as_in_prod(lake)
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
        mixed = [interleaved(work / f"mixed-{images}", studies, images, images * 1000) for images in (4, 8)]
        bills = [billed(lake, lambda folder=folder: lake.push(folder)) for folder in mixed]
        found["interleaved, peak"] = grown(bills[0], bills[1], studies)
        light = in_turns(studies, 2 * GENERATION, 10_000)
        found["interleaved, light"] = per_million(billed(lake, lambda: paced(lake, light, 10)))
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
    settings = {name.rpartition("Function")[0]: told for name, told in sorted(_prod_settings().items())}
    result.save("bill", {"prices": f"{REGION} {DATE}", "studies": chosen.studies, "prod": settings, "ways": rows})


if __name__ == "__main__":
    main()

"""Frames a second through boto3's own `medical-imaging` client, at 1, 4 and 16 requests at a time.

    python benchmarks/bench_imaging.py [--slices 100] [--frames 400]

A CT study of 512x512x16 slices is pushed into a local lake; then its frames are read by GetImageFrame, each in its own
request. Beside the rate of the whole (client, gateway, engine and function share this machine's cores) stands what one
request takes of each by CPU, and what the functions' own log lines say: those figures are the lake's.
"""

import argparse
import gzip
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import boto3
import result
import synthetic_ct
from botocore.config import Config
from local_run import LakeUnderTest, lake_under_test
from result import say

AT_ONCE = (1, 4, 16)


def imaging(lake: LakeUnderTest) -> Any:
    """Return boto3's client with the lake's own key."""
    told = lake.endpoints
    return boto3.client(
        "medical-imaging",
        endpoint_url=told.imaging,
        region_name=told.region,
        aws_access_key_id=told.accessKeyId,
        aws_secret_access_key=told.secretAccessKey,
        config=Config(inject_host_prefix=False, max_pool_connections=max(AT_ONCE)),
    )


def frames_of(client: Any, datastore: str) -> tuple[str, list[str]]:
    """Return the one image set of the lake and its frames' ids."""
    (found,) = client.search_image_sets(datastoreId=datastore, searchCriteria={})["imageSetsMetadataSummaries"]
    answered = client.get_image_set_metadata(datastoreId=datastore, imageSetId=found["imageSetId"])
    document = json.loads(gzip.decompress(answered["imageSetMetadataBlob"].read()))
    (series,) = document["Study"]["Series"].values()
    return found["imageSetId"], [f["ID"] for one in series["Instances"].values() for f in one["ImageFrames"]]


def measure(lake: LakeUnderTest, client: Any, image_set: str, ids: list[str], at_once: int) -> dict[str, Any]:
    """Read the frames with so many requests at a time."""
    datastore = lake.endpoints.datastoreId

    def read(frame: str) -> int:
        wanted = {"imageFrameId": frame}
        answered = client.get_image_frame(datastoreId=datastore, imageSetId=image_set, imageFrameInformation=wanted)
        return len(answered["imageFrameBlob"].read())

    before, since, started = lake.cpu(), time.time(), time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        sizes = list(pool.map(read, ids))
    seconds, after = time.monotonic() - started, lake.cpu()
    lines = [line for line in lake.lines(since) if line["event"] == "imaging"]
    return {
        "at_once": at_once,
        "frames_per_s": round(len(ids) / seconds, 1),
        "mean_bytes": round(statistics.mean(sizes)),
        "cpu_ms_a_frame": {part: round(1000 * (after[part] - before[part]) / len(ids), 2) for part in before},
        "function_cpu_ms": round(statistics.median(line["cpuMs"] for line in lines), 2),
        "function_ms": round(statistics.median(line["ms"] for line in lines), 2),
        "calls_a_frame": round(sum(sum(line["calls"].values()) for line in lines) / len(lines), 2),
    }


def main() -> None:
    """Push, read, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--frames", type=int, default=400, help="requests at each number at a time")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bench-imaging-"))
    synthetic_ct.write_study(root / "study", 1, asked.slices)
    with lake_under_test(root / "lake") as lake:
        lake.push(root / "study")
        client = imaging(lake)
        image_set, ids = frames_of(client, lake.endpoints.datastoreId)
        wanted = list(islice(cycle(ids), asked.frames))
        measure(lake, client, image_set, wanted[:16], 4)  # each environment of the function reads its list once
        rows = [measure(lake, client, image_set, wanted, at_once) for at_once in AT_ONCE]
    for row in rows:
        say(json.dumps(row))
    result.save("imaging", {"slices": asked.slices, "frames": asked.frames, "rows": rows})


if __name__ == "__main__":
    main()

"""Images per second through the embedded engine alone: PUT, event, queue, function, GET and one row; no DICOM work.

Run: .venv/bin/python benchmarks/bench_local_engine.py [objects] [bytes]
Prints one JSON line with the machine, and the engine's own CPU time per object: rates move with the machine's load,
CPU time per object hardly does.
"""

import http.client
import json
import os
import platform
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from dicomlake.local.endpoints import Endpoints
from dicomlake.local.lake import local_lake
from tests.pipeline import small_lake
from tests.pipeline.lakes import children, client
from tests.pipeline.test_local_flow import output

UPLOADERS = 4


def main(objects: int = 1500, size: int = 500_000) -> None:
    """Upload, wait until every object has its row, print the rates."""
    root = Path(tempfile.mkdtemp(prefix="bench-local-"))
    templates = small_lake.write(root / "templates")
    with local_lake(root / "lake", arguments=("--templates", str(templates))) as lake:
        engine = next(iter(children(lake.pid)))
        _upload(lake, 50, size, "warm")
        _await_rows(lake, 50)
        before, began = _cpu_seconds(engine), time.monotonic()
        _upload(lake, objects, size, "image")
        uploaded = time.monotonic()
        _await_rows(lake, objects + 50)
        ended = time.monotonic()
        spent = _cpu_seconds(engine) - before
    result = {
        "objects": objects,
        "bytes": size,
        "uploads_per_s": round(objects / (uploaded - began)),
        "images_per_s": round(objects / (ended - began)),
        "engine_ms_per_image": round(1000 * spent / objects, 2),
        "machine": f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
    }
    sys.stdout.write(json.dumps(result) + "\n")


def _upload(lake: Endpoints, count: int, size: int, prefix: str) -> None:
    body, host = os.urandom(size), urlsplit(lake.s3).netloc
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={lake.accessKeyId}/20260101/us-east-1/s3/aws4_request"}

    def share(worker: int) -> None:
        connection = http.client.HTTPConnection(host)
        for number in range(worker, count, UPLOADERS):
            connection.request("PUT", f"/{lake.landingBucket}/{prefix}-{number}", body, headers)
            connection.getresponse().read()

    with ThreadPoolExecutor(UPLOADERS) as workers:
        list(workers.map(share, range(UPLOADERS)))


def _await_rows(lake: Endpoints, count: int) -> None:
    table, dynamodb = output(lake, "TableName"), client(lake, "dynamodb")
    while dynamodb.describe_table(TableName=table)["Table"]["ItemCount"] < 2 * count:
        time.sleep(0.1)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))

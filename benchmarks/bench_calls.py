"""What a call of AWS costs its caller: our own clients beside botocore's, on the same answers in the same run.

    python benchmarks/bench_calls.py [--rounds 200]

A server in another process gives canned answers, so that only the caller is measured: CPU milliseconds a call, medians,
the two taking turns. What comes before the first call is measured apart: import and client, each in a fresh process.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import result
from result import say

from dicomlake.adapters.clients import AwsClients
from dicomlake.adapters.dynamodb.table import Table, item_of, put
from dicomlake.adapters.s3 import S3ObjectStore

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
OBJECT = 526_336
"""Bytes of a CT slice of 512x512x16 with its header."""
PAGE = 100
ROW = {"pk": {"S": "study#1.2.3"}, "sk": {"S": "instance#1.2.3.4.5"}, "d": {"B": "QUJD" * 100}}
SERVER = f"""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json, sys
ROW = {ROW!r}
SAID = {{"Query": {{"Items": [ROW] * {PAGE}, "Count": {PAGE}}}, "GetItem": {{"Item": ROW}}}}
BODIES = {{name: json.dumps(said).encode() for name, said in SAID.items()}}
OBJECT = bytes({OBJECT})
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
        given = BODIES.get(operation, b"{{}}") if operation else b"" if self.command == "PUT" else OBJECT
        asked = self.headers.get("range", "")
        if asked:
            first, last = map(int, asked[6:].split("-"))
            given = given[first:last + 1]
        self.send_response(206 if asked else 200)
        self.send_header("content-length", str(len(given)))
        self.end_headers()
        self.wfile.write(given)
    do_GET = do_PUT = do_POST = answer
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
FIRST = """
import json, os, sys, time
started = time.process_time()
from dicomlake.adapters.clients import AwsClients
clients = AwsClients("eu-central-1", endpoint_url=sys.argv[1], env=os.environ if sys.argv[2] == "ours" else {})
clients.dynamodb.get_item(TableName="index", Key={"pk": {"S": "a"}, "sk": {"S": "b"}})
clients.s3.get_object(Bucket="lake", Key="packs/1", Range="bytes=0-9")["Body"].read()
print(1000 * (time.process_time() - started))
"""


@contextmanager
def serving() -> Iterator[str]:
    """Run the server; yields its URL."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}" if process.stdout else ""
    finally:
        process.terminate()
        process.wait()


def calls(clients: AwsClients) -> dict[str, Callable[[], Any]]:
    """Return the calls that an image meets on its way in and out."""
    table, objects = Table(clients.dynamodb, "index"), S3ObjectStore(clients.s3, "lake")
    pack = bytes(8_000_000)
    rows = [put(item_of(("a", str(number)), d={"B": bytes(300)})) for number in range(PAGE)]
    return {
        "get object, 0.5 MB": lambda: objects.get("in/1", "version"),
        "read range, 20 kB": lambda: objects.read_range("packs/1", 1000, 20_000),
        "put object, 8 MB": lambda: objects.put("packs/1", pack),
        "get item": lambda: table.get(("a", "b")),
        "query, 100 items": lambda: table.query("a", "b", "c"),
        "transaction, 100 items": lambda: table.transact(rows),
    }


def cpu_ms(call: Callable[[], Any]) -> float:
    """Return what one call costs this process."""
    started = time.process_time_ns()
    call()
    return (time.process_time_ns() - started) / 1e6


def first_calls(url: str, side: str, rounds: int = 7) -> float:
    """Return the CPU of a fresh process until one item and one range of an object are there: the best of rounds."""
    found = [
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", FIRST, url, side], env=KEYS, check=True, capture_output=True, text=True
        ).stdout
        for _ in range(rounds)
    ]
    return min(float(one) for one in found)


def measure(url: str, rounds: int) -> dict[str, dict[str, float]]:
    """Run both sides in turn."""
    sides = {
        "ours": calls(AwsClients(REGION, endpoint_url=url, env=KEYS)),
        "botocore": calls(AwsClients(REGION, endpoint_url=url)),
    }
    table: dict[str, dict[str, float]] = {}
    for name in sides["ours"]:
        times: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side, made in sides.items():
                times[side].append(cpu_ms(made[name]))
        table[name] = {side: round(statistics.median(spent), 3) for side, spent in times.items()}
    table["fresh process, first calls"] = {side: round(first_calls(url, side), 1) for side in sides}
    return table


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    os.environ.update(KEYS)
    with serving() as url:
        table = measure(url, parser.parse_args().rounds)
    for name, spent in table.items():
        ours, theirs = spent["ours"], spent["botocore"]
        spent["ratio"] = round(theirs / ours, 2)
        say(f"{name:28} ours {ours:8.3f} ms   botocore {theirs:8.3f} ms   {spent['ratio']:.2f} times")
    result.save("calls", {"cpu_ms": table})


if __name__ == "__main__":
    main()

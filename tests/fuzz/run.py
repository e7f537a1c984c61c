"""Store damaged files for a long time: `python -m tests.fuzz.run [--count 20000] [--workers 2] [--save]`, `make fuzz`.

Cases run in a child process, so that a crash of a native codec or a case of more than five seconds costs this process
nothing: it says which case it was, and goes on behind it. Ends with 1 if any case crashed, hung, raised or gave wrong
pixels. `--save` writes benchmarks/results/fuzz.json.
"""

import argparse
import collections
import faulthandler
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dicomlake.adapters.decoder_processes import DecoderProcesses
from dicomlake.dicom.codecs.bounded import run_decoders_by
from tests.fuzz.cases import SEEDS, check, damaged

BOUND_SECONDS = 5
"""How long a case may take on a machine that has a core for it: two frames, each decoded twice and given up in time."""
EVERY = 1000
"""Cases after which it says how far it is."""
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def child(first: int, count: int) -> None:
    """Run cases one after the other, a line of JSON each: begun before, ended after."""
    faulthandler.enable()
    run_decoders_by(DecoderProcesses())
    for number in range(first, first + count):
        _say({"begun": number})
        faulthandler.dump_traceback_later(BOUND_SECONDS * _waiting(), exit=True)
        started = time.thread_time()
        try:
            outcome = check(damaged(number))
        except Exception as error:
            outcome = f"FAILED: {type(error).__name__}: {error}"
        faulthandler.cancel_dump_traceback_later()
        _say({"ended": number, "outcome": outcome, "ms": round((time.thread_time() - started) * 1000)})


def _waiting() -> float:
    """How many times longer things take because others want the cores too, and this has the lowest claim to them."""
    return 10 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _say(fact: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


def run(first: int, count: int) -> tuple[collections.Counter[str], int]:
    """Run all cases in as many children as it takes; return the outcomes and the slowest case's milliseconds."""
    outcomes: collections.Counter[str] = collections.Counter()
    slowest, at = 0, first
    while at < first + count:
        begun = at
        which = ["--first", str(at), "--count", str(first + count - at)]
        command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.run", "--child", *which]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=RESULTS.parents[1]) as process:  # noqa: S603
            assert process.stdout is not None
            for line in process.stdout:
                fact = json.loads(line)
                begun = fact.get("begun", begun)
                if "outcome" in fact:
                    at = begun + 1
                    if at % EVERY == 0:
                        sys.stderr.write(f"{at - first} of {count}\n")
                    slowest = max(slowest, fact["ms"])
                    outcomes[fact["outcome"]] += 1
                    if fact["outcome"].startswith("FAILED"):
                        sys.stderr.write(f"case {begun}: {fact['outcome']}\n")
        if at < first + count:
            outcomes["FAILED: crashed or hung"] += 1
            sys.stderr.write(f"case {begun}: the process ended with {process.returncode}\n")
            at = begun + 1
    return outcomes, slowest


def together(first: int, count: int, workers: int) -> tuple[collections.Counter[str], int]:
    """Run all cases, a part of them by each worker; as `run`."""
    share = -(-count // workers)
    parts = [(at, min(share, first + count - at)) for at in range(first, first + count, share)]
    with ThreadPoolExecutor(len(parts)) as pool:
        found = list(pool.map(lambda part: run(*part), parts))
    return sum((outcomes for outcomes, _ in found), collections.Counter()), max(slowest for _, slowest in found)


def main() -> int:
    """Run, say what became of the cases, and save that."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.first, given.count)
        return 0
    outcomes, slowest = together(given.first, given.count, given.workers)
    failed = sum(count for outcome, count in outcomes.items() if outcome.startswith("FAILED"))
    for outcome, count in outcomes.most_common():
        sys.stdout.write(f"{count:8} {outcome}\n")
    sys.stdout.write(f"{given.count} damaged files of {len(SEEDS)} kinds: {failed} failed; slowest {slowest} ms\n")
    if given.save:
        facts = {"cases": given.count, "seeds": len(SEEDS), "failed": failed, "slowest_ms": slowest}
        text = json.dumps({**facts, "outcomes": dict(outcomes.most_common())}, indent=2)
        (RESULTS / "fuzz.json").write_text(text + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

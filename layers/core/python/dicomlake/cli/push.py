"""Send files to the lake: folders, zip archives, or what a DICOMDIR names.

What does not look like DICOM is counted and left out. What was sent before is not sent again, so that an interrupted
push goes on where it was. With --wait it ends when every object is decided and its study is ready.

Exit code: 0 everything stored or a duplicate; 3 something was quarantined; 1 an error.
"""

import argparse
from pathlib import Path

from dicomlake.cli.commands import OK, QUARANTINED, add_common
from dicomlake.cli.output import print_facts, print_json, print_line, print_table, size
from dicomlake.cli.pushing import Push, Pushed, push
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, folder, zip archive or DICOMDIR")
    parser.add_argument("--wait", action="store_true", help="wait until everything is decided and the studies ready")
    parser.add_argument("--all", action="store_true", help="send everything, archives as they are, DICOM or not")
    parser.add_argument("--again", action="store_true", help="send also what was sent before")
    parser.add_argument(
        "--source", default="default", metavar="NAME", help="who sends, e.g. a hospital's name in a-z0-9-"
    )
    parser.add_argument(
        "--patience", type=float, default=300.0, metavar="SECONDS", help="give up after so long without progress"
    )
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Push, tell, and return the exit code."""
    lake = LakeClient(find_lake(arguments.data))
    wanted = Push(
        paths=tuple(arguments.paths),
        receipts=arguments.data / "pushed.jsonl",
        source=arguments.source,
        everything=arguments.all,
        again=arguments.again,
        wait=arguments.wait,
        patience=arguments.patience,
        quiet=arguments.json,
    )
    pushed = push(lake, wanted)
    if arguments.json:
        print_json(pushed.document())
    else:
        print_pushed(pushed)
    return QUARANTINED if pushed.count("quarantined") else OK


def print_pushed(pushed: Pushed) -> None:
    """Print what was sent and, where it was waited for, what became of it."""
    facts: dict[str, object] = {
        "sent": f"{pushed.sent_now} files, {size(pushed.bytes_now)}"
        + (f", {pushed.rate:.0f} a second" if pushed.sent_now else ""),
        "sent before": pushed.sent_before or None,
        "left out": [f"{count} {why}" for why, count in sorted(pushed.skipped.items())],
    }
    if pushed.entries is not None:
        facts |= {
            "landed": f"{pushed.landed} = {pushed.count('stored')} stored + {pushed.count('duplicate')} duplicates"
            f" + {pushed.count('quarantined')} quarantined",
            "studies ready": len(pushed.studies),
            "last object to ready": f"{pushed.ready_ms} ms" if pushed.ready_ms is not None else None,
        }
    print_facts(facts)
    reasons = pushed.reasons()
    if reasons:
        print_line()
        print_table(("quarantined", "reason"), [(count, reason) for reason, count in sorted(reasons.items())])

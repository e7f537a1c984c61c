"""What could not be stored, and why: `ls` lists it, newest first; `show ID` tells all of one and keeps its bytes.

Nothing in quarantine is lost: the object lies there as it landed.
"""

import argparse
from pathlib import Path

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json, print_line, print_table
from dicomlake.cli.where import entry_facts
from dicomlake.client.failure import LakeClientError
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("ls", help="list, newest first")
    listing.add_argument("--limit", type=int, default=100, help="objects to list at most (default: %(default)s)")
    add_common(listing)
    listing.set_defaults(act=_list)
    showing = actions.add_parser("show", help="tell everything of one")
    showing.add_argument("id", metavar="ID", help="as `ls` shows it")
    showing.add_argument("-o", "--output", type=Path, metavar="FILE", help="write its bytes, as they landed, to a file")
    add_common(showing)
    showing.set_defaults(act=_show)


def run(arguments: argparse.Namespace) -> int:
    """List or show."""
    code: int = arguments.act(arguments)
    return code


def _list(arguments: argparse.Namespace) -> int:
    found = list(LakeClient(find_lake(arguments.data)).quarantine(arguments.limit))
    if arguments.json:
        print_json(found)
        return OK
    rows = [(one["steps"][-1]["at"], one["reason"], one["size"], one["detail"], one["id"]) for one in found]
    print_table(("since", "reason", "bytes", "met", "id"), rows)
    print_line(f"{len(found)} objects" + (", and maybe more: raise --limit" if len(found) == arguments.limit else ""))
    return OK


def _show(arguments: argparse.Namespace) -> int:
    lake = LakeClient(find_lake(arguments.data))
    if arguments.id.count("/") != 1:
        raise LakeClientError(f"{arguments.id} is no id of quarantine: `dicomlake quarantine ls` lists them.")
    entry = lake.quarantined(arguments.id)
    if arguments.output:
        _save(lake, entry["url"], arguments.output)
    if arguments.json:
        print_json(entry)
    else:
        print_facts(entry_facts(entry))
    return OK


def _save(lake: LakeClient, url: str | None, file: Path) -> None:
    if not url:
        raise LakeClientError("The object was gone before its bytes could be kept: there is nothing to write.")
    file.write_bytes(lake.http.send("GET", url).data)

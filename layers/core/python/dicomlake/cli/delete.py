"""Delete a study, a series or an instance: hidden at once, kept until a purge; or bring back what was deleted.

dicomlake delete STUDY_UID --reason "wrong patient"
dicomlake delete STUDY_UID SERIES_UID --dry-run
dicomlake delete STUDY_UID --undo 3
dicomlake delete STUDY_UID --purge
"""

import argparse

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json
from dicomlake.client.changes import ChangeClient, resource
from dicomlake.client.failure import LakeClientError
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_scope(parser)
    parser.add_argument("--undo", type=int, default=0, metavar="NUMBER", help="take back this change of the study")
    parser.add_argument("--purge", action="store_true", help="give up the bytes of what is deleted; not to be undone")
    add_common(parser)


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Declare what names a study, a series or an instance, and what every change takes."""
    parser.add_argument("study", metavar="STUDY_UID", help="the study")
    parser.add_argument("series", nargs="?", default="", metavar="SERIES_UID", help="one of its series")
    parser.add_argument("instance", nargs="?", default="", metavar="INSTANCE_UID", help="one of its instances")
    parser.add_argument("--reason", default="", help="why, for the study's history")
    parser.add_argument("--dry-run", action="store_true", help="say what would be changed, and change nothing")


def run(arguments: argparse.Namespace) -> int:
    """Delete, purge or bring back."""
    path = resource(arguments.study, arguments.series, arguments.instance)
    if arguments.undo and arguments.purge:
        raise LakeClientError("Give --undo or --purge, not both.")
    if (arguments.undo or arguments.purge) and arguments.series:
        raise LakeClientError("--undo and --purge are of a whole study: leave the series out.")
    lake = ChangeClient(LakeClient(find_lake(arguments.data)))
    if arguments.dry_run:
        return told({"would": _verb(arguments), "instances": lake.count(path)}, arguments.json)
    if arguments.undo:
        lake.undo(arguments.study, arguments.undo, arguments.reason)
    elif arguments.purge:
        lake.purge(arguments.study, arguments.reason)
    else:
        lake.delete(path, arguments.reason)
    return told(lake.last_change(arguments.study), arguments.json)


def _verb(arguments: argparse.Namespace) -> str:
    return "undo" if arguments.undo else "purge" if arguments.purge else "delete"


def told(document: dict[str, object], as_json: bool) -> int:
    """Print what was done."""
    if as_json:
        print_json(document)
    else:
        print_facts(document)
    return OK

"""List the studies of the lake, newest first, as its look-up API answers; --match narrows the list.

dicomlake studies --match PatientName='yamada*' --match StudyDate=20260101-
"""

import argparse
from itertools import islice

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.listing import STUDY_COLUMNS, heads_of, rows_of
from dicomlake.cli.output import print_json, print_line, print_table
from dicomlake.client.failure import LakeClientError
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient

_DESCRIPTION = "00081030"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--match", action="append", default=[], metavar="KEY=VALUE", help="a QIDO-RS key, e.g. PatientID=1 (repeatable)"
    )
    parser.add_argument("--limit", type=int, default=100, help="studies to list at most (default: %(default)s)")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """List them."""
    lake = LakeClient(find_lake(arguments.data))
    query = dict(_pair(text) for text in arguments.match)
    found = list(islice(lake.search_all("studies", {**query, "includefield": _DESCRIPTION}), max(0, arguments.limit)))
    if arguments.json:
        print_json(found)
        return OK
    print_table(heads_of(STUDY_COLUMNS), rows_of(found, STUDY_COLUMNS))
    print_line(counted(len(found)) + (", and maybe more: raise --limit" if len(found) == arguments.limit else ""))
    return OK


def counted(studies: int) -> str:
    """Return a number of studies in words."""
    return f"{studies} {'study' if studies == 1 else 'studies'}"


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise LakeClientError(f"--match takes KEY=VALUE, such as PatientID=1; this is {text}.")
    return key, value

"""Show a study: where it is in its life and its series; or, with a series' UID, that series' instances."""

import argparse

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.listing import INSTANCE_COLUMNS, SERIES_COLUMNS, heads_of, rows_of
from dicomlake.cli.output import print_facts, print_json, print_line, print_table, size
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import Document, LakeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", metavar="STUDY-UID", help="a Study Instance UID")
    parser.add_argument("series", nargs="?", metavar="SERIES-UID", help="one of its series, to list its instances")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it."""
    lake = LakeClient(find_lake(arguments.data))
    study = lake.study(arguments.study)
    if arguments.series:
        path, columns = f"studies/{arguments.study}/series/{arguments.series}/instances", INSTANCE_COLUMNS
    else:
        path, columns = f"studies/{arguments.study}/series", SERIES_COLUMNS
    found = list(lake.search_all(path, {"includefield": "all"}))
    if arguments.json:
        print_json({"study": study, "found": found})
        return OK
    print_facts(study_facts(study))
    print_line()
    print_table(heads_of(columns), rows_of(found, columns))
    return OK


def study_facts(study: Document) -> dict[str, object]:
    """Return a study's life in words."""
    return {
        "study": study["studyUid"],
        "state": study["state"],
        "landed": f"{study['landed']} = {study['stored']} stored + {study['duplicates']} duplicates"
        f" + {study['quarantined']} quarantined",
        "holds": f"{study['series']} series, {study['instances']} instances, {study['frames']} frames",
        "bytes": f"{size(study['landedBytes'])} landed, {size(study['storedBytes'])} stored",
        "expected": study["expected"],
        "with warnings": study["warnings"] or None,
        "truncated": study["truncated"] or None,
        "last stored": study["lastStoredAt"],
        "ready": study["readyAt"],
    }

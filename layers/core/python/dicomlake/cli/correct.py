"""Correct metadata: elements laid over what was stored, by keyword or tag; the landed bytes stay.

dicomlake correct STUDY_UID PatientID=4711 "PatientName=Yamada^Tarou"
dicomlake correct STUDY_UID --series SERIES_UID SeriesDescription=axial
dicomlake correct STUDY_UID PatientComments= --dry-run
"""

import argparse

from dicomlake.cli.commands import add_common
from dicomlake.cli.delete import told
from dicomlake.client.changes import ChangeClient, elements, resource
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", metavar="STUDY_UID", help="the study")
    parser.add_argument(
        "values", nargs="+", metavar="KEYWORD=VALUE", help="an element and its value; no value takes it away"
    )
    parser.add_argument("--series", default="", metavar="UID", help="correct this series only")
    parser.add_argument("--instance", default="", metavar="UID", help="correct this instance of the series only")
    parser.add_argument("--if-version", type=int, default=None, metavar="N", help="only if this is the newest version")
    parser.add_argument("--reason", default="", help="why, for the study's history")
    parser.add_argument("--dry-run", action="store_true", help="say what would be changed, and change nothing")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Correct, or say what would be."""
    path = resource(arguments.study, arguments.series, arguments.instance)
    values = elements(arguments.values)
    lake = ChangeClient(LakeClient(find_lake(arguments.data)))
    if arguments.dry_run:
        return told({"would": "correct", "instances": lake.count(path), "values": values}, arguments.json)
    lake.correct(path, values, arguments.if_version, arguments.reason)
    return told(lake.last_change(arguments.study), arguments.json)

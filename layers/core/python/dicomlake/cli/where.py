"""Say what became of a landed object (by its key), of an instance, or of a study (by UID)."""

import argparse

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json, print_line
from dicomlake.cli.show import study_facts
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import Document, LakeClient
from dicomlake.domain.model import is_uid


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "name", metavar="KEY|UID", help="a landed object's key, a SOP Instance UID or a Study Instance UID"
    )
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell."""
    lake = LakeClient(find_lake(arguments.data))
    found = lake.where_is({"uid" if is_uid(arguments.name) else "key": arguments.name})
    if arguments.json:
        print_json(found)
        return OK
    for entry in found["objects"]:
        print_facts(entry_facts(entry))
        print_line()
    if found["study"]:
        print_facts(study_facts(found["study"]))
    return OK


def entry_facts(entry: Document) -> dict[str, object]:
    """Return what the ledger says of one landed object in words."""
    instance = entry["instance"] or {}
    return {
        "outcome": entry["outcome"],
        "reason": entry.get("reason"),
        "because": entry.get("sentence"),
        "met": entry.get("detail"),
        "repair": entry.get("repair"),
        "size": f"{entry['size']} bytes",
        "source": entry["source"],
        "study": instance.get("study"),
        "series": instance.get("series"),
        "instance": instance.get("instance"),
        "warnings": [" ".join(filter(None, (one["code"], one["detail"]))) for one in entry["warnings"]],
        "attempts": entry["attempts"] or None,
        "landed": entry["landedAt"],
        **{step["name"]: step["at"] for step in entry["steps"]},
        "id": entry["id"],
    }

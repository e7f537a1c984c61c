"""Access keys for boto3's medical-imaging clients: `create` issues one, `list` shows all, `revoke` ends one.

A secret is shown when its key is created, and never again. A revoked key opens nothing from that moment on.
"""

import argparse

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json, print_table
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import Document, LakeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    creating = actions.add_parser("create", help="issue a key and show its secret, once")
    creating.add_argument("name", metavar="NAME", help="who the key is for")
    creating.add_argument(
        "--datastore", default="", metavar="ID", help="the data store it opens, or all (default: the clinical one)"
    )
    creating.add_argument("--read-only", action="store_true", help="let it start, change and delete nothing")
    add_common(creating)
    creating.set_defaults(act=_create)
    listing = actions.add_parser("list", help="list every key, the revoked ones too")
    add_common(listing)
    listing.set_defaults(act=_list)
    revoking = actions.add_parser("revoke", help="end a key")
    revoking.add_argument("id", metavar="ID", help="as `list` shows it")
    add_common(revoking)
    revoking.set_defaults(act=_revoke)


def run(arguments: argparse.Namespace) -> int:
    """Run one of the actions."""
    act = arguments.act
    code: int = act(arguments, LakeClient(find_lake(arguments.data)))
    return code


def _create(arguments: argparse.Namespace, lake: LakeClient) -> int:
    datastore = arguments.datastore or lake.endpoints.datastoreId
    return _show(arguments, lake.issue_access_key(arguments.name, datastore, arguments.read_only))


def _revoke(arguments: argparse.Namespace, lake: LakeClient) -> int:
    return _show(arguments, lake.revoke_access_key(arguments.id))


def _show(arguments: argparse.Namespace, key: Document) -> int:
    if arguments.json:
        print_json(key)
    else:
        print_facts(key)
    return OK


def _list(arguments: argparse.Namespace, lake: LakeClient) -> int:
    keys = lake.access_keys()
    if arguments.json:
        print_json({"keys": keys})
        return OK
    rows = [
        (key["accessKeyId"], key["name"], key["datastore"], "read" if key["readOnly"] else "all", _since(key))
        for key in keys
    ]
    print_table(("KEY", "NAME", "DATA STORE", "MAY", "SINCE"), rows)
    return OK


def _since(key: Document) -> str:
    return f"revoked {key['revokedAt']}" if key["revokedAt"] else str(key["createdAt"])

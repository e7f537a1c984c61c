"""Share a study by a link that expires, or revoke one: a root of DICOMweb that shows one study, without credentials.

dicomlake link STUDY_UID --hours 8
dicomlake link --revoke LINK_ID
"""

import argparse

from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json, print_line
from dicomlake.client.failure import LakeClientError
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient
from dicomlake.domain.model import is_uid

_AN_HOUR = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", nargs="?", default="", metavar="STUDY_UID", help="the study to share")
    parser.add_argument("--hours", type=float, default=24.0, help="how long it is good for (default: %(default)s)")
    parser.add_argument("--revoke", default="", metavar="LINK", help="a link's id, or the link itself")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Share or revoke."""
    if bool(arguments.study) == bool(arguments.revoke):
        raise LakeClientError("Give a study to share, or --revoke with a link.")
    lake = LakeClient(find_lake(arguments.data))
    if arguments.revoke:
        return _revoke(lake, arguments.revoke)
    if not is_uid(arguments.study):
        raise LakeClientError("A study is named by its Study Instance UID: `dicomlake studies` lists them.")
    told = lake.share(arguments.study, round(arguments.hours * _AN_HOUR))
    if arguments.json:
        print_json(told)
        return OK
    print_facts({"link": told["dicomweb"], "expires": told["expires"], "id": told["id"]})
    return OK


def _revoke(lake: LakeClient, link: str) -> int:
    """A link's last segment begins with its id."""
    link_id = link.rstrip("/").rsplit("/", 1)[-1].partition("-")[0]
    lake.revoke(link_id)
    print_line("revoked: the next request that comes by this link is refused")
    return OK

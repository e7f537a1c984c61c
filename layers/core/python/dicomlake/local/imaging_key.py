"""The access key of whoever runs a local lake: issued at the first run, and again where the lake no longer knows it."""

import json
from pathlib import Path

from dicomlake.client.lake import LakeClient
from dicomlake.local.datadir import write_atomically
from dicomlake.local.endpoints import Endpoints

NAME = "local run"


def imaging_key(endpoints: Endpoints, file: Path) -> tuple[str, str]:
    """Return an access key's id and secret, which open every data store of the lake."""
    lake = LakeClient(endpoints)
    standing = {key["accessKeyId"] for key in lake.access_keys() if not key["revokedAt"]}
    known = json.loads(file.read_text()) if file.exists() else {}
    if known.get("accessKeyId") not in standing:
        known = lake.issue_access_key(NAME, "all", read_only=False)
        write_atomically(file, json.dumps(known, indent=2), mode=0o600)
    return known["accessKeyId"], known["secretAccessKey"]

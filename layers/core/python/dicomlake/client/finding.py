"""Where the lake is: `endpoints.json` of a data directory, as `dicomlake up` writes it and takes it away.

For a lake on AWS a user writes the file: `api`, `datastoreId` and `region`, from the outputs of the stacks.
"""

import json
import os
from dataclasses import fields
from pathlib import Path

from dicomlake.client.failure import LakeClientError
from dicomlake.local.endpoints import Endpoints

DEFAULT_DATA = Path(".lake")


def find_lake(data: Path) -> Endpoints:
    """Return the endpoints of the lake that runs on a data directory; LakeClientError says how to start one."""
    file = data / "endpoints.json"
    try:
        document = json.loads(file.read_text())
        endpoints = _deployed(document) if "api" in document else Endpoints(**document)
    except FileNotFoundError as exc:
        raise LakeClientError(
            f"No lake runs on {data}: start one with `dicomlake up --data {data}`, "
            "or name the directory of the one that runs with --data DIR."
        ) from exc
    except (OSError, TypeError, ValueError, KeyError) as exc:
        raise LakeClientError(f"{file} cannot be read as the endpoints of a lake: start the lake again.") from exc
    if endpoints.pid and not _runs(endpoints.pid):
        raise LakeClientError(
            f"The lake on {data} was killed and left {file.name} behind: start it again with "
            f"`dicomlake up --data {data}`."
        )
    return endpoints


def _deployed(document: dict[str, str]) -> Endpoints:
    """Return the endpoints of a lake on AWS; requests are signed with the credentials that botocore finds."""
    api, store = document["api"].rstrip("/"), document["datastoreId"]
    known = {field.name: "" for field in fields(Endpoints)} | {
        "dicomweb": f"{api}/dicomweb/{store}",
        "imaging": api,
        "uploads": f"{api}/uploads",
        "lake": f"{api}/lake",
        "datastoreId": store,
        "region": document["region"],
    }
    return Endpoints(**{**known, "pid": 0})  # type: ignore[arg-type]  # all but pid are texts


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

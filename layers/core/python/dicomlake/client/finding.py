"""Where the lake is: `endpoints.json` of a data directory, as `dicomlake up` writes it and takes it away."""

import json
import os
from pathlib import Path

from dicomlake.client.failure import LakeClientError
from dicomlake.local.endpoints import Endpoints

DEFAULT_DATA = Path(".lake")


def find_lake(data: Path) -> Endpoints:
    """Return the endpoints of the lake that runs on a data directory; LakeClientError says how to start one."""
    file = data / "endpoints.json"
    try:
        endpoints = Endpoints.read(file)
    except FileNotFoundError as exc:
        raise LakeClientError(
            f"No lake runs on {data}: start one with `dicomlake up --data {data}`, "
            "or name the directory of the one that runs with --data DIR."
        ) from exc
    except (OSError, TypeError, json.JSONDecodeError) as exc:
        raise LakeClientError(f"{file} cannot be read as the endpoints of a lake: start the lake again.") from exc
    if not _runs(endpoints.pid):
        raise LakeClientError(
            f"The lake on {data} was killed and left {file.name} behind: start it again with "
            f"`dicomlake up --data {data}`."
        )
    return endpoints


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

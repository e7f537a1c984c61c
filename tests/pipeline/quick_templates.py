"""The golden templates with small limits and short time-outs, so that what takes AWS hours takes a test seconds."""

import json
import shutil
from pathlib import Path
from typing import Any

LARGE_LIMIT = 4_000_000
MEMORY_MB = 190
VISIBILITY = 6
INGEST = "dicomlake-dev-ingest.template.json"
SHORTENED = ("IngestWorkQueue", "IngestOneWorkQueue", "CrashedWorkQueue", "LargeWorkQueue")
FUNCTIONS = ("IngestFunction", "IngestOneFunction")


def write(golden: Path, directory: Path) -> Path:
    """Copy the templates; queues of ingest give a message back after seconds, its functions have little memory."""
    shutil.copytree(golden, directory, dirs_exist_ok=True)
    template = json.loads((directory / INGEST).read_text())
    for queue in SHORTENED:
        _of(template, queue)["VisibilityTimeout"] = VISIBILITY
    for function in FUNCTIONS:
        properties = _of(template, function)
        properties["MemorySize"] = MEMORY_MB
        properties["Environment"]["Variables"]["DICOMLAKE_LARGE_LIMIT"] = str(LARGE_LIMIT)
    (directory / INGEST).write_text(json.dumps(template))
    return directory


def _of(template: dict[str, Any], beginning: str) -> dict[str, Any]:
    """The properties of the one resource of this name and the CDK's hash."""
    length = len(beginning) + 8
    names = [name for name in template["Resources"] if name.startswith(beginning) and len(name) == length]
    assert len(names) == 1, names
    properties: dict[str, Any] = template["Resources"][names[0]]["Properties"]
    return properties

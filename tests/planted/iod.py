"""Whether an object still is what its IOD says: by dciodvfy (Debian's dicom3tools), where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path

VERIFIER = shutil.which("dciodvfy")
_LINE = re.compile(r"^Error - (.*)$", re.MULTILINE)
_VALUES = re.compile(r"<[^<>]*>|\b[0-9][0-9.]*\b")


def errors(file: Path) -> set[str]:
    """Return the errors that the verifier tells of a file, without values and places."""
    if VERIFIER is None:
        return set()
    done = subprocess.run([VERIFIER, file], capture_output=True, check=False, timeout=60)  # noqa: S603
    said = (done.stderr + done.stdout).decode("latin-1")
    return {" ".join(_VALUES.sub("", line).split()) for line in _LINE.findall(said)}

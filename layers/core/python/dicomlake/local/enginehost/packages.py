"""Deployed packages on disk: each zip is unpacked once, in a directory named by its content."""

import compileall
import hashlib
import os
import shutil
import threading
import zipfile
from io import BytesIO
from pathlib import Path

_lock = threading.Lock()
_known: dict[int, tuple[bytes, Path]] = {}


def unpack(content: bytes, cache: Path) -> Path:
    """Return the directory that holds `content` unpacked; made at first use, and whole or not there."""
    with _lock:
        known = _known.get(id(content))
        if known is not None and known[0] is content:
            return known[1]
        target = cache / hashlib.sha256(content).hexdigest()[:32]
        if not target.is_dir():
            _extract(content, target)
        os.utime(target)
        _known[id(content)] = (content, target)
        return target


def _extract(content: bytes, target: Path) -> None:
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        archive.extractall(partial)
    # A zip keeps times to two seconds only, which would make every shipped .pyc stale: compile once here.
    compileall.compile_dir(str(partial), quiet=2, workers=1, stripdir=str(partial), prependdir=str(target))
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)

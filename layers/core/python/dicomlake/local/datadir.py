"""The data directory of a local lake: its lock, its layout, and what an unclean end leaves behind."""

import fcntl
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from dicomlake.local.failure import LocalRunError

_FORMAT = 1
_FREE_BYTES_NEEDED = 512 << 20


@dataclass(frozen=True, slots=True)
class Identity:
    """What stays the same for the life of a data directory: queue URLs and signed URLs hold the engine's port."""

    format: int
    engine_port: int
    access_key_id: str
    secret_access_key: str
    operator_token: str


class DataDirectory:
    """A locked data directory; one lake at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _locked(path)
        self.endpoints.unlink(missing_ok=True)

    @property
    def state(self) -> Path:
        """Where the engine saves everything but object bodies."""
        return self.path / "engine" / "state"

    @property
    def objects(self) -> Path:
        """Where the engine keeps object bodies, written at once."""
        return self.path / "engine" / "s3"

    @property
    def engine_log(self) -> Path:
        """The engine's own output of the last run."""
        return self.path / "engine" / "engine.log"

    @property
    def gateway_log(self) -> Path:
        """The output of the gateway's task, of the last run."""
        return self.path / "gateway.log"

    @property
    def scratch(self) -> Path:
        """Where handlers and tasks keep their temporary files; emptied at every start and stop."""
        return self.path / "engine" / "tmp"

    @property
    def images(self) -> Path:
        """The deployed image tags and their directories."""
        return self.path / "engine" / "images.json"

    @property
    def deployed(self) -> Path:
        """Digests of what was deployed last."""
        return self.path / "engine" / "deployed.json"

    @property
    def endpoints(self) -> Path:
        """The addresses and keys of the running lake; there only while it runs."""
        return self.path / "endpoints.json"

    @property
    def imaging_key(self) -> Path:
        """The access key that this lake issued for whoever runs it."""
        return self.path / "imaging-key.json"

    @property
    def lock_descriptor(self) -> int:
        """The lock's descriptor: a child that holds it keeps the directory locked after our own death."""
        return self._lock

    def identity(self, free_port: int) -> Identity:
        """Return the directory's identity, made with `free_port` at the first run."""
        file = self.path / "lake.json"
        if file.exists():
            return _read_identity(file)
        made = Identity(_FORMAT, free_port, "dicomlake", secrets.token_urlsafe(30), secrets.token_urlsafe(30))
        write_atomically(file, json.dumps(asdict(made), indent=2), mode=0o600)
        return made

    def unsaved_objects(self) -> int:
        """Count the object files written after the engine last saved its state: it knows nothing of these."""
        saved = max((file.stat().st_mtime for file in self.state.glob("*.json")), default=0.0)
        return sum(
            os.stat(os.path.join(folder, name)).st_mtime > saved + 1
            for folder, _, names in os.walk(self.objects)
            for name in names
        )

    def release(self) -> None:
        """Give the lock back and take the endpoints away."""
        self.endpoints.unlink(missing_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.close(self._lock)


def _locked(path: Path) -> int:
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / "engine").mkdir(exist_ok=True)
        descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise LocalRunError(
            f"The data directory {path} cannot be written ({exc.strerror}); choose another DATA."
        ) from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise LocalRunError(
            f"Another lake runs on {path} (or is just saving its state); stop it first, or choose another DATA."
        ) from exc
    _check_room(path)
    return descriptor


def _check_room(path: Path) -> None:
    free = shutil.disk_usage(path).free
    if free < _FREE_BYTES_NEEDED:
        raise LocalRunError(
            f"The disk of {path} has {free >> 20} MB free and the lake needs {_FREE_BYTES_NEEDED >> 20} MB to start; "
            "free some or choose another DATA."
        )


def _read_identity(file: Path) -> Identity:
    try:
        known = Identity(**json.loads(file.read_text()))
    except (ValueError, TypeError) as exc:
        raise LocalRunError(f"{file} is damaged; restore it, or move the directory away and start anew.") from exc
    if known.format != _FORMAT:
        raise LocalRunError(
            f"{file.parent} was written by another version of the lake (format {known.format}, not {_FORMAT}); "
            "use that version, or choose another DATA."
        )
    return known


def write_atomically(file: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old one or the whole new one."""
    partial = file.with_name(file.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)

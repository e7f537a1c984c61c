"""Fargate without Docker: the part of the `docker` module that the engine's ECS uses, over local processes."""

import os
import subprocess
import sys
import tempfile
import threading
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from .images import ImageCatalog, UnknownImageError


class NotFoundError(Exception):
    """No such container."""


class Container:
    """One started task container: a process of our own, its status, its exit code and its output."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.id = uuid.uuid4().hex * 2
        self.attrs: dict[str, Any] = {"NetworkSettings": {"Networks": {}}}
        self._process = process
        self._log = log

    @property
    def status(self) -> str:
        """`running` or `exited`, Docker's words."""
        return "running" if self._process.poll() is None else "exited"

    def reload(self) -> None:
        """Do nothing: the status is always live."""

    def wait(self) -> dict[str, int]:
        """Wait for the end; a process ended by signal N has Docker's status 128 + N."""
        code = self._process.wait()
        return {"StatusCode": code if code >= 0 else 128 - code}

    def logs(self, *, stream: bool = False, follow: bool = False, **_: object) -> bytes | Iterator[bytes]:
        """Return what was written so far, or with `stream` an iterator that follows until the process ends."""
        return self._follow(follow) if stream else self._log.read_bytes()

    def _follow(self, follow: bool) -> Iterator[bytes]:
        with self._log.open("rb") as lines:
            while True:
                ended = self._process.poll() is not None
                yield from _whole_lines(lines, ended)
                if ended or not follow:
                    return
                self._pause()

    def _pause(self) -> None:
        try:
            self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            return

    def stop(self, timeout: int = 10) -> None:
        """Ask the process to end, then end it."""
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()

    def remove(self, **_: object) -> None:
        """Forget the output."""
        self._log.unlink(missing_ok=True)


def _whole_lines(lines: BinaryIO, ended: bool) -> Iterator[bytes]:
    """Yield complete lines; an unfinished last one only when nothing can follow it."""
    while line := lines.readline():
        if not line.endswith(b"\n") and not ended:
            lines.seek(-len(line), os.SEEK_CUR)
            return
        yield line


class Containers:
    """What the engine reaches as `docker.from_env().containers` and `.images`."""

    def __init__(self, catalog: ImageCatalog, base_environment: Callable[[], Mapping[str, str]]) -> None:
        self._catalog = catalog
        self._base_environment = base_environment
        self._known: dict[str, Container] = {}
        self._lock = threading.Lock()

    def run(
        self, image: str, *, environment: Mapping[str, str], command: list[str] | None = None, **_: object
    ) -> Container:
        """Start the image's entry point as a local process."""
        found = self._catalog.find(image)
        descriptor, path = tempfile.mkstemp(prefix="container-", suffix=".log")
        try:
            process = subprocess.Popen(  # noqa: S603 - the entry point of our own image
                self._catalog.argv(found, command),
                cwd=found.workdir,
                env={**found.environment, **environment, **self._ours(found.environment)},
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
            )
        finally:
            os.close(descriptor)
        container = Container(process, Path(path))
        with self._lock:
            self._known[container.id] = container
        return container

    def _ours(self, baked: Mapping[str, str]) -> dict[str, str]:
        ours = dict(self._base_environment())
        return {**ours, "PATH": baked.get("PATH", ours.get("PATH", ""))}

    def get(self, identity: str) -> Container:
        """Return a container by id or tag; raises NotFoundError."""
        with self._lock:
            if identity not in self._known:
                raise NotFoundError(identity)
            return self._known[identity]

    def list(self, **_: object) -> list[Container]:
        """Return every container started by this engine."""
        with self._lock:
            return list(self._known.values())

    def close(self) -> None:
        """End whatever still runs."""
        for container in self.list():
            container.kill()
            container.remove()


class _Images:
    """Every deployed image is there already: nothing is pulled."""

    def __init__(self, catalog: ImageCatalog) -> None:
        self._catalog = catalog

    def get(self, uri: str) -> object:
        """Return the image or raise what Docker raises."""
        try:
            return self._catalog.find(uri)
        except UnknownImageError as exc:
            raise NotFoundError(str(exc)) from exc


def install(containers: Containers, catalog: ImageCatalog) -> None:
    """Make `import docker` in the engine find these containers; it imports the module lazily, at the first task."""
    client = types.SimpleNamespace(containers=containers, images=_Images(catalog))
    module: Any = types.ModuleType("docker")
    errors: Any = types.ModuleType("docker.errors")
    errors.ImageNotFound = errors.NotFound = NotFoundError
    module.from_env = lambda **_: client
    module.errors = errors
    sys.modules["docker"] = module
    sys.modules["docker.errors"] = errors

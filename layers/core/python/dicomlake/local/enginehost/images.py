"""Container images without Docker: a Dockerfile's COPY, ENV, WORKDIR, ENTRYPOINT and CMD, laid out in a directory."""

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class Image:
    """An image laid out on disk: paths inside it map below `root`."""

    root: Path
    workdir: Path
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def inside(self, path: str) -> str:
        """Map an absolute path of the image to the host, where the image has it; other words stay."""
        mapped = self.root / path.lstrip("/")
        return str(mapped) if path.startswith("/") and mapped.exists() else path


class UnknownImageError(Exception):
    """No directory was deployed under the image's tag."""


class ImageCatalog:
    """Finds an image by its tag in the file that the deployment wrote: tag -> directory that holds a Dockerfile.

    `build_root` is where COPY sources are looked for that the directory itself does not have.
    """

    def __init__(self, catalog: Path, cache: Path, python: str) -> None:
        self._catalog = catalog
        self._cache = cache
        self._python = python
        self._lock = threading.Lock()
        self._laid_out: dict[Path, Image] = {}

    def find(self, uri: str) -> Image:
        """Return the image of `uri`, laid out at first use; raises UnknownImageError."""
        tag = uri.rpartition(":")[2]
        written = json.loads(self._catalog.read_text()) if self._catalog.exists() else {}
        if tag not in written.get("images", {}):
            raise UnknownImageError(f"no directory is deployed for image tag {tag}; run the deployment again")
        context = Path(written["images"][tag])
        with self._lock:
            if context not in self._laid_out:
                libraries = [Path(path) for path in written["libraries"]]
                self._laid_out[context] = self._lay_out(context, Path(written["root"]), libraries)
            return self._laid_out[context]

    def close(self) -> None:
        """Remove what was laid out."""
        for image in self._laid_out.values():
            shutil.rmtree(image.root, ignore_errors=True)

    def _lay_out(self, context: Path, repository: Path, libraries: list[Path]) -> Image:
        lines = instructions((context / "Dockerfile").read_text())
        self._cache.mkdir(parents=True, exist_ok=True)
        # A directory of this engine's own: another lake on the same checkout may be running tasks of its own.
        root = Path(tempfile.mkdtemp(prefix=f"image-{context.name}-", dir=self._cache))
        image = Image(root, root)
        for word, rest in lines:
            if word == "COPY":
                _copy(rest, context, repository, image)
            elif word in _STEPS:
                image = _STEPS[word](image, rest)
        return replace(image, environment=_with_libraries(image, libraries))

    def argv(self, image: Image, command: list[str] | None) -> list[str]:
        """Return the process to start: exec-form ENTRYPOINT and CMD, `python` being the handlers' interpreter."""
        words = [*image.entrypoint, *(command or image.command)]
        return [self._python if word in ("python", "python3") else image.inside(word) for word in words]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile as (word, rest), continuation lines joined."""
    joined = dockerfile.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines()]
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return [(word.upper(), rest.strip()) for word, _, rest in pairs]


def _copy(rest: str, context: Path, repository: Path, image: Image) -> None:
    *sources, target = [word for word in rest.split() if not word.startswith("--")]
    into = target.endswith("/") or len(sources) > 1
    below = PurePosixPath(os.path.normpath(PurePosixPath("/") / _relative(image) / target))
    place = image.root / str(below).lstrip("/")
    for source in sources:
        origin = next(base / source for base in (context, repository) if (base / source).exists())
        if origin.is_dir():
            shutil.copytree(origin, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            continue
        file = place / origin.name if into or place.is_dir() else place
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(origin, file)


def _relative(image: Image) -> PurePosixPath:
    return PurePosixPath("/") / image.workdir.relative_to(image.root).as_posix()


def _workdir(image: Image, rest: str) -> Image:
    inside = os.path.normpath(_relative(image) / rest)
    place = image.root / inside.lstrip("/")
    place.mkdir(parents=True, exist_ok=True)
    return replace(image, workdir=place)


def _env(image: Image, rest: str) -> Image:
    pairs = (word.partition("=") for word in rest.split())
    values = {name: os.pathsep.join(image.inside(part) for part in value.split(":")) for name, _, value in pairs}
    return replace(image, environment={**image.environment, **values})


def _entrypoint(image: Image, rest: str) -> Image:
    return replace(image, entrypoint=tuple(json.loads(rest)))


def _cmd(image: Image, rest: str) -> Image:
    return replace(image, command=tuple(json.loads(rest)))


_STEPS: dict[str, Callable[[Image, str], Image]] = {
    "WORKDIR": _workdir,
    "ENV": _env,
    "ENTRYPOINT": _entrypoint,
    "CMD": _cmd,
}


def _with_libraries(image: Image, libraries: list[Path]) -> dict[str, str]:
    """Stand in for RUN pip install: the layers' packages hold the same pins."""
    own = image.environment.get("PYTHONPATH", "")
    parts = [part for part in own.split(os.pathsep) if part]
    path = os.pathsep.join([*parts, *(str(library) for library in libraries if library.is_dir())])
    return {**image.environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

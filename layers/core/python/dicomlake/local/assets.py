"""Deployable assets: each directory zipped once per content, under the name its content has."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dicomlake.local.failure import LocalRunError
from dicomlake.local.repository import Repository

_SKIPPED = {"__pycache__", ".DS_Store", "tests"}
# Level 1: the zips travel over loopback once, so time counts and size does not.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Asset:
    """One zip ready to upload; `key` changes when and only when the content does."""

    name: str
    key: str
    file: Path


def build_asset(repository: Repository, name: str, directory: Path) -> Asset:
    """Zip a directory, or find the zip of the same content; raises LocalRunError when there is nothing to zip."""
    source = _for_this_host(repository, directory)
    if not source.is_dir():
        raise LocalRunError(
            f"The asset directory {_shown(repository, source)} is missing; run `make setup`, which builds the layers."
        )
    key = f"{_digest(source)}.zip"
    file = repository.build / "assets" / key
    if not file.exists():
        _zip(source, file)
    os.utime(file)
    return Asset(name, key, file)


def forget_unused(directory: Path, days: int = 14) -> None:
    """Remove what no deployment has used for so long; every start touches what it uses."""
    oldest = time.time() - days * 86_400
    for entry in directory.iterdir() if directory.is_dir() else ():
        if entry.stat().st_mtime < oldest:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _shown(repository: Repository, path: Path) -> Path:
    return path.relative_to(repository.root) if path.is_relative_to(repository.root) else path


def _files(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(set(folders) - _SKIPPED)
        yield from (Path(folder) / name for name in sorted(names) if not name.endswith(".pyc") and name not in _SKIPPED)


def _digest(directory: Path) -> str:
    digest = hashlib.sha256(b"dicomlake asset 1")
    for file in _files(directory):
        digest.update(str(file.relative_to(directory)).encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _zip(directory: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for file in _files(directory):
            archive.write(file, file.relative_to(directory))
    partial.replace(target)


def _for_this_host(repository: Repository, directory: Path) -> Path:
    """Return the directory to deploy here: layers hold Linux x86_64 wheels, which another host cannot import."""
    built = repository.build / "layers"
    if (sys.platform, platform.machine()) == ("linux", "x86_64") or not directory.is_relative_to(built):
        return directory
    requirements = repository.root / "layers" / "deps" / f"requirements-{directory.name}.txt"
    stamp = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    target = repository.build / "host-layers" / f"{directory.name}-{stamp}"
    if not target.is_dir():
        _install(requirements, target)
    return target


def _install(requirements: Path, target: Path) -> None:
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(partial / "python"), "-r"]
    done = subprocess.run([*command, str(requirements)], check=False)  # noqa: S603 - pip of our own interpreter
    if done.returncode:
        raise LocalRunError(f"pip could not install {requirements.name} for this machine; its message is above.")
    partial.rename(target)

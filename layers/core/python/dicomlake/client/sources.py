"""What there is to send: files of folders, members of zip archives, and what a DICOMDIR names."""

import hashlib
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from dicomlake.client.failure import LakeClientError
from dicomlake.client.sniff import LOOK, Kind, sniff

Open = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to send: how a user calls it, its size in bytes, and how to read it.

    `stamp` is 32 hex digits over its path, size and time of change: what was sent under a stamp need not be sent again.
    """

    label: str
    size: int
    stamp: str
    open: Open = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found under some paths: what to send, and how many files were left out, by why."""

    items: tuple[Item, ...]
    skipped: dict[str, int]

    @property
    def size(self) -> int:
        """Bytes to send."""
        return sum(item.size for item in self.items)


def find_items(paths: Iterable[Path], everything: bool = False) -> Found:
    """Look through paths (files, folders, zip archives, DICOMDIRs) and return what to send, in name order.

    What does not look like an instance is counted and left out, unless `everything` is asked for; empty files always
    are. Raises LakeClientError where a path does not exist.
    """
    skipped: Counter[str] = Counter()
    items: dict[str, Item] = {}
    for path in paths:
        for item in _items_under(path, everything, skipped):
            items.setdefault(item.stamp, item)
    return Found(tuple(items.values()), dict(skipped))


def _items_under(path: Path, everything: bool, skipped: Counter[str]) -> Iterator[Item]:
    if not path.exists():
        raise LakeClientError(f"{path} does not exist: name files, folders, zip archives or a DICOMDIR.")
    if path.is_dir():
        for folder, folders, names in path.walk():
            folders.sort()
            for name in sorted(names):
                yield from _items_of_file(folder / name, everything, skipped)
    elif _kind(path) is Kind.DIRECTORY and not everything:
        yield from _items_of_directory(path, skipped)
    else:
        yield from _items_of_file(path, everything, skipped)


def _items_of_file(path: Path, everything: bool, skipped: Counter[str]) -> Iterator[Item]:
    try:
        status = path.stat()
        if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path) and not everything:
            yield from _items_of_archive(path, skipped)
            return
        kind = _kind(path)
    except OSError:
        skipped["unreadable"] += 1
        return
    if _is_left_out(kind, everything, skipped):
        return
    stamp = _stamp(str(path.resolve()), status.st_size, status.st_mtime_ns)
    yield Item(str(path), status.st_size, stamp, partial(_open, path))


def _is_left_out(kind: Kind, everything: bool, skipped: Counter[str]) -> bool:
    left_out = kind is Kind.EMPTY or (kind is not Kind.INSTANCE and not everything)
    if left_out:
        skipped[_WHY[kind]] += 1
    return left_out


_WHY = {Kind.OTHER: "not DICOM", Kind.DIRECTORY: "DICOMDIR", Kind.EMPTY: "empty"}


def _items_of_archive(path: Path, skipped: Counter[str]) -> Iterator[Item]:
    """Yield the members of a zip archive; each is unpacked while it is sent."""
    archive = zipfile.ZipFile(path)
    for member in archive.infolist():
        if member.is_dir():
            continue
        open_member = partial(_open_member, archive, member)
        try:
            with open_member() as stream:
                kind = sniff(stream.read(LOOK), member.file_size)
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile):
            skipped["encrypted or damaged"] += 1
            continue
        if not _is_left_out(kind, False, skipped):
            stamp = _stamp(f"{path.resolve()}!{member.filename}", member.file_size, member.CRC)
            yield Item(f"{path}!{member.filename}", member.file_size, stamp, open_member)


def _items_of_directory(path: Path, skipped: Counter[str]) -> Iterator[Item]:
    """Yield the files that a DICOMDIR names (PS3.3 F.3.2.2): components of upper-case names below its folder."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        records = dcmread(path).get("DirectoryRecordSequence") or ()
    except (InvalidDicomError, OSError, ValueError) as exc:
        raise LakeClientError(f"{path} cannot be read as a DICOMDIR: push its folder instead.") from exc
    for record in records:
        named = record.get("ReferencedFileID")
        if not named:
            continue
        file = _named_file(path.parent, (named,) if isinstance(named, str) else tuple(named))
        if file is None:
            skipped["named by the DICOMDIR, not there"] += 1
        else:
            yield from _items_of_file(file, True, skipped)


def _named_file(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Return the file behind a file id; media written on other systems have its name in lower case."""
    for names in (parts, tuple(part.lower() for part in parts)):
        file = folder.joinpath(*names)
        if file.is_file():
            return file
    return None


def _kind(path: Path) -> Kind:
    with path.open("rb", buffering=0) as stream:
        return sniff(stream.read(LOOK), os.fstat(stream.fileno()).st_size)


def _open(path: Path) -> BinaryIO:
    return path.open("rb", buffering=0)


def _open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, archive.open(member))


def _stamp(name: str, size: int, changed: int) -> str:
    return hashlib.sha256(f"{name}\0{size}\0{changed}".encode("utf-8", "surrogateescape")).hexdigest()[:32]

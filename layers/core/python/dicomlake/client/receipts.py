"""What was sent already: one line a file, written when S3 has it, so that an interrupted push goes on where it was."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from dicomlake.client.failure import LakeClientError


@dataclass(frozen=True, slots=True)
class Receipt:
    """A landed object: its key and versionId."""

    key: str
    version: str


class Receipts:
    """The receipts of one lake, by the stamp of what was sent; safe to add to from several threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known = _read(file)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._out: TextIO = file.open("a", buffering=1)
            self._out.write("" if _ends_whole(file) else "\n")
        except OSError as exc:
            raise LakeClientError(f"{file} cannot be written ({exc.strerror}): it remembers what was sent.") from exc

    def get(self, stamp: str) -> Receipt | None:
        """Return the receipt of a stamp."""
        return self._known.get(stamp)

    def add(self, stamp: str, receipt: Receipt) -> None:
        """Remember a receipt, on disk at once."""
        line = json.dumps([stamp, receipt.key, receipt.version])
        with self._lock:
            self._known[stamp] = receipt
            self._out.write(line + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._out.close()


def _read(file: Path) -> dict[str, Receipt]:
    """Read the lines that are whole; the last may have been cut by a kill."""
    known: dict[str, Receipt] = {}
    try:
        text = file.read_text()
    except FileNotFoundError:
        return known
    for line in text.splitlines():
        try:
            stamp, key, version = json.loads(line)
        except ValueError:
            continue
        known[stamp] = Receipt(key, version)
    return known


def _ends_whole(file: Path) -> bool:
    """Whether the file's last line has its end: a kill may have cut it."""
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 1))
        return stream.read() in (b"", b"\n")

"""De-identifying the files of a folder, in two passes: first who the patients are, then a copy of each file.

The first pass gathers what identifies each patient in any of the files; the second searches every file for all of it.
"""

import filecmp
import json
import mmap
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from dicomlake.dicom.deidentify.clean import identity_of
from dicomlake.dicom.deidentify.dataset import Buffer
from dicomlake.dicom.deidentify.identifiers import Identifier
from dicomlake.dicom.deidentify.names import KeyedNames
from dicomlake.dicom.deidentify.pixel_text import TextReader
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.dicom.deidentify.whole import Under, clean_whole, identity_and_identifiers, keeps_private
from dicomlake.dicom.deidentify.whole_object import read_whole
from dicomlake.domain.errors import PermanentError
from dicomlake.domain.model import InstanceKey

SOURCE = "folder"
"""Stands for the sender in patients' names where no issuer is told: a folder is one source."""

REFUSED = "refused: "

type Known = dict[str, set[Identifier]]
type Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Folder:
    """What to de-identify, where to, under which key and policy, and who reads text in pixels."""

    path: Path
    out: Path
    key: bytes = field(repr=False)
    policy: Policy
    reader: TextReader | None = None


@dataclass(slots=True)
class Outcome:
    """For each source path the path of its copy, or `refused: ` and why."""

    files: dict[str, str] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """How many sources have a copy."""
        return sum(not where.startswith(REFUSED) for where in self.files.values())

    def refusals(self) -> Counter[str]:
        """Return how often each reason was met."""
        return Counter(why.removeprefix(REFUSED) for why in self.files.values() if why.startswith(REFUSED))

    def write(self, report: Path) -> None:
        """Write files.json into a directory."""
        report.mkdir(parents=True, exist_ok=True)
        (report / "files.json").write_text(json.dumps(self.files, indent=1, ensure_ascii=False) + "\n")


def deidentify_folder(folder: Folder, tell: Tell) -> Outcome:
    """Write a clean copy of every file that the policy takes, and return what became of each."""
    files = sorted(_files(folder.path))
    under = Under(KeyedNames(folder.key), folder.reader)
    known, refused = _survey(files, folder, under.names, tell)
    outcome = Outcome()
    for number, file in enumerate(files, start=1):
        why = refused.get(file)
        outcome.files[str(file)] = REFUSED + why if why else _copy(file, folder, under, known)
        tell(len(files) + number, 2 * len(files))
    return outcome


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, _, names in path.walk():
        yield from (folder / name for name in names)


def _survey(files: list[Path], folder: Folder, names: KeyedNames, tell: Tell) -> tuple[Known, dict[Path, str]]:
    """Read every header once: what identifies each patient, by pseudonym, and what cannot be read."""
    known: Known = {}
    refused: dict[Path, str] = {}
    for number, file in enumerate(files, start=1):
        try:
            with _opened(file) as data:
                whole = read_whole(data)
                pseudonym, found = identity_and_identifiers(whole, SOURCE, names, folder.policy)
                known.setdefault(pseudonym, set()).update(found)
        except Exception as exc:
            refused[file] = _why(exc)
        tell(number, 2 * len(files))
    return known, refused


def _copy(file: Path, folder: Folder, under: Under, known: Known) -> str:
    try:
        with _opened(file) as data:
            whole = read_whole(data, keeps_private(folder.policy))
            identity = identity_of(whole.dataset, SOURCE)
            others = frozenset(known.get(under.names.patient(identity), ()))
            clean = clean_whole(whole, folder.policy, identity, under, others)
            return str(_write(_place(folder.out, clean.key), clean.parts))
    except Exception as exc:
        return REFUSED + _why(exc)


def _why(exc: Exception) -> str:
    """Say why a file was refused, in words that hold nothing of it."""
    if isinstance(exc, PermanentError):
        return exc.detail
    if isinstance(exc, OSError):
        return f"the file cannot be read or written: {exc.strerror}"
    return f"an error that this program did not expect ({type(exc).__name__})"


@contextmanager
def _opened(file: Path) -> Iterator[Buffer]:
    """Open a file without reading it: what is looked at comes into memory, an empty one as no bytes."""
    with file.open("rb") as stream:
        if not file.stat().st_size:
            yield b""
            return
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield data
        finally:
            with suppress(BufferError):  # an error on its way still holds a view; it closes with that
                data.close()


def _place(out: Path, key: InstanceKey) -> Path:
    return out / key.study_uid / key.series_uid / f"{key.instance_uid}.dcm"


def _write(place: Path, parts: Iterator[bytes]) -> Path:
    """Write a copy so that under its name is all of it or nothing; other content of the same name gets a number."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(place.name + ".partial")
    try:
        with partial.open("wb") as out:
            for part in parts:
                out.write(part)
        final = _free(place, partial)
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)
    return final


def _free(place: Path, written: Path) -> Path:
    """Return where a copy goes: its name, if that is free or holds the same, else that with the next number."""
    for number in count(2):
        if not place.exists() or filecmp.cmp(place, written, shallow=False):
            break
        place = place.with_name(f"{place.name.split('-')[0].removesuffix('.dcm')}-{number}.dcm")
    return place

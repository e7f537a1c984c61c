"""De-identifying the files of a folder, in two passes: first who the patients are, then a copy of each file.

The first pass gathers what identifies each patient in any of the files; the second searches every file for all of it.
"""

import filecmp
import hashlib
import mmap
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from dicomlake import __version__
from dicomlake.dicom.deidentify.clean import identity_of
from dicomlake.dicom.deidentify.dataset import Buffer
from dicomlake.dicom.deidentify.identifiers import Identifier, Kind
from dicomlake.dicom.deidentify.names import KeyedNames
from dicomlake.dicom.deidentify.pixel_look import Looking
from dicomlake.dicom.deidentify.plan import Edit
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.dicom.deidentify.report import Report
from dicomlake.dicom.deidentify.whole import (
    NOBODY,
    CleanObject,
    Under,
    clean_whole,
    identity_and_identifiers,
    keeps_private,
)
from dicomlake.dicom.deidentify.whole_object import read_whole
from dicomlake.domain.errors import PermanentError
from dicomlake.domain.model import InstanceKey

SOURCE = "folder"
"""Stands for the sender in patients' names where no issuer is told: a folder is one source."""

REFUSED = "refused: "

type Known = dict[str, frozenset[Identifier]]
type Tell = Callable[[int, int], None]


def _tell_nobody(_file: str, _edits: tuple[Edit, ...]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Folder:
    """What to de-identify, where to, under which key and policy, who looks at pixels, and who took the risk of
    faces. `dry`: nothing is written, the edits are told instead."""

    path: Path
    out: Path
    key: bytes = field(repr=False)
    policy: Policy
    looking: Looking = NOBODY
    accepted_by: str = ""
    dry: bool = False
    tell_edits: Callable[[str, tuple[Edit, ...]], None] = field(default=_tell_nobody, repr=False)


@dataclass(slots=True)
class Outcome:
    """For each source path the path of its copy, or `refused: ` and why; what stands for which ID; the report."""

    report: Report
    files: dict[str, str] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict, repr=False)
    uids: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def written(self) -> int:
        """How many sources have a copy."""
        return sum(not where.startswith(REFUSED) for where in self.files.values())

    def refusals(self) -> Counter[str]:
        """Return how often each reason was met."""
        return Counter(why.removeprefix(REFUSED) for why in self.files.values() if why.startswith(REFUSED))


@dataclass(slots=True)
class _Job:
    """One run: what it works under, and what the first pass has learned."""

    folder: Folder
    under: Under
    outcome: Outcome
    known: Known = field(default_factory=dict, repr=False)

    def survey(self, file: Path) -> None:
        """Read a header: what identifies its patient, by pseudonym, or why it cannot be read."""
        try:
            with _opened(file) as data:
                whole = read_whole(data)
                names = self.under.names
                pseudonym, found = identity_and_identifiers(whole, SOURCE, names, self.folder.policy)
                identity = identity_of(whole.dataset, SOURCE)
                shared = {identifier for identifier in found if identifier[0] is not Kind.TIME}
                self.known[pseudonym] = self.known.get(pseudonym, frozenset()) | shared
                self.outcome.patients[identity.patient_id.decode("utf-8", "replace").strip(" \0")] = pseudonym
        except Exception as exc:
            self._refuse(file, exc)

    def copy(self, file: Path) -> None:
        """Write a file's copy, or note why there is none; of a dry run only what would be changed."""
        try:
            with _opened(file) as data:
                whole = read_whole(data, keeps_private(self.folder.policy))
                identity = identity_of(whole.dataset, SOURCE)
                others = self.known.get(self.under.names.patient(identity), frozenset())
                clean = clean_whole(whole, self.folder.policy, identity, self.under, others)
                self._keep(file, clean)
        except Exception as exc:
            self._refuse(file, exc)

    def _keep(self, file: Path, clean: CleanObject) -> None:
        place = _place(self.folder.out, clean.key)
        written, digest = (place, "") if self.folder.dry else _write(place, clean.parts)
        self.outcome.files[str(file)] = str(written)
        self.outcome.report.add_copy(str(written.relative_to(self.folder.out)), digest, clean.edits, len(clean.boxes))
        if self.folder.dry:
            self.folder.tell_edits(str(file), clean.edits)

    def _refuse(self, file: Path, exc: Exception) -> None:
        why = _why(exc)
        self.outcome.files[str(file)] = REFUSED + why
        self.outcome.report.add_refusal(self.under.names.hashed(str(file).encode("utf-8", "surrogateescape")), why)


def deidentify_folder(folder: Folder, tell: Tell) -> Outcome:
    """Write a clean copy of every file that the policy takes, and return what became of each."""
    files = sorted(_files(folder.path))
    under = Under(KeyedNames(folder.key, most=sys.maxsize), folder.looking)
    outcome = Outcome(
        Report(folder.policy, folder.accepted_by, f"dicomlake {__version__}"), uids=under.names.remembered
    )
    job = _Job(folder, under, outcome)
    for number, file in enumerate(files, start=1):
        job.survey(file)
        tell(number, 2 * len(files))
    for number, file in enumerate(files, start=1):
        if str(file) not in outcome.files:
            job.copy(file)
        tell(len(files) + number, 2 * len(files))
    return outcome


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, _, names in path.walk():
        yield from (folder / name for name in names)


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


def _write(place: Path, parts: Iterator[bytes]) -> tuple[Path, str]:
    """Write a copy so that under its name is all of it or nothing, and return where it is and its SHA-256; other
    content of the same name gets a number."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(place.name + ".partial")
    digest = hashlib.sha256()
    try:
        with partial.open("wb") as out:
            for part in parts:
                out.write(part)
                digest.update(part)
        final = _free(place, partial)
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)
    return final, digest.hexdigest()


def _free(place: Path, written: Path) -> Path:
    """Return where a copy goes: its name, if that is free or holds the same, else that with the next number."""
    for number in count(2):
        if not place.exists() or filecmp.cmp(place, written, shallow=False):
            break
        place = place.with_name(f"{place.name.split('-')[0].removesuffix('.dcm')}-{number}.dcm")
    return place

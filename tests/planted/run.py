"""One planted corpus de-identified by the command's own code, and scored."""

import os
import random
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pydicom

from dicomlake.cli.deid_folder import REFUSED, Folder, Outcome, deidentify_folder
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.dicom.deidentify.standard import standard
from tests.planted.bases import bases
from tests.planted.iod import errors
from tests.planted.persona import invent
from tests.planted.plant import Planted, plant
from tests.planted.score import Score, score

SEED = int(os.environ.get("DICOMLAKE_PLANTED_SEED", "1"))
"""Another one in each run of the tests, whose header names it; the variable gives it again."""
KEY = b"a key of the test's own, 32 bytes"
DEFLATED = "1.2.840.10008.1.2.1.99"


@dataclass
class Corpus:
    """A planted corpus in a folder: the answer key by path."""

    folder: Path
    planted: dict[Path, Planted] = field(default_factory=dict)


def make_corpus(folder: Path, seed: int, files: Sequence[Path] = ()) -> Corpus:
    """Plant a person into each base; every person has two objects."""
    corpus = Corpus(folder)
    folder.mkdir(parents=True)
    listed = sorted(tag for tag in standard().actions if tag >= 0x00080000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, base in enumerate(files or bases()):
            rng = random.Random(seed * 1000 + number)  # noqa: S311
            planted = plant(base, invent(seed * 1000 + number // 2), listed, rng)
            path = folder / f"{number:03d}.dcm"
            path.write_bytes(planted.raw)
            corpus.planted[path] = planted
    return corpus


def deidentify(corpus: Corpus, out: Path, policy: Policy) -> Outcome:
    """Run the command's own code over a corpus."""
    return deidentify_folder(Folder(corpus.folder, out, KEY, policy), lambda done, total: None)


def copies(corpus: Corpus, outcome: Outcome) -> list[tuple[Path, Planted, Path]]:
    """Pair each source with its answer key and its copy."""
    return [
        (path, planted, Path(outcome.files[str(path)]))
        for path, planted in corpus.planted.items()
        if not outcome.files[str(path)].startswith(REFUSED)
    ]


def score_corpus(corpus: Corpus, outcome: Outcome) -> Score:
    """Score every copy."""
    total = Score()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _, planted, copy in copies(corpus, outcome):
            raw = copy.read_bytes()
            score(planted, raw, pydicom.dcmread(BytesIO(raw)), dict(standard().actions), total)
    return total


def new_iod_errors(corpus: Corpus, outcome: Outcome) -> dict[str, set[str]]:
    """Return the errors that copies have and their sources have not; what the verifier cannot read is left out."""
    found: dict[str, set[str]] = {}
    for source, planted, copy in copies(corpus, outcome):
        if planted.source.file_meta.TransferSyntaxUID != DEFLATED:
            new = errors(copy) - errors(source)
            found |= {planted.name: new} if new else {}
    return found

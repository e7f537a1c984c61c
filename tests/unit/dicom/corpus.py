"""The corpus of real files that tests read; found by DICOMLAKE_CORPUS, by default beside the repository."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

ROOT = Path(os.environ.get("DICOMLAKE_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))
BUNDLED = Path(pydicom.__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Row:
    """One file of the corpus: what its manifest expects of it."""

    path: str
    outcomes: frozenset[str]
    indexable: bool

    def read(self) -> bytes:
        """Return the file's bytes."""
        if self.path.startswith("pydicom:"):
            return (BUNDLED / self.path.removeprefix("pydicom:")).read_bytes()
        return (ROOT / self.path).read_bytes()


def rows() -> list[Row]:
    """Return every row of the manifest, or skip the test where there is no corpus."""
    manifest = ROOT / "manifest.csv"
    if not manifest.exists():
        pytest.skip("no corpus: set DICOMLAKE_CORPUS to the folder that holds manifest.csv")
    with manifest.open(encoding="utf-8", newline="") as file:
        return [_row(row) for row in csv.DictReader(file)]


def _row(row: dict[str, str]) -> Row:
    outcomes = {row["expected"], *row["also_acceptable"].split("|")} - {""}
    return Row(row["path"], frozenset(outcomes), row["indexable"] == "yes")

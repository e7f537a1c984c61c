"""docs/glossary.md: each word is in the file it is said to be in, once."""

import re
from pathlib import Path

import pytest

from tests.docs.docs_given import DOCS, ROOT, tables

PACKAGE = ROOT / "layers/core/python/dicomlake"
ROWS = [row for row in tables((DOCS / "glossary.md").read_text(encoding="utf-8")) if row[0] != "word"]


def place(name: str) -> Path:
    """A file of the package, or of the repository."""
    return PACKAGE / name if (PACKAGE / name).exists() else ROOT / name


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_word_is_where_the_glossary_says(row: list[str]) -> None:
    names, files = re.findall(r"`([^`]+)`", row[1]), re.findall(r"`([^`]+)`", row[2])

    assert len(row) == 5
    assert names
    assert [name for name in files if not place(name).is_file()] == []
    texts = "\n".join(place(name).read_text(encoding="utf-8") for name in files)
    assert [name for name in names if not re.search(rf"\b{re.escape(name)}\b", texts)] == []


def test_a_word_has_one_row() -> None:
    words = [row[0] for row in ROWS]

    assert len(words) == len(set(words)) > 40

"""docs/decisions: the index lists every page, named tests exist, and the page of dependencies is what is installed."""

import importlib.metadata
import re
import shutil
import sys
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from dicomlake.domain.ledger import Tally
from tests.docs.docs_given import DECISIONS, DOCS, ROOT, name_of, names_of_tests, tables
from tests.usecases.memory_lake import MemoryLake

REQUIREMENTS = [ROOT / "requirements.txt", *sorted((ROOT / "layers/deps").glob("requirements-*.txt"))]
DEPENDENCIES = (DOCS / "decisions/0003-dependencies.md").read_text(encoding="utf-8")
LAYERS = ROOT / "build/layers"
TOLERANCE = 0.15
"""Of a size in the layer: byte code and stripping differ a little between toolchains."""

needs_stripped_layers = pytest.mark.skipif(
    not (LAYERS / "pixels.recipe").exists() or sys.platform != "linux" or shutil.which("strip") is None,
    reason="the layers are not built and stripped here; run `make setup`",
)


def pins() -> dict[str, str]:
    """Every requirement and its version, "-" where it has none."""
    lines = [line for path in REQUIREMENTS for line in path.read_text(encoding="utf-8").splitlines()]
    found = (re.match(r"([A-Za-z0-9_-]+)(?:==(\S+))?", line) for line in lines if line and line[0] not in "#-")
    return {match[1]: match[2] or "-" for match in found if match}


def dependency_rows() -> dict[str, list[str]]:
    """The rows of the page, by package."""
    return {row[0]: row for row in tables(DEPENDENCIES) if row[0] != "package"}


def test_every_requirement_has_its_row_and_every_row_its_requirement() -> None:
    assert {name: row[1] for name, row in dependency_rows().items()} == pins()


def test_every_row_has_a_reason_and_a_licence() -> None:
    for name, row in dependency_rows().items():
        assert all(row), name


@pytest.mark.parametrize("name", sorted(pins()))
def test_no_dependency_is_under_the_gpl(name: str) -> None:
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not in this environment")

    licences = [told.get("License-Expression") or "", (told.get("License") or "")[:200]]
    licences += [line for line in told.get_all("Classifier") or [] if line.startswith("License")]

    assert any(licences)
    assert not re.search(r"\bA?GPL|General Public", " ".join(licences))


@needs_stripped_layers
@pytest.mark.parametrize(("layer", "count"), [("base", 5), ("pixels", 6)])
def test_the_sizes_are_those_of_the_built_layer(layer: str, count: int) -> None:
    python = LAYERS / layer / "python"
    sizes = {d.metadata["Name"].replace("_", "-"): size_of(d, python) for d in distributions(python)}

    told = {name: float(row[2]) for name, row in dependency_rows().items() if name in sizes and len(row) == 6}

    assert len(told) == count
    assert told == pytest.approx({name: sizes[name] / 1e6 for name in told}, rel=TOLERANCE, abs=0.1)


def distributions(python: Path) -> list[importlib.metadata.Distribution]:
    return list(importlib.metadata.distributions(path=[str(python)]))


def size_of(distribution: importlib.metadata.Distribution, python: Path) -> int:
    """Bytes of everything at the top of the layer that a distribution put there."""
    tops = {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "bin", "__pycache__")}
    return sum(path.stat().st_size for top in tops for path in below(python / top) if path.is_file())


def below(path: Path) -> list[Path]:
    return list(path.rglob("*")) if path.is_dir() else [path]


def test_every_page_is_in_the_list_by_its_title() -> None:
    listed = (DOCS / "decisions/README.md").read_text(encoding="utf-8")

    for page in DECISIONS:
        title = re.sub(r"^# \d{4}:? ", "", page.read_text(encoding="utf-8").splitlines()[0])
        row = next((line for line in listed.splitlines() if f"({page.name})" in line), "")
        assert row.lower() == f"| [{page.name[:4]}]({page.name}) | {title} |".lower(), page.name


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_names_tests_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert set(re.findall(r"`(test_\w+)`", text)) <= names_of_tests()


def test_one_image_in_seven_encodings_is_stored_once() -> None:
    kinds = ("", "_implicit", "_bigendian", "_expb", "_RLE", "_jpeg_ls_lossless", "_jp2klossless")
    lake = MemoryLake()

    for kind in kinds:
        path = get_testdata_file(f"MR_small{kind}.dcm", download=False)
        assert isinstance(path, str)
        lake.land(f"mr{kind}", Path(path).read_bytes())
        lake.pump()

    assert lake.store.feed.head().tally == Tally(stored=1, duplicates=6)


def test_every_page_has_a_number_of_its_own_and_a_row() -> None:
    pages = sorted(path.name for path in (ROOT / "docs/decisions").glob("0*.md"))
    rows = re.findall(
        r"^\| \[(\d{4})\]\((\d{4}-[a-z0-9-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text(), re.M
    )

    assert [page for _, page in rows] == pages
    assert all(page.startswith(number) for number, page in rows)
    assert len({page[:4] for page in pages}) == len(pages)

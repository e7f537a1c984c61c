"""What the tests of the documentation look at: the pages, and the names of all tests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


def name_of(path: Path) -> str:
    """A page's name as a test id."""
    return path.relative_to(ROOT).as_posix()


def names_of_tests() -> set[str]:
    """Every test function there is."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    return found


def tables(text: str) -> list[list[str]]:
    """The rows of a page's tables, cell by cell."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("-: ")]


def section(text: str, title: str) -> str:
    """What stands under a heading, its sub-headings included."""
    head = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert head, f"there is no heading {title!r}"
    rest = text[head.end() :]
    following = re.search(rf"^#{{1,{len(head[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest

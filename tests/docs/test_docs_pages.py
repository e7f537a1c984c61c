"""Every page: its links lead somewhere, its commands exist, and it says nothing that does not belong there."""

import re
from pathlib import Path

import pytest

from dicomlake.cli.commands import COMMANDS
from tests.docs.docs_given import DECISIONS, DOCS, PAGES, ROOT, name_of

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FOLDERS = "layers|stacks|tests|benchmarks|functions|docs"
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
VERBS = {command.name for command in COMMANDS}
FORBIDDEN = re.compile(r"(?<![\w/])/(?:home|root|work|tmp|Users|private)/|\bTODO\b|\bFIXME\b|\bXXX\b|AKIA[0-9A-Z]{16}")
PRAISE = ("blazing", "seamless", "robust", "powerful", "simply", "effortless", "cutting-edge", "world-class")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    verbs = re.findall(r"^\$ dicomlake (\w+)|`(?:\$ )?dicomlake ([a-z]+)", text, re.MULTILINE)
    targets = re.findall(r"^(?:\$ )?make ([a-z]+)|`make ([a-z]+)", text, re.MULTILINE)

    assert {one or other for one, other in verbs} <= VERBS
    assert {one or other for one, other in targets} <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_names_no_machine_and_no_work_left_over(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert FORBIDDEN.findall(text) == []
    assert [word for word in PRAISE if re.search(rf"\b{word}", text, re.IGNORECASE)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_scripts_and_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:layers|stacks|tests|benchmarks|functions|docs)/[\w./-]+\.(?:py|md|json|txt))[`: ]", prose(page)
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(index)}

    pages = {page.resolve() for page in DOCS.rglob("*.md")} - {page.resolve() for page in DECISIONS}

    assert pages - {(DOCS / "README.md").resolve()} <= linked

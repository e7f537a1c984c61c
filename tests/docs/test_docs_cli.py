"""docs/cli.md against the parser: every command, every option; README's commands are real."""

import argparse
import re
import shlex

import pytest

from dicomlake.cli.commands import COMMANDS, build_parser
from tests.docs.docs_given import DOCS, ROOT, section

PAGE = (DOCS / "cli.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def parser_of(name: str) -> argparse.ArgumentParser:
    return _subparsers(build_parser(only=name))[name]


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(actions[0].choices) if actions else {}


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Every long option of a command and of what is below it."""
    own = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    below = [options_of(one) for one in _subparsers(parser).values()]
    return own.union(*below) - {"--help"}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert re.findall(r"^## (\S+)$", PAGE, re.M) == [command.name for command in COMMANDS]


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_a_commands_section_names_every_option_and_no_other(name: str) -> None:
    text = section(PAGE, name)

    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))

    assert options_of(parser_of(name)) == told


@pytest.mark.parametrize("line", sorted(set(re.findall(r"^\$ dicomlake (.+)$", README + PAGE, re.M))))
def test_every_command_line_in_the_readme_is_understood(line: str) -> None:
    words = shlex.split(line.partition(" #")[0].partition(" |")[0])

    build_parser(only=words[0]).parse_args(words)


def test_every_make_target_in_the_readme_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for target in re.findall(r"(?:`|\$ )make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_what_the_readme_names_is_there() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
    layout = README.partition("## What is where")[2]
    for name in re.findall(r"^([a-z][\w./]*/?) {2,}\S", layout, re.M):
        assert (ROOT / name).exists(), name

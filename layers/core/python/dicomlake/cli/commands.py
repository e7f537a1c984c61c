"""The table of commands, and the way from the command line to one of them and back to an exit code."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dicomlake import __version__
from dicomlake.cli.output import complain
from dicomlake.client.failure import LakeClientError
from dicomlake.domain.errors import PipelineError

OK, FAILED, QUARANTINED, INTERRUPTED = 0, 1, 3, 130
"""Exit codes: done; an error, told in one sentence; something was quarantined; Ctrl-C. 2 is argparse's own."""

NEEDED = (3, 13)
DESCRIPTION = "Run a lake, put studies into it, look them up, get them back, and see what it costs."

Run = Callable[[argparse.Namespace], int]
AddArguments = Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Command:
    """One verb: its module has `add_arguments(parser)` and `run(arguments)`; it is imported when it is used."""

    name: str
    module: str
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("up", "up", "run a lake on this machine until Ctrl-C"),
    Command("demo", "demo", "start a lake, fill it, prove what it does, stop it"),
    Command("push", "push", "send files, folders, zip archives or a DICOMDIR"),
    Command("studies", "studies", "list studies"),
    Command("show", "show", "show a study's series, or a series' instances"),
    Command("get", "get", "get instances back: as they landed, as DICOM files, or their frames"),
    Command("where", "where", "say what became of a landed object, an instance or a study"),
    Command("link", "link", "share a study by a link that expires, or revoke one"),
    Command("delete", "delete", "delete a study, a series or an instance; bring it back; give up its bytes"),
    Command("correct", "correct", "correct metadata, with the landed bytes kept"),
    Command("quarantine", "quarantine", "list what could not be stored, and why"),
    Command("keys", "keys", "access keys of boto3's medical-imaging clients: create, list, revoke"),
    Command("deid", "deid", "de-identify a folder of DICOM files, with no lake running"),
    Command("cost", "cost", "what the lake's work costs on AWS, by the calls it made"),
    Command("bench", "bench", "measure push to ready on a running lake"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what goes wrong is one sentence on standard error and an exit code."""
    if sys.version_info[:2] < NEEDED:
        return complain(f"dicomlake needs Python {NEEDED[0]}.{NEEDED[1]} or newer; run `make setup` with that one.")
    chosen = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(chosen)
    except PipelineError as exc:
        return complain(str(exc))
    except KeyboardInterrupt:
        return complain("Stopped; nothing is broken: the same command goes on where it was.", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as exc:
        return complain(
            f"{exc.filename or 'A file'} cannot be read or written: {exc.strerror or exc}; then run it again."
        )


def _run(arguments: list[str]) -> int:
    named = next((argument for argument in arguments if not argument.startswith("-")), "")
    parser = build_parser(only=named)
    parsed = parser.parse_args(arguments)
    run: Run = parsed.run
    code = run(parsed)
    sys.stdout.flush()
    return code


def build_parser(only: str = "") -> argparse.ArgumentParser:
    """Return the parser; with a command's name in `only`, the others are there with their help line alone."""
    parser = argparse.ArgumentParser(prog="dicomlake", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"dicomlake {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help)
        if only in ("", command.name):
            _complete(one, command)
    return parser


def _complete(parser: argparse.ArgumentParser, command: Command) -> None:
    module = importlib.import_module(f"dicomlake.cli.{command.module}")
    parser.description = module.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def add_port(parser: argparse.ArgumentParser, default: int, told: str) -> None:
    """Add --port: any text, so that what is no port is one sentence and no usage (`make up PORT=abc`)."""
    parser.add_argument("--port", type=port_of, default=default, metavar="PORT", help=told)


def port_of(text: str) -> int:
    """Return a port; LakeClientError where the text is no number. What can be bound the lake itself says."""
    try:
        return int(text)
    except ValueError:
        raise LakeClientError(f"Port {text} is no number: give one from 1024 to 65534, such as PORT=8042.") from None


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every command that talks to a lake takes."""
    default = Path(os.environ.get("DICOMLAKE_DATA", ".lake"))
    parser.add_argument(
        "--data", type=Path, default=default, metavar="DIR", help="the lake's data directory (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")

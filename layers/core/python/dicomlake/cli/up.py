"""Run a lake on this machine until Ctrl-C: the deployed template on the embedded engine, everything in one directory.

The same directory goes on where it was. `endpoints.json` in it tells addresses and keys, while the lake runs.
"""

import argparse
from pathlib import Path

from dicomlake.cli.commands import add_port
from dicomlake.cli.output import complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_port(parser, 8042, "the gateway's port (default: %(default)s)")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".lake"),
        metavar="DIR",
        help="where everything is kept (default: %(default)s)",
    )
    parser.add_argument("--recover", action="store_true", help="start although the last run was killed")


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped."""
    from dicomlake.local.lake import RunOptions
    from dicomlake.local.lake import run as run_lake

    return run_lake(arguments.port, arguments.data, RunOptions(recover=arguments.recover), complain_quietly)


def complain_quietly(sentence: str) -> None:
    """Say what the lake does, on standard error."""
    complain(sentence)

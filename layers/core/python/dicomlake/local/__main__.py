"""`python -m dicomlake.local up [--port N] [--data DIR]`: the local lake in the foreground."""

import argparse
import sys
from pathlib import Path

from dicomlake.local.engine import EngineOptions
from dicomlake.local.failure import LocalRunError
from dicomlake.local.lake import DEFAULT_PORT, RunOptions, run


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dicomlake.local", description=__doc__)
    up = parser.add_subparsers(dest="command", required=True).add_parser("up", help="run the lake until Ctrl-C")
    up.add_argument("--port", default=str(DEFAULT_PORT), help="the gateway's port (default: %(default)s)")
    up.add_argument("--data", type=Path, default=Path(".lake"), help="where everything is kept (default: %(default)s)")
    up.add_argument("--templates", type=Path, help="deploy these templates instead of tests/golden/dev")
    up.add_argument("--recover", action="store_true", help="rebuild the index after a killed run")
    up.add_argument("--environments", type=int, default=2, help="execution environments per function (default: 2)")
    up.add_argument("--wait-scale", type=float, default=1.0, help="scale of Step Functions waits, for tests")
    up.add_argument("--authorize", action="store_true", help="evaluate IAM policies on every call")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise LocalRunError(f"Port {text} is no number: give one from 1024 to 65534, such as `make up PORT=8042`.")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; a failure is one sentence on standard error and code 1."""
    chosen = _parser().parse_args(arguments)
    engine = EngineOptions(chosen.environments, wait_scale=chosen.wait_scale, authorize=chosen.authorize)
    options = RunOptions(chosen.templates, engine, chosen.recover)
    try:
        return run(_port(chosen.port), chosen.data, options, _say)
    except LocalRunError as exc:
        _say(str(exc))
        return 1


if __name__ == "__main__":
    sys.exit(main())

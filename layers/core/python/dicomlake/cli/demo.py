"""Start a lake, fill it, prove what it does, stop it.

A CT of 300 slices is generated and pushed, then the files that come inside the pydicom package, odd ones included (or
your own, with --dicom PATH). Every promise is checked on the way. Exit code 0 only if all of it held.
"""

import argparse
import shutil
import time
from pathlib import Path

from dicomlake.cli.commands import FAILED, OK, add_port
from dicomlake.cli.demo_checks import Demo, check, show
from dicomlake.cli.output import complain, print_json
from dicomlake.cli.phantom import Phantom
from dicomlake.cli.pushing import Push, push
from dicomlake.client.failure import LakeClientError
from dicomlake.client.lake import LakeClient
from dicomlake.local.endpoints import Endpoints
from dicomlake.local.engine import free_port
from dicomlake.local.lake import DEFAULT_PORT, local_lake
from dicomlake.local.repository import find_repository


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--dicom", type=Path, metavar="PATH", help="push these files instead of pydicom's")
    parser.add_argument("--slices", type=int, default=300, help="slices of the generated CT (default: %(default)s)")
    add_port(parser, 0, "the lake's port (default: 8042, or a free one)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="a new data directory (default: build/demo, made anew)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the lake running until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration and return 0 if everything held."""
    data = _data_directory(arguments.data)
    say = (lambda _: 0) if arguments.json else complain
    say("starting the lake")
    started = time.monotonic()
    with local_lake(data, arguments.port or free_port(DEFAULT_PORT)) as endpoints:
        say(f"the lake took {time.monotonic() - started:.1f} s to start")
        findings = check(_fill(endpoints, data, arguments))
        if arguments.json:
            print_json(findings.document())
        else:
            show(findings, data, running=arguments.keep)
        if arguments.keep:
            _until_interrupted()
    return OK if findings.held else FAILED


def _data_directory(named: Path | None) -> Path:
    """Return an empty directory; only the demo's own is ever emptied."""
    if named is not None:
        if named.exists() and any(named.iterdir()):
            raise LakeClientError(f"{named} is not empty: the demo starts from nothing; name a new directory.")
        return named
    own = find_repository().build / "demo"
    if (own / "endpoints.json").exists():
        raise LakeClientError(f"A demo still runs on {own}: stop it first, or name another directory with --data DIR.")
    shutil.rmtree(own, ignore_errors=True)
    return own


def _fill(endpoints: Endpoints, data: Path, arguments: argparse.Namespace) -> Demo:
    """Push the CT, then the other files; look at each push's calls apart."""
    lake, phantom, receipts = LakeClient(endpoints), Phantom(arguments.slices), data / "pushed.jsonl"
    say = (lambda _: 0) if arguments.json else complain
    say(f"writing a CT of {phantom.slices} slices")
    slices = tuple(phantom.write(data / "sent"))
    began = time.time()
    say("pushing it, waiting until it is ready")
    first = push(lake, Push(slices, receipts, quiet=arguments.json))
    between = time.time()
    other = (arguments.dicom,) if arguments.dicom else _files_of_pydicom()
    say(f"pushing {arguments.dicom or 'the files that come with pydicom, everything that is there'}")
    second = push(lake, Push(other, receipts, everything=arguments.dicom is None, quiet=arguments.json))
    return Demo(lake, phantom, slices, first, second, began, between)


def _files_of_pydicom() -> tuple[Path, ...]:
    """Return the folders of test files inside the installed package: sound ones, odd ones and others."""
    import pydicom

    inside = Path(pydicom.__file__).parent / "data"
    return inside / "test_files", inside / "charset_files"


def _until_interrupted() -> None:
    complain("the lake goes on; Ctrl-C stops it")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return

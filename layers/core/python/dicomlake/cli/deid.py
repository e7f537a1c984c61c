"""De-identify a folder of DICOM files, with no lake running (PS3.15 Basic Profile and its options).

The copies are named by their new UIDs: OUT/study/series/instance.dcm. With --report, DIR/files.json says for each
source path where its copy is, or "refused: " and why there is none. Keep DIR and the key apart from OUT: who has the
key can tell whose copy is whose.
"""

import argparse
import json
import secrets
from dataclasses import replace
from pathlib import Path

from dicomlake.adapters.rapid_ocr import RapidTextReader, available
from dicomlake.cli.commands import OK, QUARANTINED
from dicomlake.cli.deid_folder import Folder, Outcome, deidentify_folder
from dicomlake.cli.deid_report import write_all
from dicomlake.cli.output import complain, print_line
from dicomlake.cli.progress import Progress
from dicomlake.client.failure import LakeClientError
from dicomlake.dicom.deidentify.device_masks import read_masks
from dicomlake.dicom.deidentify.options import Option, option_named
from dicomlake.dicom.deidentify.pixel_look import Looking
from dicomlake.dicom.deidentify.plan import Edit
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.policy_file import read_policy

KEY_BYTES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a folder, or one file")
    parser.add_argument("out", type=Path, metavar="OUT", help="where the copies go")
    parser.add_argument("--policy", default="basic", metavar="NAME", help="basic (the default), or a file of JSON")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME", help=f"may be given again; one of {', '.join(Option)}"
    )
    parser.add_argument("--faces", choices=list(Faces), help="objects that show a head (default: refuse)")
    parser.add_argument("--text", choices=list(TextInPixels), help="text in pixels (default: all of it goes)")
    parser.add_argument("--masks", type=Path, metavar="FILE", help="a table of what each device writes where, JSON")
    parser.add_argument("--key-file", type=Path, metavar="F", help="the key of the names; made where it is not there")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where files.json, mappings and the report go")
    parser.add_argument("--accepted-by", default="", metavar="PERSON", help="who takes the risk of --faces accept-risk")
    parser.add_argument("--dry-run", action="store_true", help="write nothing; print every edit as a line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """De-identify what is there and say how it went."""
    policy = _policy(arguments)
    _apart(arguments)
    key = _key(arguments.key_file)
    folder = Folder(
        arguments.path,
        arguments.out,
        key,
        policy,
        Looking(_reader(), read_masks(arguments.masks.read_text()) if arguments.masks else ()),
        arguments.accepted_by,
        arguments.dry_run,
        _print_edits,
    )
    progress = Progress("files", 0)
    outcome = deidentify_folder(folder, progress.reach)
    progress.finish()
    if arguments.report:
        write_all(arguments.report, outcome.files, outcome.uids, outcome.patients, outcome.report.document(key))
    return _tell(outcome, arguments)


def _policy(arguments: argparse.Namespace) -> Policy:
    """Return the policy; what the command line says is said beside a file's options, and in place of its choices."""
    policy = Policy()
    if arguments.policy != "basic":
        policy = read_policy(Path(arguments.policy).read_text())
    options = policy.options | {option_named(name) for name in arguments.option}
    return replace(
        policy,
        options=options,
        faces=Faces(arguments.faces) if arguments.faces else policy.faces,
        text=TextInPixels(arguments.text) if arguments.text else policy.text,
    )


def _print_edits(file: str, edits: tuple[Edit, ...]) -> None:
    """Print what a dry run would change; no values, neither old nor new."""
    for edit in edits:
        path = "/".join(f"{part:08X}" if depth % 2 == 0 else str(part) for depth, part in enumerate(edit.path))
        line = {"file": file, "path": path, "action": str(edit.action), "why": edit.why, "clause": edit.clause}
        print_line(json.dumps(line, ensure_ascii=False))


def _reader() -> RapidTextReader | None:
    return RapidTextReader() if available() else None


def _apart(arguments: argparse.Namespace) -> None:
    """Raise LakeClientError where originals, copies and what links them would lie in one another."""
    source, out = arguments.path.resolve(), arguments.out.resolve()
    if not source.exists():
        raise LakeClientError(f"{arguments.path} does not exist: name a folder or a file.")
    if out == source or source in out.parents or out in source.parents:
        raise LakeClientError("PATH and OUT lie in one another: give a place of its own for the copies.")
    for name, place in (("--report", arguments.report), ("--key-file", arguments.key_file)):
        if place and out in (place.resolve(), *place.resolve().parents):
            raise LakeClientError(f"{name} lies in OUT: what links copies to originals has to lie apart from them.")


def _key(file: Path | None) -> bytes:
    """Return the key: of the file, made and kept there where it is new; without a file one for this run only."""
    if file is None:
        return secrets.token_bytes(KEY_BYTES)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(KEY_BYTES) + "\n")
    text = file.read_bytes().strip()
    if len(text) < KEY_BYTES // 2:
        raise LakeClientError(
            f"{file} holds too short a key: give at least 16 characters, or a file that is not there."
        )
    return text


def _tell(outcome: Outcome, arguments: argparse.Namespace) -> int:
    told = f"{outcome.written} of {len(outcome.files)} files"
    if arguments.dry_run:
        complain(f"{told} would be de-identified")
    else:
        print_line(f"{told} de-identified into {arguments.out}")
    if arguments.key_file is None:
        complain("The key was made for this run alone: with --key-file the next run gives the same names.")
    for why, count in sorted(outcome.refusals().items(), key=lambda item: -item[1]):
        complain(f"{count} refused: {why}")
    return QUARANTINED if outcome.written < len(outcome.files) else OK

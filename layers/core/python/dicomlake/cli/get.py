"""Get instances back: of a study, a series, or one of them.

--original gives the bytes that landed, checked against their SHA-256; otherwise DICOM files in Explicit VR Little
Endian (--syntax ele) or with the frames as they are stored (--syntax stored); --frames gives the stored frames alone.

Files are named by SOP Instance UID in the directory that -o names; for one instance -o may name a file.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from dicomlake.adapters.decoder_processes import DecoderProcesses
from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import complain, print_json, print_line, size
from dicomlake.cli.progress import Progress
from dicomlake.client.failure import LakeClientError
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import LakeClient
from dicomlake.client.restoring import NotRestorableError, PackedInstance, Packs
from dicomlake.dicom.codecs.bounded import run_decoders_by
from dicomlake.dicom.frames.pixels import Bytes
from dicomlake.domain.errors import NotAcceptableError, PermanentError, PipelineError, RequestError
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid, is_uid

_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("uid", metavar="UID", help="a Study, Series or SOP Instance UID")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="PLACE", help="a directory, or a file for one"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--original", action="store_true", help="the landed bytes")
    kind.add_argument("--frames", action="store_true", help="the frames as they are stored, a file each")
    kind.add_argument("--syntax", choices=("ele", "stored"), default="ele", help="of the files (default: %(default)s)")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Get them and say what was written."""
    run_decoders_by(DecoderProcesses())
    lake = LakeClient(find_lake(arguments.data))
    keys = list(find_instances(lake, arguments.uid))
    packs, written, refused = Packs(lake, keys), list[Path](), list[str]()
    progress = Progress("read", len(keys), quiet=arguments.json)
    for key in keys:
        try:
            for file, parts in _files(packs.instance(key), key, arguments):
                place = _place(file, arguments.output, len(keys))
                write_whole(place, parts)
                written.append(place)
        except (NotRestorableError, PermanentError, RequestError) as exc:
            refused.append(_why(exc, arguments))
        progress.add()
    progress.finish()
    if arguments.json:
        print_json({"instances": len(keys), "files": [str(file) for file in written], "refused": refused})
    else:
        print_line(f"{len(keys)} instances, {len(written)} files, {size(sum(f.stat().st_size for f in written))}")
    return complain(f"{len(refused)} of {len(keys)} instances not written. {refused[0]}") if refused else OK


def find_instances(lake: LakeClient, uid: str) -> Iterator[InstanceKey]:
    """Yield the instances under a study's, series' or instance's UID; LakeClientError where there are none."""
    if not is_uid(uid):
        raise LakeClientError(f"{uid} is no UID: `dicomlake studies` and `dicomlake show` list them.")
    for path, query in (
        (f"studies/{uid}/instances", {}),
        ("instances", {"SeriesInstanceUID": uid}),
        ("instances", {"SOPInstanceUID": uid}),
    ):
        found = list(lake.search_all(path, query))
        if found:
            return (_key(one) for one in found)
    raise LakeClientError("Nothing is stored under this UID: `dicomlake where UID` tells what is known of it.")


def _key(found: dict[str, dict[str, list[str]]]) -> InstanceKey:
    study, series, instance = (found[tag]["Value"][0] for tag in (_STUDY, _SERIES, _INSTANCE))
    return InstanceKey(StudyUid(study), SeriesUid(series), InstanceUid(instance))


def _files(
    packed: PackedInstance, key: InstanceKey, arguments: argparse.Namespace
) -> Iterator[tuple[str, Iterable[Bytes]]]:
    if arguments.frames:
        for index in range(len(packed.frames)):
            yield f"{key.instance_uid}.{index + 1}.frame", (packed.frame(index),)
    elif arguments.original:
        yield f"{key.instance_uid}.dcm", packed.landed()
    else:
        yield f"{key.instance_uid}.dcm", packed.part10(as_stored=arguments.syntax == "stored")


def _why(exc: PipelineError, arguments: argparse.Namespace) -> str:
    undecodable = isinstance(exc, (PermanentError, NotAcceptableError)) and arguments.syntax == "ele"
    if undecodable and not (arguments.original or arguments.frames):
        return f"Its pixels cannot be decoded ({exc}): ask for --original or --syntax stored instead."
    return str(exc)


def _place(file: str, output: Path, instances: int) -> Path:
    """Return where a file goes: what -o names is a file for one instance where it is no directory and has a suffix."""
    return output if instances == 1 and output.suffix and not output.is_dir() else output / file


def write_whole(file: Path, parts: Iterable[Bytes]) -> None:
    """Write a file so that under its name is all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("wb") as out:
            for part in parts:
                out.write(part)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)

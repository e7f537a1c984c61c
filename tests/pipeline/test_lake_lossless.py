"""What comes out of a running lake is what went in: frames by two decoders, landed bytes by their restore plans."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from functools import cache
from itertools import batched

import numpy as np
import pytest
import requests
import zstandard

from dicomlake.dicom.codecs.lossless import decode_openjpeg, decode_openjph
from dicomlake.dicom.files.restore import landed_frame, rebuild
from dicomlake.dicom.frames.pixels import PixelLayout, little_endian
from dicomlake.dicom.frames.syntaxes import HTJ2K_LOSSLESS_RPCL, plan_storage
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.source import BufferSource
from dicomlake.lake.splices import decode_splices
from tests.pipeline.corpus_lake import CorpusLake
from tests.pipeline.running import Document, RunningLake
from tests.unit.dicom.corpus import Row
from tests.unit.dicom.frames_given import expected_frames
from tests.unit.dicom.test_transcode_corpus import OPJ_SIGN

pytestmark = pytest.mark.timeout(600)

EVERY = 1 if os.environ.get("DICOMLAKE_SOAK") == "1" else 9
"""DICOMLAKE_SOAK=1 looks at every file; otherwise at one in nine, which share all kinds of syntaxes."""

ANSWER = 4_000_000
"""Bytes of frames that surely fit into one answer."""

BESIDE = {"conflict-kept-beside", "instance-uid-in-other-series"}


def chosen(filled: CorpusLake) -> Iterator[tuple[Row, str]]:
    """Yield files that are stored as the primary of their UIDs, with the path of their instance."""
    stored = [
        (row, entry["instance"])
        for row, entry in filled.entries.items()
        if entry["outcome"] == "stored" and not BESIDE & {warned["code"] for warned in entry["warnings"]}
    ]
    for row, key in stored[::EVERY]:
        yield row, "/".join((key["study"], key["series"], key["instance"]))


def frames(lake: RunningLake, place: str, count: int, frame_bytes: int) -> list[tuple[str, bytes]]:
    """GET an instance's frames as they are stored, each with its transfer syntax, some a request."""
    together = max(1, min(200, ANSWER // frame_bytes))
    return [
        part
        for some in batched(range(1, count + 1), together, strict=False)
        for part in _answered(lake, place, ",".join(map(str, some)))
    ]


def _answered(lake: RunningLake, place: str, numbers: str) -> list[tuple[str, bytes]]:
    path = f"{_instance(lake, place)}/frames/{numbers}"
    answer = lake.ask(path, Accept='multipart/related; type="application/octet-stream"; transfer-syntax=*')
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    _, *parts = message_from_bytes(head + answer.content).walk()
    bodies = [part.get_payload(decode=True) for part in parts]
    return [
        (str(part.get_param("transfer-syntax")), body)
        for part, body in zip(parts, bodies, strict=True)
        if isinstance(body, bytes)
    ]


def _instance(lake: RunningLake, place: str) -> str:
    study, series, instance = place.split("/")
    return f"/dicomweb/{lake.endpoints.datastoreId}/studies/{study}/series/{series}/instances/{instance}"


def test_frames_have_the_pixels_that_other_decoders_found(corpus_lake: CorpusLake) -> None:
    known, compared, wrong = expected_frames(), 0, list[str]()
    for row, place in chosen(corpus_lake):
        layout = plan_storage(parse(BufferSource(row.read()))).layout
        told = known.get(row.path)
        if told is None or not told["lossless_source"] or layout is None or row.path == OPJ_SIGN:
            continue
        if corpus_lake.lake.document(f"/lake/restore/{place}")["storedTransferSyntax"] != HTJ2K_LOSSLESS_RPCL:
            continue
        got = frames(corpus_lake.lake, place, told["frames"], layout.native_length)
        for decode in (decode_openjph, decode_openjpeg):
            if [_sha256(decode(body), layout) for _, body in got] != told["sha256"]:
                wrong.append(row.path)
        assert {syntax for syntax, _ in got} == {HTJ2K_LOSSLESS_RPCL}
        compared += 1

    assert wrong == []
    assert compared >= 100 / EVERY


def _sha256(array: np.ndarray, layout: PixelLayout) -> str:
    return hashlib.sha256(little_endian(array, layout).tobytes()).hexdigest()


def test_landed_bytes_are_rebuilt_from_the_restore_plan_alone(corpus_lake: CorpusLake) -> None:
    restored, wrong = dict[str, int](), list[str]()
    for row, place in chosen(corpus_lake):
        plan = corpus_lake.lake.document(f"/lake/restore/{place}")
        restored[plan["restorable"]] = restored.get(plan["restorable"], 0) + 1
        assert plan["landedSha256"] == hashlib.sha256(row.read()).hexdigest(), row.path
        if plan["restorable"] == "bytes" and hashlib.sha256(_restored(plan, row)).hexdigest() != plan["landedSha256"]:
            wrong.append(row.path)

    assert wrong == []
    assert restored["bytes"] >= 150 / EVERY


def _restored(plan: Document, row: Row) -> bytes:
    """What a client does: ranged reads of the pack by its signed URL, zstd, the frames' codec, the splices."""

    @cache
    def read(offset: int, length: int) -> bytes:
        span = {"Range": f"bytes={offset}-{offset + length - 1}"}
        answer = requests.get(plan["pack"]["url"], headers=span, timeout=60)
        assert answer.status_code == 206
        return answer.content

    first = plan["headBlocks"][0]["stream"][0]
    stream = b"".join(zstandard.decompress(read(*block["place"])) for block in plan["headBlocks"])
    head, splices = (stream[plan[name][0] - first :][: plan[name][1]] for name in ("head", "splices"))
    layout = plan_storage(parse(BufferSource(row.read()))).layout

    def landed(index: int) -> bytes:
        stored = read(*plan["frames"][index])
        transcoded = plan["storedTransferSyntax"] == HTJ2K_LOSSLESS_RPCL != plan["sourceTransferSyntax"]
        return landed_frame(stored, layout) if transcoded and layout is not None else stored

    return b"".join(bytes(part) for part in rebuild(head, decode_splices(splices), landed))


def test_metadata_names_the_patient_and_the_instance_of_the_file(corpus_lake: CorpusLake) -> None:
    for row, place in chosen(corpus_lake):
        parsed = parse(BufferSource(row.read()))

        (told,) = _metadata(corpus_lake.lake, place)

        for tag in ("00080018", "0020000D", "00100010", "00100020"):
            assert _values(told, tag) == _values(parsed.json, tag), (row.path, tag)


def _metadata(lake: RunningLake, place: str) -> list[Document]:
    answer = lake.ask(f"{_instance(lake, place)}/metadata", operator=False)
    assert answer.status_code == 200, answer.text
    found: list[Document] = answer.json()
    return found


def _values(data_set: Mapping[str, object], tag: str) -> object:
    element = data_set.get(tag)
    return element.get("Value") if isinstance(element, dict) else None

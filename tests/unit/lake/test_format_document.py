"""docs/lake-format.md is true: its example is what the code writes, and its client reads what the code wrote."""

import json
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import imagecodecs
import numpy as np
import pytest

from dicomlake.domain.model import Frame, Level, Splice
from dicomlake.lake.journal import ChangeKind
from tests.unit.lake.packs import Given, framed, packed, reading, record

DOCUMENT = (Path(__file__).parents[3] / "docs" / "lake-format.md").read_text()
FRAME = Frame(0, 9, 8, (Level(1, 1, 4, 0x11111111), Level(2, 2, 9, 0x22222222)), -5, 300, "0f" * 16)
EXAMPLE = Given(
    record("1.2.3.4", frames=1, number=1), ((b"tinyframe", FRAME),), b"the head", b'{"a":1}', (Splice(3, 0, 0, 8),)
)


def fenced(language: str) -> str:
    """The document's only code block in a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(block)


def hexdump(data: bytes) -> str:
    """Sixteen bytes a line, as `hexdump -C` and `xxd` lay them out."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<47}  {text}\n")
    return "".join(lines)


def parts(data: bytes) -> tuple[bytes, Any, bytes]:
    """A pack but for what depends on zlib's release: all before the footer, the footer unpacked, the trailer's end."""
    footer, length = struct.unpack_from("<QQ", data, len(data) - 48)
    return data[:footer], json.loads(zlib.decompress(data[footer : footer + length])), data[-12:-8] + data[-4:]


def test_example_is_what_the_code_writes() -> None:
    written, _ = packed(EXAMPLE)

    documented = bytes.fromhex("".join(line[6:53] for line in fenced("hexdump").splitlines()))

    assert parts(documented) == parts(written)
    assert json.loads(fenced("json")) == parts(written)[1]
    assert reading(documented).metadata(0) == EXAMPLE.metadata


def test_every_kind_of_change_is_documented() -> None:
    assert all(f"`{kind.value}`" in DOCUMENT for kind in ChangeKind)


class Served(BaseHTTPRequestHandler):
    """Answers Range requests over one object, as S3 does."""

    data = b""
    ranges: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer 206 with the bytes asked for."""
        wanted = self.headers["Range"].removeprefix("bytes=")
        self.ranges.append(wanted)
        first, last = wanted.split("-")
        body = self.data[int(first) : int(last) + 1] if first else self.data[-int(last) :]
        self.send_response(206)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[str]:
    """The URL of a pack with twenty real HTJ2K frames of 512x512; `Served.ranges` tells what was asked for."""
    streams = [htj2k(picture(at)) for at in range(20)]
    frames = tuple([(stream, frame_of(stream)) for stream in streams])
    Served.data, _ = packed(Given(record("1.2.3.4", frames=20), frames, b"head", b"{}"))
    Served.ranges.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pack"
    server.shutdown()
    server.server_close()
    thread.join()


def picture(number: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """A 12-bit picture that differs with its number."""
    return (np.add.outer(np.arange(512), np.arange(512) * number) % 4096).astype(np.uint16)


def htj2k(pixels: np.ndarray[Any, np.dtype[np.uint16]]) -> bytes:
    """HTJ2K lossless RPCL with a tile-part for each of four resolutions: 64, 128, 256, 512."""
    return bytes(
        imagecodecs.htj2k_encode(
            pixels, reversible=True, bitspersample=12, resolutions=3, prog_order="RPCL", tlm=True,
            tilepart="RESOLUTIONS", block_size=(64, 64),
        )
    )  # fmt: skip


def frame_of(stream: bytes) -> Frame:
    """The stream's frame record: a resolution ends where its tile-part does (ISO/IEC 15444-1 A.4.2: Psot)."""
    ends, at = [], stream.index(b"\xff\x90")
    while stream[at : at + 2] == b"\xff\x90":
        at += struct.unpack_from(">I", stream, at + 6)[0]
        ends.append(at)
    levels = tuple([Level(64 << k, 64 << k, end, 0) for k, end in enumerate(ends)])
    return Frame(0, len(stream), 524_288, levels, None, None, "00" * 16)


def test_documented_client_reads_a_preview_by_one_range_request(served: str) -> None:
    client: dict[str, Any] = {}
    exec(compile(fenced("python"), "docs/lake-format.md", "exec"), client)  # noqa: S102
    found = client["frame_record"](served, frame=7)
    asked_before = len(Served.ranges)

    stream = client["preview"](served, found, pixels=128)

    assert len(Served.ranges) - asked_before == 1
    assert len(stream) < len(htj2k(picture(7)))
    whole = imagecodecs.htj2k_decode(htj2k(picture(7)), skipres=2)
    assert np.array_equal(imagecodecs.htj2k_decode(stream, skipres=2), whole)
    assert whole.shape == (128, 128)


def test_documented_client_is_twenty_lines() -> None:
    lines = [line for line in fenced("python").splitlines() if line and not line.startswith("import")]

    assert len(lines) <= 20


def test_documented_sizes_are_those_of_the_code() -> None:
    data, summary = packed(*[Given(record(f"1.{at}", frames=1), framed(b"x")) for at in range(2)])

    assert data[:10] == bytes.fromhex("89 44 4C 4B 0D 0A 1A 0A 01 00")
    assert data[-4:] == bytes.fromhex("44 4C 4B 45")
    assert summary.records[0].pointer.record_size == 64 + 16

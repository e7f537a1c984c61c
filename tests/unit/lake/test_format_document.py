"""docs/lake-format.md is true: its example is what the code writes, and its client reads what the code wrote."""

import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

from dicomlake.domain.change import ChangeKind
from dicomlake.domain.model import Frame, Level, Splice
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


def test_documented_client_is_twenty_lines() -> None:
    lines = [line for line in fenced("python").splitlines() if line and not line.startswith("import")]

    assert len(lines) <= 20


def test_documented_sizes_are_those_of_the_code() -> None:
    data, summary = packed(*[Given(record(f"1.{at}", frames=1), framed(b"x")) for at in range(2)])

    assert data[:10] == bytes.fromhex("89 44 4C 4B 0D 0A 1A 0A 01 00")
    assert data[-4:] == bytes.fromhex("44 4C 4B 45")
    assert summary.records[0].pointer.record_size == 64 + 16

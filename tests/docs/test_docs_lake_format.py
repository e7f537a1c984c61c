"""The client of docs/lake-format.md reads a preview out of a pack that the lake itself wrote, by one Range request."""

import re
import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import imagecodecs
import numpy as np
import pytest

from tests.docs.docs_given import DOCS
from tests.usecases.dicom_files import changed, ct_slice
from tests.usecases.memory_lake import MemoryLake

(CLIENT,) = re.findall(r"```python\n(.*?)```", (DOCS / "lake-format.md").read_text(encoding="utf-8"), re.DOTALL)
ROWS = 512


class Pack(BaseHTTPRequestHandler):
    """Answers Range requests over one pack, as S3 does for a signed URL."""

    data = b""
    sent: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        """Answer 206 with the bytes asked for."""
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        body = self.data[int(first) : int(last) + 1] if first else self.data[-int(last) :]
        self.sent.append(len(body))
        self.send_response(206)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def scan() -> np.ndarray[Any, np.dtype[np.uint16]]:
    """A body in air with the noise of a scanner: 12 bits."""
    y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : ROWS * 1j]
    body = np.where((x / 0.8) ** 2 + (y / 0.6) ** 2 < 1, 1060, 24) + np.where(x**2 + y**2 < 0.1, 140, 0)
    return np.clip(body + np.random.default_rng(5).normal(0, 12, body.shape), 0, 4095).astype("<u2")


@pytest.fixture
def url() -> Iterator[str]:
    """Where the pack of a landed CT slice can be read."""
    lake = MemoryLake()
    lake.land("in/ct", changed(ct_slice(), Rows=ROWS, Columns=ROWS, PixelData=scan().tobytes()))
    lake.pump()
    (record,) = lake.store.state.instances.values()
    Pack.data = bytes(lake.store.objects.get(record.pointer.pack))
    Pack.sent.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pack)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/pack"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("pixels", [64, 128])
def test_a_preview_of_a_512_ct_is_one_range_and_less_than_a_tenth_of_its_frame(url: str, pixels: int) -> None:
    client: dict[str, Any] = {}
    exec(compile(CLIENT, "docs/lake-format.md", "exec"), client)  # noqa: S102
    found = client["frame_record"](url)
    Pack.sent.clear()

    stream = client["preview"](url, found, pixels=pixels)

    levels = [struct.unpack_from("<QIHH", found, 64 + 16 * level) for level in range(found[56])]
    small = imagecodecs.htj2k_decode(stream, skipres=len(levels) - 1 - [width for *_, width, _ in levels].index(pixels))
    (crc,) = [crc for _, crc, width, _ in levels if width == pixels]
    assert Pack.sent == [len(stream) - 2]
    assert len(stream) < 0.1 * levels[-1][0]
    assert (small.shape, zlib.crc32(small.astype("<u2").tobytes())) == ((pixels, pixels), crc)


def test_every_level_has_a_true_checksum_and_the_last_is_the_landed_frame(url: str) -> None:
    client: dict[str, Any] = {}
    exec(compile(CLIENT, "docs/lake-format.md", "exec"), client)  # noqa: S102
    found = client["frame_record"](url)
    levels = [struct.unpack_from("<QIHH", found, 64 + 16 * level) for level in range(found[56])]

    decoded = {
        width: imagecodecs.htj2k_decode(client["preview"](url, found, width), skipres=len(levels) - 1 - at)
        for at, (_, _, width, _) in enumerate(levels)
    }

    assert [zlib.crc32(decoded[width].astype("<u2").tobytes()) for *_, width, _ in levels] == [one[1] for one in levels]
    assert np.array_equal(decoded[ROWS], scan())

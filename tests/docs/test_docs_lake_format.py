"""The client of docs/lake-format.md reads a preview out of a pack that the lake itself wrote, by one Range request."""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import pytest

from tests.docs.docs_given import DOCS
from tests.http_served import Served, served
from tests.usecases.dicom_files import changed, ct_slice
from tests.usecases.memory_lake import MemoryLake

(CLIENT,) = re.findall(r"```python\n(.*?)```", (DOCS / "lake-format.md").read_text(encoding="utf-8"), re.DOTALL)
ROWS = 512


def scan(seed: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """A body in air with the noise of a scanner: 12 bits."""
    y, x = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : ROWS * 1j]
    body = np.where((x / 0.8) ** 2 + (y / 0.6) ** 2 < 1, 1060, 24) + np.where(x**2 + y**2 < 0.1, 140, 0)
    return np.clip(body + np.random.default_rng(seed).normal(0, 12, body.shape), 0, 4095).astype("<u2")


@pytest.fixture
def pack() -> Iterator[Served]:
    """The pack of a landed CT of three frames."""
    lake = MemoryLake()
    pixels = b"".join(scan(seed).tobytes() for seed in range(3))
    lake.land("in/ct", changed(ct_slice(), Rows=ROWS, Columns=ROWS, NumberOfFrames=3, PixelData=pixels))
    lake.pump()
    (record,) = lake.store.state.instances.values()
    with served(bytes(lake.store.objects.get(record.pointer.pack))) as one:
        yield one


@pytest.mark.parametrize("pixels", [64, 128])
def test_a_preview_of_a_512_ct_is_one_range_and_less_than_a_tenth_of_its_frame(pack: Served, pixels: int) -> None:
    client: dict[str, Any] = {}
    exec(compile(CLIENT, "docs/lake-format.md", "exec"), client)  # noqa: S102
    found = client["frame_record"](pack.url, frame=2)
    pack.asked.clear()

    stream = client["preview"](pack.url, found, pixels=pixels)

    levels = [struct.unpack_from("<QIHH", found, 64 + 16 * level) for level in range(found[56])]
    small = imagecodecs.htj2k_decode(stream, skipres=len(levels) - 1 - [width for *_, width, _ in levels].index(pixels))
    (crc,) = [crc for _, crc, width, _ in levels if width == pixels]
    assert [length for _, length in pack.asked] == [len(stream) - 2]
    assert len(stream) < 0.1 * levels[-1][0]
    assert (small.shape, zlib.crc32(small.astype("<u2").tobytes())) == ((pixels, pixels), crc)


def test_every_level_has_a_true_checksum_and_the_last_is_the_landed_frame(pack: Served) -> None:
    client: dict[str, Any] = {}
    exec(compile(CLIENT, "docs/lake-format.md", "exec"), client)  # noqa: S102
    found = client["frame_record"](pack.url, frame=2)
    levels = [struct.unpack_from("<QIHH", found, 64 + 16 * level) for level in range(found[56])]

    decoded = {
        width: imagecodecs.htj2k_decode(client["preview"](pack.url, found, width), skipres=len(levels) - 1 - at)
        for at, (_, _, width, _) in enumerate(levels)
    }

    assert [zlib.crc32(decoded[width].astype("<u2").tobytes()) for *_, width, _ in levels] == [one[1] for one in levels]
    assert np.array_equal(decoded[ROWS], scan(2))

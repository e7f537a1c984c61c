"""How a writer cuts an object of unknown size into parts."""

import tracemalloc
from typing import Any

import pytest

from dicomlake.adapters.s3 import S3ObjectStore, parts
from dicomlake.domain.errors import TooLargeError


class PartCounter:
    """An S3 client that keeps the sizes of parts and nothing else."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.ended: list[str] = []

    def create_multipart_upload(self, **_: Any) -> dict[str, Any]:
        return {"UploadId": "u"}

    def upload_part(self, Body: bytearray, PartNumber: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.sizes.append(len(Body))
        return {"ETag": str(PartNumber)}

    def complete_multipart_upload(self, MultipartUpload: dict[str, Any], **_: Any) -> None:  # noqa: N803
        self.ended.append(f"completed {len(MultipartUpload['Parts'])}")

    def abort_multipart_upload(self, **_: Any) -> None:
        self.ended.append("aborted")


def test_ten_thousand_parts_hold_more_than_300_gb() -> None:
    assert parts.MAX_PARTS * parts.PART > 300e9


def test_an_object_beyond_the_last_part_is_refused_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PART": 8, "MAX_PARTS": 5}.items():
        monkeypatch.setattr(parts, name, value)
    client = PartCounter()

    def write_too_much() -> None:
        with S3ObjectStore(client, "lake").open_writer("packs/1") as writer:
            for _ in range(100):
                writer.write(b"1234567")

    with pytest.raises(TooLargeError, match="10,000 parts"):
        write_too_much()
    assert client.sizes == [8] * 5
    assert client.ended == ["aborted"]


def test_a_writer_holds_one_part_in_memory_whatever_the_total() -> None:
    client, block = PartCounter(), bytes(1024 * 1024)
    tracemalloc.start()

    with S3ObjectStore(client, "lake").open_writer("packs/1") as writer:
        for _ in range(200):
            writer.write(block)
        size = writer.commit()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size == sum(client.sizes) == 200 * len(block)
    assert client.ended == ["completed 7"]
    assert peak < 2.5 * parts.PART

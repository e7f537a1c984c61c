"""Files go to the lake by batches of signed URLs, the next signed while one is sent; the first error ends it."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dicomlake.client.failure import LakeRefusedError
from dicomlake.client.receipts import Receipts
from dicomlake.client.sources import Item
from dicomlake.client.upload import SIGNED_AT_ONCE, Sent, Tell, Uploader


class FakeLake:
    """A lake that takes everything but what `refused` names."""

    def __init__(self, refused: str = "") -> None:
        self.http = self
        self.signed: list[int] = []
        self.taken: set[str] = set()
        self._refused = refused
        self._lock = threading.Lock()

    def sign_uploads(self, sizes: list[int], _: str) -> list[dict[str, Any]]:
        first = sum(self.signed)
        self.signed.append(len(sizes))
        return [{"key": f"k{first + n}", "url": f"u{first + n}", "headers": {}} for n in range(len(sizes))]

    def send(self, _: str, url: str, body: bytes, headers: dict[str, str]) -> Any:
        if url == self._refused:
            return SimpleNamespace(status=403, data=b'{"message": "no"}', headers={})
        assert int(headers["Content-Length"]) == len(body)
        with self._lock:
            self.taken.add(url)
        return SimpleNamespace(status=200, headers={"x-amz-version-id": "v"})


def items(count: int) -> list[Item]:
    return [Item(str(number), 3, f"s{number}", lambda: io.BytesIO(b"abc")) for number in range(count)]


@pytest.fixture
def receipts(tmp_path: Path) -> Iterator[Receipts]:
    """What remembers the sent files."""
    with Receipts(tmp_path / "receipts") as kept:
        yield kept


def send(lake: FakeLake, receipts: Receipts, count: int, tell: Tell) -> None:
    Uploader(lake, receipts).send(items(count), tell)  # type: ignore[arg-type]


def test_every_file_is_sent_and_told_of_once(receipts: Receipts) -> None:
    lake, told = FakeLake(), list[Sent]()

    send(lake, receipts, 250, told.append)

    assert lake.signed == [SIGNED_AT_ONCE, SIGNED_AT_ONCE, 50]
    assert sorted(sent.item.stamp for sent in told) == sorted(f"s{number}" for number in range(250))
    assert all(receipts.get(f"s{number}") for number in range(250))
    assert len(lake.taken) == 250


@pytest.mark.parametrize("refused", ["u3", "u249"])
def test_an_error_ends_it_and_what_was_sent_is_remembered(receipts: Receipts, refused: str) -> None:
    lake, told = FakeLake(refused), list[Sent]()

    with pytest.raises(LakeRefusedError, match="no"):
        send(lake, receipts, 250, told.append)

    assert len(lake.taken) == len(told) < 250
    assert receipts.get(f"s{refused[1:]}") is None
    assert all(receipts.get(sent.item.stamp) for sent in told)


def test_nothing_to_send_asks_for_nothing(receipts: Receipts) -> None:
    lake = FakeLake()

    send(lake, receipts, 0, lambda _: None)

    assert lake.signed == []

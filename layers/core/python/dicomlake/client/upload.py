"""Sending files to the landing bucket by signed URLs, several at once, each remembered when it is there."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import batched

from dicomlake.client.failure import LakeClientError, LakeRefusedError
from dicomlake.client.http import CONNECTIONS, Answer, refusal
from dicomlake.client.lake import Document, LakeClient
from dicomlake.client.receipts import Receipt, Receipts
from dicomlake.client.sources import Item

SIGNED_AT_ONCE = 100
"""Files announced in one request; their URLs are asked for while the ones before are sent."""

PARTS_AT_ONCE = 4
"""Parts of one large file in memory at a time, 64 MiB each."""

READ_WHOLE = 8 * 1024 * 1024
"""Files up to this are read in one go; larger ones are streamed."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Fact: an item is in the landing bucket. `at` is the time S3 said so; 0 where an earlier run had sent it."""

    item: Item
    receipt: Receipt
    at: float = 0.0


Tell = Callable[[Sent], None]


class Uploader:
    """Sends items to one lake; `receipts` remembers what is there."""

    def __init__(self, lake: LakeClient, receipts: Receipts, source: str = "default") -> None:
        self._lake = lake
        self._receipts = receipts
        self._source = source
        self._one_large = threading.Lock()

    def send(self, items: Sequence[Item], tell: Tell) -> None:
        """Send every item; `tell` is called from several threads. The first error ends it, with what is sent kept."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            before: list[Future[None]] = []
            try:
                for batch in batched(items, SIGNED_AT_ONCE, strict=False):
                    signed = self._lake.sign_uploads([item.size for item in batch], self._source)
                    sending = [
                        pool.submit(self._send_one, item, place, tell)
                        for item, place in zip(batch, signed, strict=True)
                    ]
                    _await_sent(before)
                    before = sending
                _await_sent(before)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _send_one(self, item: Item, place: Document, tell: Tell) -> None:
        receipt = self._send_parts(item, place) if "parts" in place else self._send_whole(item, place)
        self._receipts.add(item.stamp, receipt)
        tell(Sent(item, receipt, time.time()))

    def _send_whole(self, item: Item, place: Document) -> Receipt:
        try:
            with item.open() as stream:
                body = stream.read() if item.size <= READ_WHOLE else stream
                headers = {**place["headers"], "Content-Length": str(item.size)}
                answer = _sent(self._lake.http.send("PUT", place["url"], body, headers))
        except OSError as exc:
            raise LakeClientError(f"{item.label} cannot be read ({exc.strerror}).") from exc
        return Receipt(place["key"], answer.headers.get("x-amz-version-id", ""))

    def _send_parts(self, item: Item, place: Document) -> Receipt:
        """Send one large file's parts side by side; one large file at a time, for memory's sake."""
        size = int(place["partSize"])
        with self._one_large, ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            etags = pool.map(
                lambda numbered: self._send_part(item, numbered[0] * size, size, numbered[1]),
                enumerate(place["parts"]),
            )
            self._lake.complete_upload(place["key"], place["uploadId"], list(etags))
        return Receipt(place["key"], "")

    def _send_part(self, item: Item, offset: int, size: int, part: Document) -> str:
        with item.open() as stream:
            stream.seek(offset)
            body = stream.read(min(size, item.size - offset))
        return _sent(self._lake.http.send("PUT", part["url"], body, part["headers"])).headers["etag"]


def _await_sent(sending: Sequence[Future[None]]) -> None:
    """Wait until all are sent, or one could not be: its error is raised."""
    done, _ = wait(sending, return_when=FIRST_EXCEPTION)
    for one in done:
        one.result()


def _sent(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise LakeRefusedError(answer.status, refusal(answer))
    return answer

"""Uploads by signed URL in memory: what a sender PUTs is given to `send`."""

import hashlib
from collections.abc import Sequence

from dicomlake.adapters.memory.objects import MemoryObjectStore
from dicomlake.domain.errors import InvalidRequestError, NotFoundError
from dicomlake.ports import SignedRequest


class MemoryUploadSigner:
    """Signs uploads into one bucket in memory."""

    def __init__(self, store: MemoryObjectStore) -> None:
        self._store = store
        self._uploads: dict[str, dict[int, bytes]] = {}

    def sign_whole(self, key: str, seconds: int, sha256: str = "", crc32c: str = "") -> SignedRequest:
        """Return a request that names what it would write."""
        checksums = (("x-sha256", sha256), ("x-crc32c", crc32c))
        return SignedRequest(self._store.sign_put(key, seconds), tuple(one for one in checksums if one[1]))

    def begin_parts(self, key: str, crc32c: bool = False) -> str:
        """Begin an upload in parts and return its id."""
        upload = hashlib.sha256(f"{key}/{len(self._uploads)}".encode()).hexdigest()[:16]
        self._uploads[upload] = {}
        return upload

    def sign_part(self, key: str, upload: str, number: int, seconds: int) -> SignedRequest:
        """Return a request that names the part it would write."""
        return SignedRequest(f"{self._store.sign_put(key, seconds)}&upload={upload}&part={number}")

    def send_part(self, upload: str, number: int, body: bytes) -> str:
        """Do what a sender's PUT of a part does; return the part's ETag."""
        self._uploads[upload][number] = body
        return hashlib.md5(body, usedforsecurity=False).hexdigest()

    def sent_parts(self, key: str, upload: str) -> dict[int, str]:
        """Return the ETags of the parts that are there, by number."""
        if upload not in self._uploads:
            raise NotFoundError("no upload is under way under this id")
        parts = sorted(self._uploads[upload].items())
        return {number: hashlib.md5(body, usedforsecurity=False).hexdigest() for number, body in parts}

    def complete_parts(self, key: str, upload: str, etags: Sequence[str], crc32c: str = "") -> None:
        """Make an object of the parts."""
        if upload not in self._uploads:
            raise NotFoundError("no upload is under way under this id")
        parts = self._uploads[upload]
        sent = [hashlib.md5(parts.get(n, b""), usedforsecurity=False).hexdigest() for n in range(1, len(etags) + 1)]
        if sent != list(etags):
            raise InvalidRequestError("the parts are not those that were sent: send the missing ones again")
        whole = b"".join(parts[n] for n in range(1, len(etags) + 1))
        if crc32c and f"{crc32c_of(whole):08x}" != crc32c:
            raise InvalidRequestError("the parts are not those that were sent: send the missing ones again")
        del self._uploads[upload]
        self._store.put(key, whole)


def crc32c_of(data: bytes) -> int:
    """The CRC-32C of bytes (RFC 3720 B.4), bit by bit: for tests, whose bodies are short."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF

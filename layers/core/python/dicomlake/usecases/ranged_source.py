"""A landed object of any size as a ByteSource: blocks by ranged GET, a few kept, the SHA-256 taken on the way."""

import hashlib
from collections import OrderedDict

from dicomlake.domain.model import LandedObject
from dicomlake.ports import ObjectStore

BLOCK = 8 * 1024 * 1024
KEPT = 4
"""Blocks in memory: with the writer's parts and one frame in hand the task stays under its 300 MB."""


class RangedSource:
    """Random access over an object in a bucket, in constant memory; made for reading forwards.

    Every block is hashed once, in order, when it is first reached; blocks fetched out of order are hashed when the
    order comes to them (and fetched again if they were dropped by then).
    """

    def __init__(self, store: ObjectStore, landed: LandedObject) -> None:
        self._store = store
        self._landed = landed
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._hash = hashlib.sha256()
        self._hashed = 0

    @property
    def size(self) -> int:
        """The number of bytes of the object."""
        return self._landed.size

    def read(self, start: int, length: int) -> memoryview:
        """Return the bytes from `start`, fewer at the end; a span inside one block is not copied."""
        end = min(start + length, self.size)
        if end <= start:
            return memoryview(b"")
        first, last = start // BLOCK, (end - 1) // BLOCK
        if first == last:
            return memoryview(self._block(first))[start - first * BLOCK : end - first * BLOCK]
        out = bytearray(end - start)
        for index in range(first, last + 1):
            low, high = max(start, index * BLOCK), min(end, (index + 1) * BLOCK)
            out[low - start : high - start] = memoryview(self._block(index))[low - index * BLOCK : high - index * BLOCK]
        return memoryview(out)

    def sha256(self) -> str:
        """Return the SHA-256 of the whole object, reading what was not read yet."""
        blocks = -(-self.size // BLOCK)
        while self._hashed < blocks:
            self._block(self._hashed)
        return self._hash.hexdigest()

    def _block(self, index: int) -> bytes:
        block = self._blocks.get(index)
        if block is None:
            block = self._store.read_range(self._landed.key, index * BLOCK, BLOCK, self._landed.version_id)
            self._blocks[index] = block
            if len(self._blocks) > KEPT:
                self._blocks.popitem(last=False)
        if index == self._hashed:
            self._hash.update(block)
            self._hashed += 1
        return block

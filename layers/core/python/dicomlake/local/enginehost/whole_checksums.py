"""The CRC-32C of a whole object out of those of its parts (S3's checksum type FULL_OBJECT), which the engine lacks."""

import base64
from collections.abc import Iterable

_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, reflected (RFC 3720 B.4)."""


def whole_crc32c(parts: Iterable[tuple[str, int]]) -> str:
    """Return the CRC-32C of bytes that lie behind one another, each given by its own (base64) and its length."""
    whole = 0
    for checksum, length in parts:
        whole = _behind(whole, length) ^ int.from_bytes(base64.b64decode(checksum))
    return base64.b64encode(whole.to_bytes(4)).decode()


def _behind(crc: int, length: int) -> int:
    """Return what a CRC becomes by so many zero bytes: a linear map over GF(2), squared for each power of two."""
    rows = [_POLYNOMIAL, *(1 << bit for bit in range(31))]
    steps = 8 * length
    while steps:
        if steps & 1:
            crc = _times(rows, crc)
        rows = [_times(rows, row) for row in rows]
        steps >>= 1
    return crc


def _times(rows: list[int], vector: int) -> int:
    total = 0
    for bit, row in enumerate(rows):
        if vector >> bit & 1:
            total ^= row
    return total

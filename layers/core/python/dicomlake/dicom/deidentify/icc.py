"""Texts of ICC profiles (ISO 15076-1): who made it, for what device, with which words. Colours need none of them."""

import struct

ICC_PROFILE = 0x00282000
_HEADER, _SIGNATURE, _ID = 128, b"acsp", slice(84, 100)
_TEXTS = {b"text": 8, b"desc": 8, b"mluc": 8, b"meta": 8, b"dict": 8}
"""Types of tags that hold text, and how many bytes of one stay: its type and the four reserved ones."""
_CREATOR = slice(80, 84)


def without_texts(profile: bytes) -> bytes:
    """Return a profile with its texts overwritten by zeros and its ID (a hash of it all) cleared; offsets stay.

    What is no profile becomes zeros as a whole: it may be anything.
    """
    if profile[36:40] != _SIGNATURE or len(profile) < _HEADER + 4:
        return bytes(len(profile))
    cleaned = bytearray(profile)
    cleaned[_ID] = bytes(16)
    cleaned[_CREATOR] = bytes(4)
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    described = _HEADER + 4
    for at in range(_HEADER + 4, min(_HEADER + 4 + 12 * count, len(profile) - 11), 12):
        start, size = struct.unpack_from(">4xII", profile, at)
        kept = _TEXTS.get(profile[start : start + 4], size)
        cleaned[start + kept : start + size] = bytes(max(0, min(size, len(profile) - start) - kept))
        described = max(described, at + 12, start + size)
    cleaned[described:] = bytes(max(0, len(profile) - described))
    return bytes(cleaned)

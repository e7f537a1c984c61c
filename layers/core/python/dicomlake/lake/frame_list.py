"""Where the frames of an image set are: a list by frame id, small enough to keep in memory.

A zlib stream of: a 4-byte count of instances, each SOP Instance UID on a line (ASCII), then one record a frame, sorted:
16 bytes of frame id, u32 place of the instance among the lines, u32 frame index. Integers are little endian.
"""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable

from dicomlake.domain.errors import MalformedError
from dicomlake.domain.model import InstanceUid

_COUNT = struct.Struct("<I")
_RECORD = struct.Struct("<16sII")


class FrameList:
    """The frames of an image set by their ids."""

    def __init__(self, instances: tuple[InstanceUid, ...], records: bytes) -> None:
        self._instances = instances
        self._records = records

    @property
    def size(self) -> int:
        """Bytes that the list takes in memory, about."""
        return len(self._records) + 80 * len(self._instances)

    def find(self, frame_id: str) -> tuple[InstanceUid, int] | None:
        """Return the instance that holds a frame, and the frame's index in it; the first one of equal frames."""
        wanted = bytes.fromhex(frame_id)
        place = bisect_left(range(len(self._records) // _RECORD.size), wanted, key=self._id)
        if place * _RECORD.size >= len(self._records) or self._id(place) != wanted:
            return None
        _, instance, index = _RECORD.unpack_from(self._records, place * _RECORD.size)
        return self._instances[instance], index

    def _id(self, place: int) -> bytes:
        start = place * _RECORD.size
        return self._records[start : start + 16]


def encode_frame_list(frames: Iterable[tuple[InstanceUid, Iterable[str]]]) -> bytes:
    """Return a list of each instance's frame ids, in their order, as bytes."""
    instances: list[str] = []
    records: list[tuple[bytes, int, int]] = []
    for uid, ids in frames:
        records += [(bytes.fromhex(name), len(instances), index) for index, name in enumerate(ids)]
        instances.append(uid)
    lines = "".join(f"{uid}\n" for uid in instances).encode("ascii")
    packed = b"".join(_RECORD.pack(*record) for record in sorted(records))
    return zlib.compress(_COUNT.pack(len(instances)) + lines + packed, 1)


def decode_frame_list(data: bytes | bytearray) -> FrameList:
    """Return the list that bytes hold. Raises MalformedError if they hold none."""
    try:
        raw = zlib.decompress(data)
        (count,) = _COUNT.unpack_from(raw)
        *lines, records = raw[_COUNT.size :].split(b"\n", count)
        instances = tuple(InstanceUid(line.decode("ascii")) for line in lines)
    except (zlib.error, struct.error, ValueError) as error:
        raise MalformedError("a list of frames is damaged") from error
    if len(instances) != count or len(records) % _RECORD.size:
        raise MalformedError("a list of frames is cut")
    return FrameList(instances, records)

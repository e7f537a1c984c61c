"""Opening a pack in a bucket."""

from dicomlake.lake.layout import TAIL_SIZE
from dicomlake.lake.reader import PackReader
from dicomlake.ports import ObjectStore


def open_pack(objects: ObjectStore, pack: str, tail_size: int = TAIL_SIZE) -> PackReader:
    """Return a reader over a pack: one request for its tail, which tells its size, then what is asked for."""
    tail, size = objects.read_end(pack, tail_size)
    return PackReader(lambda start, length: objects.read_range(pack, start, length), size, pack, tail_size, tail)

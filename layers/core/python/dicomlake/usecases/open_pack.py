"""Opening a pack in a bucket."""

from threading import local

from dicomlake.lake.layout import TAIL_SIZE
from dicomlake.lake.reader import PackReader
from dicomlake.ports import ObjectStore

KEPT_READERS = 4
"""Opened packs that a thread keeps for the next request: each up to 4 MiB of unpacked blocks, its tail and footer."""


def open_pack(objects: ObjectStore, pack: str, tail_size: int = TAIL_SIZE) -> PackReader:
    """Return a reader over a pack: one request for its tail, which tells its size, then what is asked for."""
    tail, size = objects.read_end(pack, tail_size)
    return PackReader(lambda start, length: objects.read_range(pack, start, length), size, pack, tail_size, tail)


class _Kept(local):
    """The readers of one thread, the last used last. A reader holds its object store, so that none takes its id."""

    def __init__(self) -> None:
        self.readers: dict[tuple[int, str], PackReader] = {}


_KEPT = _Kept()


def kept_pack(objects: ObjectStore, pack: str) -> PackReader:
    """Return a reader over a pack, the one of the request before where there is one: a viewer asks image by image.

    A pack is never written twice, so what was read of it stays true; who may see which instance the index says anew.
    """
    readers, key = _KEPT.readers, (id(objects), pack)
    reader = readers.pop(key, None) or open_pack(objects, pack)
    readers[key] = reader
    if len(readers) > KEPT_READERS:
        del readers[next(iter(readers))]
    return reader

"""Frames out of one run of native pixel data: segmentations of one bit a pixel, frames too large to be stored alone."""

from collections.abc import Iterator

from dicomlake.dicom.frames.pixels import cut_bits
from dicomlake.domain.errors import NotAcceptableError
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_frames import FramesFound
from dicomlake.usecases.retrieve_instances import stored_instance


def cut_frames(found: FramesFound, store: Datastore) -> Iterator[bytes]:
    """Yield each frame from its first bit on, the last byte filled with zeros (PS3.5 8.1.1, PS3.18 8.7.3.3).

    Raises NotAcceptableError for big-endian runs, and where the run landed cut before a frame ends.
    """
    layout = stored_instance(found.record, store).layout
    if layout is None or layout.big_endian or found.run is None:
        raise NotAcceptableError("the frames of this instance cannot be cut out: ask for the instance")
    bits = layout.rows * layout.columns * layout.samples * layout.bits_allocated
    for number in found.numbers:
        first, last = (number - 1) * bits, number * bits
        start, end = first // 8, -(-last // 8)
        if end > found.run.length:
            raise NotAcceptableError("the pixel data landed cut, before this frame ends: ask for the instance")
        data = store.objects.read_range(found.record.pointer.pack, found.run.offset + start, end - start)
        yield data if first % 8 == 0 and last % 8 == 0 else cut_bits(data, first % 8, bits)

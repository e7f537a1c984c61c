"""Frames in another transfer syntax than their own: decoded, or compressed anew without loss."""

from collections.abc import Iterator

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import TransferSyntaxUid
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_frames import FramesFound, frame_records, read_frames
from dicomlake.usecases.retrieve_instances import stored_instance


def transcode_frames(found: FramesFound, target: TransferSyntaxUid, store: Datastore) -> Iterator[bytes]:
    """Yield frames in a transfer syntax: Explicit VR Little Endian or one of `served.TRANSCODED`, in the order asked.

    Raises NotAcceptableError where the instance is no image, or where a frame landed damaged: when it is its turn.
    """
    instance = stored_instance(found.record, store)
    if instance.layout is None:
        raise NotAcceptableError("the instance is no image: ask for transfer-syntax=*")
    indexes = [number - 1 for number in found.numbers]
    if len(indexes) == 1:  # as a rule it lies in the pack's tail, which was read to open the instance
        records = {indexes[0]: instance.reader.frame(instance.ordinal, indexes[0])}
    else:
        records = frame_records(found.record.pointer, sorted(indexes), store)
    return (
        instance.frame_in(target, records[index], data)
        for index, data in zip(indexes, read_frames(found, store), strict=True)
    )

"""Frames in another transfer syntax than their own: decoded, or compressed anew without loss."""

from collections.abc import Callable, Iterator

from dicomlake.dicom.files.part10 import StoredPixels, native_reader
from dicomlake.dicom.files.recode import recoded_frame
from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import TransferSyntaxUid
from dicomlake.domain.served import EXPLICIT_LITTLE
from dicomlake.ports import Datastore
from dicomlake.usecases.retrieve_frames import FramesFound, read_frames
from dicomlake.usecases.retrieve_instances import stored_instance
from dicomlake.usecases.stored_instance import StoredInstance


def transcode_frames(found: FramesFound, target: TransferSyntaxUid, store: Datastore) -> Iterator[bytes]:
    """Yield frames in a transfer syntax: Explicit VR Little Endian or one of `served.TRANSCODED`, in the order asked.

    Raises NotAcceptableError where the instance is no image, MalformedError where a frame cannot be decoded.
    """
    instance = stored_instance(found.record, store)
    convert = _converter(instance, target)
    return (bytes(convert(frame)) for frame in read_frames(found, store))


def _converter(instance: StoredInstance, target: TransferSyntaxUid) -> Callable[[bytes], bytes]:
    layout = instance.layout
    if layout is None:
        raise NotAcceptableError("the instance is no image: ask for transfer-syntax=*")
    if target != EXPLICIT_LITTLE:
        return lambda frame: recoded_frame(frame, layout, target)
    vr, photometric = instance.pixel_vr, instance.photometric

    def decoded(frame: bytes) -> bytes:
        read, _ = native_reader(StoredPixels(instance.syntax, layout, [len(frame)], lambda _: frame), vr, photometric)
        return bytes(read(0))

    return decoded

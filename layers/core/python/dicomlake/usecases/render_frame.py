"""Rendered frames and thumbnails (WADO-RS, PS3.18 10.4.1.1.3 and 10.4.1.1.4): what a browser shows without DICOM."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dicomlake.dicom.codecs.lossy import decoded_photometric
from dicomlake.dicom.files.dataset import read_head
from dicomlake.dicom.files.frame_values import FrameValues, compressed_values, native_values, reduced_values
from dicomlake.dicom.files.part10 import StoredPixels, native_reader
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.pictures.encode import jpeg, png
from dicomlake.dicom.pictures.picture import picture, seen
from dicomlake.domain.errors import InvalidRequestError, MalformedError, NotAcceptableError, NotFoundError
from dicomlake.domain.model import Frame, InstanceRecord
from dicomlake.domain.picture import Viewport, Window
from dicomlake.domain.served import DECODED, HTJ2K, NATIVE
from dicomlake.ports import Datastore
from dicomlake.usecases.cut_frames import cut_frames
from dicomlake.usecases.retrieve_frames import declared_frames, find_frames, is_one_run
from dicomlake.usecases.retrieve_instances import stored_instance
from dicomlake.usecases.stored_instance import StoredInstance

DAMAGED = frozenset({"truncated-frame", "truncated-pixels", "undecodable-frame"})
"""Warnings of an instance whose pixels were damaged when it landed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a picture is asked for: its part and size, its window, its file type, the quality of a JPEG (1 to 100)."""

    viewport: Viewport | None = None
    window: Window | None = None
    media_type: str = "image/jpeg"
    quality: int = 90


def frames_of(record: InstanceRecord) -> int:
    """Return how many frames an instance has; raises NotAcceptableError where it has none that can be rendered."""
    stored = record.stored_transfer_syntax
    if not record.frame_count or (stored not in NATIVE and stored not in DECODED):
        raise NotAcceptableError("there is no picture of this instance: ask for the instance, or for its bulk data")
    return declared_frames(record) if is_one_run(record) else record.frame_count


def middle_frame(record: InstanceRecord) -> int:
    """Return the number of the frame that stands for an instance: the middle one."""
    return (frames_of(record) + 1) // 2


def render_frame(record: InstanceRecord, number: int, wanted: Wanted, store: Datastore) -> bytes:
    """Return one frame, by its 1-based number, as a PNG or JPEG file.

    Raises InvalidRequestError for a viewport outside the image, NotFoundError for a frame that does not exist,
    NotAcceptableError where the instance is no image or landed damaged, MalformedError where its pack is.
    """
    if not 1 <= number <= frames_of(record):
        raise NotFoundError(f"the instance has frames 1 to {frames_of(record)}")
    instance = stored_instance(record, store)
    layout = instance.layout
    if layout is None or layout.rows < 1 or layout.columns < 1:
        raise NotAcceptableError("there is no picture of this instance: it is no image")
    _check_viewport(wanted.viewport, layout)
    head = read_head(instance.reader.head(instance.ordinal), instance.reader.splices(instance.ordinal))
    with _damage_told(record):
        frame, photometric = _values(instance, layout, record, number, wanted.viewport, store)
    shown = seen(picture(frame, head.dataset, number - 1, photometric, wanted.window), wanted.viewport)
    return png(shown) if wanted.media_type == "image/png" else jpeg(shown, wanted.quality)


@contextmanager
def _damage_told(record: InstanceRecord) -> Iterator[None]:
    """Refuse what cannot be shown because it landed damaged; what was damaged since passes through, loud."""
    try:
        yield
    except MalformedError as error:
        if DAMAGED.isdisjoint(warned.code for warned in record.warnings):
            raise
        raise NotAcceptableError(
            "there is no picture of this frame: it landed damaged; ask for the instance"
        ) from error


def _check_viewport(viewport: Viewport | None, layout: PixelLayout) -> None:
    try:
        if viewport is not None:
            viewport.region(layout.rows, layout.columns)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error


def _values(
    instance: StoredInstance,
    layout: PixelLayout,
    record: InstanceRecord,
    number: int,
    viewport: Viewport | None,
    store: Datastore,
) -> tuple[FrameValues, str]:
    """Return a frame's values and their Photometric Interpretation, of no finer resolution than the viewport shows."""
    if is_one_run(record):
        (data,) = cut_frames(find_frames(record.key, [number], store), store)
        return native_values(data, layout, instance.photometric, instance.pixel_vr)
    frame = instance.reader.frame(instance.ordinal, number - 1)
    level = _level(frame, layout, viewport) if instance.syntax == HTJ2K else None
    data = instance.reader.frame_bytes(frame, level)
    if level is not None:
        photometric = decoded_photometric(instance.photometric)
        return reduced_values(data, len(frame.levels) - 1 - level, layout), photometric
    if instance.syntax not in NATIVE:
        return compressed_values(instance.syntax, data, layout, instance.photometric)
    pixels = StoredPixels(instance.syntax, layout, [len(data)], lambda _: data)
    little_endian, _ = native_reader(pixels, instance.pixel_vr, instance.photometric)
    return native_values(bytes(little_endian(0)), layout, instance.photometric, instance.pixel_vr)


def _level(frame: Frame, layout: PixelLayout, viewport: Viewport | None) -> int | None:
    """Return the smallest resolution that has every pixel the viewport shows; None for the full one."""
    if viewport is None or not viewport.is_whole:
        return None
    rows, columns = viewport.fitted(layout.rows, layout.columns)
    for index, level in enumerate(frame.levels[:-1]):
        if level.width >= columns and level.height >= rows:
            return index
    return None

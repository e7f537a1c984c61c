"""Rendered frames and thumbnails (WADO-RS, PS3.18 10.4.1.1.3 and 10.4.1.1.4): what a browser shows without DICOM."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dicomlake.dicom.codecs.lossy import decoded_photometric
from dicomlake.dicom.files.frame_values import FrameValues, native_values, stored_values
from dicomlake.dicom.files.proved import proved_level
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.pictures.encode import jpeg, png
from dicomlake.dicom.pictures.gif import frame_times, gif
from dicomlake.dicom.pictures.picture import picture, seen
from dicomlake.dicom.pictures.voi import Displayed
from dicomlake.domain.errors import InvalidRequestError, NotAcceptableError, NotFoundError
from dicomlake.domain.model import Frame, InstanceRecord
from dicomlake.domain.picture import Viewport, Window
from dicomlake.domain.served import DECODED, HTJ2K, NATIVE
from dicomlake.ports import Datastore
from dicomlake.usecases.cut_frames import cut_frames
from dicomlake.usecases.retrieve_frames import declared_frames, find_frames, is_one_run
from dicomlake.usecases.retrieve_instances import stored_instance
from dicomlake.usecases.stored_instance import StoredInstance, frame_damage_told, header_damage_told


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
    """Return one frame, by its 1-based number, as a PNG, JPEG or GIF file.

    Raises InvalidRequestError for a viewport outside the image, NotFoundError for a frame that does not exist,
    NotAcceptableError where the instance is no image or landed damaged, MalformedError where its pack is.
    """
    if wanted.media_type == "image/gif":
        return b"".join(render_clip(record, [number], wanted, store))
    (shown,) = _shown(_image(record, [number], wanted, store), record, [number], wanted, store)
    return png(shown) if wanted.media_type == "image/png" else jpeg(shown, wanted.quality)


def render_clip(record: InstanceRecord, numbers: Sequence[int], wanted: Wanted, store: Datastore) -> Iterator[bytes]:
    """Return frames, by their 1-based numbers, as the pieces of one animated GIF file, shown in this order.

    A frame is decoded when its piece is asked for. Raises as `render_frame` does, most of it before the first piece.
    """
    instance = _image(record, numbers, wanted, store)
    with header_damage_told():
        times = frame_times(instance.head().dataset, frames_of(record))
    shown = _shown(instance, record, numbers, wanted, store)
    return gif(shown, [times[number - 1] for number in numbers])


def _image(record: InstanceRecord, numbers: Sequence[int], wanted: Wanted, store: Datastore) -> StoredInstance:
    """Return an instance whose frames of these numbers can be rendered as they are wanted."""
    if any(not 1 <= number <= frames_of(record) for number in numbers):
        raise NotFoundError(f"the instance has frames 1 to {frames_of(record)}")
    instance = stored_instance(record, store)
    _check_viewport(wanted.viewport, _layout(instance))
    return instance


def _layout(instance: StoredInstance) -> PixelLayout:
    layout = instance.layout
    if layout is None or layout.rows < 1 or layout.columns < 1 or layout.samples not in (1, 3):
        raise NotAcceptableError("there is no picture of this instance: it is neither gray nor of three colours")
    return layout


def _shown(
    instance: StoredInstance, record: InstanceRecord, numbers: Sequence[int], wanted: Wanted, store: Datastore
) -> Iterator[Displayed]:
    """Yield frames as they are seen, one in hand at a time."""
    layout, dataset = _layout(instance), None
    for number in numbers:
        frame, photometric = _values(instance, layout, record, number, wanted.viewport, store)
        dataset = dataset or instance.head().dataset
        with header_damage_told():
            whole = picture(frame, dataset, number - 1, photometric, wanted.window)
        yield seen(whole, wanted.viewport)


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
        with header_damage_told():  # what a run holds is what landed: if it is no frame, the header says wrong
            return native_values(data, layout, instance.photometric, instance.pixel_vr)
    frame = instance.reader.frame(instance.ordinal, number - 1)
    level = _level(frame, layout, viewport) if instance.syntax == HTJ2K else None
    data = instance.reader.frame_bytes(frame, level)
    if level is not None:
        reduced = proved_level(data, len(frame.levels) - 1 - level, layout, frame.levels[level].crc32)
        return reduced, decoded_photometric(instance.photometric)
    with frame_damage_told(data, frame):
        return stored_values(instance.pixels(frame, data), 0, instance.photometric, instance.pixel_vr)


def _level(frame: Frame, layout: PixelLayout, viewport: Viewport | None) -> int | None:
    """Return the smallest resolution that has every pixel the viewport shows; None for the full one."""
    if viewport is None or not viewport.is_whole:
        return None
    rows, columns = viewport.fitted(layout.rows, layout.columns)
    for index, level in enumerate(frame.levels[:-1]):
        if level.width >= columns and level.height >= rows:
            return index
    return None

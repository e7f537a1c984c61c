"""Looking at an object's pixels for text, as its kind and the policy ask for."""

from dataclasses import dataclass

from dicomlake.dicom.deidentify.clean import profile_of
from dicomlake.dicom.deidentify.dataset import Dataset
from dicomlake.dicom.deidentify.device_masks import DeviceMask, mask_for
from dicomlake.dicom.deidentify.gate import Look
from dicomlake.dicom.deidentify.picture_views import may_hold_text
from dicomlake.dicom.deidentify.pixel_frames import DecodedFrames, decoded_frames
from dicomlake.dicom.deidentify.pixel_text import Film, TextReader, find_text
from dicomlake.dicom.deidentify.plan import Subject, search_for
from dicomlake.dicom.deidentify.policy import Policy, TextInPixels
from dicomlake.dicom.deidentify.whole_object import WholeObject
from dicomlake.domain.errors import RefusedError
from dicomlake.domain.picture_text import Line

_REGIONS = 0x00186011
_CORNERS = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
"""Region Location Min X0, Min Y0, Max X1, Max Y1 (PS3.3 C.8.5.5.1)."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the pixels came to: the frames, and what is filled over in each."""

    frames: DecodedFrames
    boxes: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """Who looks at pixels: a reader of text (None: nobody can read), and the device masks that are known."""

    reader: TextReader | None = None
    masks: tuple[DeviceMask, ...] = ()


def look_at(whole: WholeObject, policy: Policy, look: Look, subject: Subject, looking: Looking) -> Looked | None:
    """Look for text in the pixels; None where there was no reason to. RefusedError where there is one and no way.

    A device mask is filled over first; where nobody can read it is enough by itself.
    """
    if look is Look.NOT:
        return None
    values = {element.tag: element.value for element in whole.dataset}
    mask = mask_for(values, looking.masks)
    if mask is None and looking.reader is None:
        if look is Look.WHERE_DRAWN:
            return None
        raise RefusedError("text may be burned into the pixels, and nothing here can read it: install rapidocr")
    frames = _frames(whole, Look.ALWAYS if mask else look)
    if frames is None:
        return None
    outside = _outside(whole.dataset, frames) if policy.text is TextInPixels.ALL else ()
    known = (*outside, *_within(mask.boxes if mask else (), frames))
    if looking.reader is None:
        return Looked(frames, known)
    film = Film(lambda: iter(frames), frames.photometric, values, known, look is Look.WHERE_DRAWN)
    search = search_for(whole.dataset, profile_of(whole.dataset, policy.options), subject)
    return Looked(frames, find_text(film, looking.reader, policy.text, search).boxes)


def _within(boxes: tuple[Line, ...], frames: DecodedFrames) -> tuple[Line, ...]:
    """Return what of boxes lies inside the frames."""
    columns, rows = frames.layout.columns, frames.layout.rows
    inside = (Line(box.left, box.top, min(box.right, columns), min(box.bottom, rows)) for box in boxes)
    return tuple(box for box in inside if box.left < box.right and box.top < box.bottom)


def _frames(whole: WholeObject, look: Look) -> DecodedFrames | None:
    """Return the frames, None where nothing is drawn in any and the kind of image is not one that has text."""
    try:
        frames = decoded_frames(memoryview(whole.file))
        if look is Look.ALWAYS or any(may_hold_text(frame) for frame in frames):
            return frames
    except RefusedError:
        if look is Look.ALWAYS:
            raise
    return None


def _outside(dataset: Dataset, frames: DecodedFrames) -> tuple[Line, ...]:
    """Return what lies around an ultrasound image's regions: names stand there, no echo does."""
    rows, columns = frames.layout.rows, frames.layout.columns
    regions = next((element.items or () for element in dataset if element.tag == _REGIONS), ())
    corners = [_corners(item) for item in regions]
    if not corners:
        return ()
    left, top = max(0, min(c[0] for c in corners)), max(0, min(c[1] for c in corners))
    right, bottom = min(columns, max(c[2] for c in corners) + 1), min(rows, max(c[3] for c in corners) + 1)
    around = (
        Line(0, 0, columns, top),
        Line(0, bottom, columns, rows),
        Line(0, top, left, bottom),
        Line(right, top, columns, bottom),
    )
    return tuple(box for box in around if box.left < box.right and box.top < box.bottom)


def _corners(item: Dataset) -> tuple[int, int, int, int]:
    told = {element.tag: int.from_bytes(element.value[:4], "little") for element in item}
    left, top, right, bottom = (told.get(tag, 0) for tag in _CORNERS)
    return left, top, right, bottom

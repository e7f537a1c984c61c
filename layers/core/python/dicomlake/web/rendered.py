"""WADO-RS rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4): pictures for browsers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from dicomlake.domain.errors import InvalidRequestError, NotAcceptableError, NotFoundError
from dicomlake.domain.model import InstanceRecord
from dicomlake.domain.picture import Viewport, Window
from dicomlake.domain.served import VIDEO
from dicomlake.usecases.render_document import content_tree, overlay_of
from dicomlake.usecases.render_frame import Wanted, frames_of, middle_frame, render_clip, render_frame
from dicomlake.usecases.retrieve_bulkdata import OCTETS, encapsulated_document, read_pixels
from dicomlake.usecases.retrieve_instances import instances_of, one_instance
from dicomlake.usecases.retrieve_metadata import visible_record
from dicomlake.web.accept import MEDIA_TYPES, MULTIPART, parse_accept
from dicomlake.web.call import Call
from dicomlake.web.frames import frame_numbers
from dicomlake.web.instances import partial
from dicomlake.web.known import unless_known
from dicomlake.web.large import stream_response
from dicomlake.web.multipart import closing, opening
from dicomlake.web.ranges import ranged
from dicomlake.web.reports import report_response
from dicomlake.web.response import Piece, Response

JPEG, PNG, GIF = "image/jpeg", "image/png", "image/gif"
THUMBNAIL = Viewport(128, 128)
TRIED = 5
"""Images of a series or a study that a thumbnail may be made of, from the middle one on."""
_KINDS = {JPEG: JPEG, PNG: PNG, GIF: GIF, "image/jpg": JPEG, "image/*": JPEG, "*/*": JPEG}
_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_RENDERED = ("window", "viewport", "quality")


def get_rendered(call: Call) -> Response:
    """Answer an instance as a picture of its middle frame or a clip, a video, a document, a report as a page."""
    record = visible_record(call.key, call.ports)
    overlay = "" if record.frame_count else overlay_of(record, call.ports)
    return unless_known(call, record, lambda: _instance(call, record), overlay)


def _instance(call: Call, record: InstanceRecord) -> Response:
    stored = record.stored_transfer_syntax
    if stored in VIDEO:
        return _as_itself(call, MEDIA_TYPES.get(stored, OCTETS), read_pixels(record, call.ports))
    if not record.frame_count:
        tree = content_tree(record, call.ports)
        if tree is not None:
            return report_response(call, tree)
        document = encapsulated_document(record, call.ports)
        return _as_itself(call, document.media_type, iter([document.data]))
    wanted = wanted_of(call)
    if wanted.media_type == GIF:
        return _clip(call, record, range(1, frames_of(record) + 1), wanted)
    return _alone(call, record, middle_frame(record), wanted)


def _as_itself(call: Call, media: str, pieces: Iterator[bytes]) -> Response:
    for entry in parse_accept(call.request.accept()):
        if entry.weight > 0 and entry.media_type in (media, f"{media.split('/')[0]}/*", "*/*"):
            return ranged(stream_response(call, media, pieces), call.request)
    raise NotAcceptableError(f"this is available as {media}")


def get_rendered_frames(call: Call) -> Response:
    """Answer frames as pictures: one alone, several as parts in the order asked for, or as one clip of GIF."""
    record = visible_record(call.key, call.ports)
    return unless_known(call, record, lambda: _frames(call, record))


def _frames(call: Call, record: InstanceRecord) -> Response:
    wanted, numbers = wanted_of(call), frame_numbers(call.path["frames"])
    if len(numbers) == 1 and not wanted_parts(call):
        return _alone(call, record, numbers[0], wanted)
    if wanted.media_type == GIF and not wanted_parts(call):
        return _clip(call, record, numbers, wanted)
    if any(not 1 <= number <= frames_of(record) for number in numbers):
        raise NotFoundError(f"the instance has frames 1 to {frames_of(record)}")
    return _together(call, wanted, [(record, number) for number in numbers])


def get_thumbnail_frame(call: Call) -> Response:
    """Answer a small picture of one frame."""
    numbers = frame_numbers(call.path["frames"])
    if len(numbers) != 1:
        raise InvalidRequestError("a thumbnail shows one frame: name one")
    record = visible_record(call.key, call.ports)
    return unless_known(call, record, lambda: _alone(call, record, numbers[0], _small(call)))


def _rendered(find: Callable[[Call], tuple[InstanceRecord, ...]]) -> Callable[[Call], Response]:
    def handle(call: Call) -> Response:
        wanted, shown = wanted_of(call), _images(find(call))
        return _those_that_can(call, wanted, [(record, middle_frame(record)) for record in shown])

    return handle


def _thumbnail(find: Callable[[Call], tuple[InstanceRecord, ...]]) -> Callable[[Call], Response]:
    def handle(call: Call) -> Response:
        wanted, shown = _small(call), _images(find(call))
        return _first_that_can(call, _from_the_middle(shown)[:TRIED], wanted)

    return handle


def _of_study(call: Call) -> tuple[InstanceRecord, ...]:
    return instances_of(call.study_uid, None, call.ports)


def _of_series(call: Call) -> tuple[InstanceRecord, ...]:
    return instances_of(call.study_uid, call.series_uid, call.ports)


get_rendered_study, get_rendered_series = _rendered(_of_study), _rendered(_of_series)
get_thumbnail_study, get_thumbnail_series = _thumbnail(_of_study), _thumbnail(_of_series)
get_thumbnail = _thumbnail(lambda call: one_instance(call.key, call.ports))


def _images(records: tuple[InstanceRecord, ...]) -> list[InstanceRecord]:
    """Return those that have a picture, in display order; NotAcceptableError if none has."""
    shown = []
    for record in sorted(records, key=lambda one: (one.key.series_uid, one.instance_number or 0, one.key.instance_uid)):
        try:
            frames_of(record)
        except NotAcceptableError:
            continue
        shown.append(record)
    if not shown:
        raise NotAcceptableError("there is no picture of this: ask for the instances, or their bulk data")
    return shown


def _alone(call: Call, record: InstanceRecord, number: int, wanted: Wanted) -> Response:
    body = render_frame(record, number, wanted, call.ports)
    return stream_response(call, wanted.media_type, [body])


def _clip(call: Call, record: InstanceRecord, numbers: Sequence[int], wanted: Wanted) -> Response:
    return stream_response(call, GIF, render_clip(record, numbers, wanted, call.ports))


def _together(call: Call, wanted: Wanted, shown: list[tuple[InstanceRecord, int]]) -> Response:
    boundary = call.services.ids.new()
    kind = f'{MULTIPART}; type="{wanted.media_type}"; boundary={boundary}'
    return stream_response(call, kind, _parts(call, wanted, shown, boundary))


def _parts(call: Call, wanted: Wanted, shown: list[tuple[InstanceRecord, int]], boundary: str) -> Iterator[Piece]:
    for record, number in shown:
        yield from _part(call, wanted, record, number, boundary)
    yield closing(boundary)


def _part(call: Call, wanted: Wanted, record: InstanceRecord, number: int, boundary: str) -> tuple[Piece, ...]:
    body = render_frame(record, number, wanted, call.ports)
    key = record.key
    place = f"{call.dicomweb_url}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}"
    return opening(boundary, wanted.media_type, f"{place}/frames/{number}/rendered", len(body)), body, b"\r\n"


def _those_that_can(call: Call, wanted: Wanted, shown: list[tuple[InstanceRecord, int]]) -> Response:
    """Answer pictures of a series or a study, but for images that landed damaged: then 206, and how many they are."""
    boundary, refused = call.services.ids.new(), list[NotAcceptableError]()
    kind = f'{MULTIPART}; type="{wanted.media_type}"; boundary={boundary}'

    def parts() -> Iterator[Piece]:
        for record, number in shown:
            try:
                yield from _part(call, wanted, record, number, boundary)
            except NotAcceptableError as error:
                refused.append(error)
        if len(refused) == len(shown):
            raise refused[0]
        yield closing(boundary)

    return partial(stream_response(call, kind, parts()), len(refused))


def _from_the_middle(shown: list[InstanceRecord]) -> list[InstanceRecord]:
    middle = len(shown) // 2
    return [shown[place] for place in sorted(range(len(shown)), key=lambda place: abs(place - middle))]


def _first_that_can(call: Call, candidates: list[InstanceRecord], wanted: Wanted) -> Response:
    """Answer a picture of the first image that did not land damaged."""
    for record in candidates[:-1]:
        try:
            return _alone(call, record, middle_frame(record), wanted)
        except NotAcceptableError:
            continue
    return _alone(call, candidates[-1], middle_frame(candidates[-1]), wanted)


# --- what is asked -------------------------------------------------------------------------------------------------


def wanted_of(call: Call) -> Wanted:
    """Return what a request asks of a picture. Raises InvalidRequestError or NotAcceptableError where it cannot be."""
    request = call.request
    return Wanted(
        viewport=_read(_viewport, request.parameter("viewport"), "viewport=width,height[,x,y,width,height]"),
        window=_read(_window, request.parameter("window"), "window=centre,width,function"),
        media_type=_media_type(request.accept()),
        quality=request.number("quality", 90, 1, 100),
    )


def _small(call: Call) -> Wanted:
    """A thumbnail takes a viewport's size and nothing else."""
    wanted = wanted_of(call)
    viewport = wanted.viewport or THUMBNAIL
    if not viewport.is_whole:
        raise InvalidRequestError("a thumbnail shows the whole image: viewport=width,height")
    return replace(wanted, viewport=viewport, window=None)


def wanted_parts(call: Call) -> bool:
    """Whether the caller takes pictures as parts of a multipart body only."""
    entries = [entry for entry in parse_accept(call.request.accept()) if entry.weight > 0]
    return all(entry.media_type == MULTIPART for entry in entries)


def _media_type(accept: str) -> str:
    for entry in parse_accept(accept):
        wanted = entry.parameters.get("type", "*/*").lower() if entry.media_type == MULTIPART else entry.media_type
        if entry.weight > 0 and wanted in _KINDS:
            return _KINDS[wanted]
    raise NotAcceptableError(f"pictures are available as {JPEG}, {PNG} and {GIF}")


def _read[T](make: Callable[[list[str]], T], text: str, form: str) -> T | None:
    """Return what a parameter's values mean. Raises InvalidRequestError naming the form that is right."""
    if not text:
        return None
    try:
        return make([part.strip() for part in text.split(",")])
    except (ValueError, KeyError, IndexError) as error:
        raise InvalidRequestError(f"the parameter is {form}: {_told(error)}") from error


def _told(error: Exception) -> str:
    """Our own sentences end with a word, those of Python's parsers may quote what was sent."""
    text = str(error)
    ours = text.startswith(("a window", "a viewport"))
    return text if ours else "numbers, and for the function linear, linear-exact or sigmoid"


def _window(parts: list[str]) -> Window:
    if len(parts) != 3:
        raise IndexError("three values")
    return Window(float(parts[0]), float(parts[1]), _FUNCTIONS[parts[2].lower()])


def _viewport(parts: list[str]) -> Viewport:
    if len(parts) not in (2, 6):
        raise IndexError("two or six values")
    width, height = int(parts[0]), int(parts[1])
    if len(parts) == 2:
        return Viewport(width, height)
    left, top = (int(part or 0) for part in parts[2:4])
    sizes = [int(part) if part else None for part in parts[4:]]
    return Viewport(width, height, left, top, *sizes)

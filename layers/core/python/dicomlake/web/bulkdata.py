"""WADO-RS bulk data (PS3.18 10.4.1.1.5): values that metadata name by URL, documents and videos as themselves."""

import re
from collections.abc import Iterator

from dicomlake.domain.errors import NotAcceptableError, NotFoundError
from dicomlake.domain.model import InstanceRecord
from dicomlake.domain.served import VIDEO
from dicomlake.usecases.retrieve_bulkdata import OCTETS, read_pixels, retrieve_bulkdata
from dicomlake.usecases.retrieve_frames import declared_frames, find_frames, is_one_run
from dicomlake.usecases.retrieve_metadata import visible_record
from dicomlake.web.accept import MEDIA_TYPES, MULTIPART, parse_accept
from dicomlake.web.call import Call
from dicomlake.web.choose import choose_frames
from dicomlake.web.frames import frames_in_syntax
from dicomlake.web.known import unless_known
from dicomlake.web.large import stream_response
from dicomlake.web.multipart import closing, opening
from dicomlake.web.ranges import ranged
from dicomlake.web.response import Piece, Response

PIXELS = "pixeldata"
_PLACE = re.compile(r"[0-9]{1,15}-[0-9]{1,15}\Z")


def get_bulkdata(call: Call) -> Response:
    """Answer one value: alone where the caller takes it so, else as the part of a multipart body."""
    record = visible_record(call.key, call.ports)
    return unless_known(call, record, lambda: _found(call, record, call.path["bulk"]))


def _found(call: Call, record: InstanceRecord, name: str) -> Response:
    if name == PIXELS:
        return _pixels(call, record)
    if not _PLACE.match(name):
        raise NotFoundError("the instance's metadata name no such bulk data")
    value = retrieve_bulkdata(record, name, call.ports)
    return _answer(call, value.media_type, [value.data])


def _pixels(call: Call, record: InstanceRecord) -> Response:
    """A video is its stream; of images every frame is a part, and uncompressed ones are one part together."""
    stored = record.stored_transfer_syntax
    if not record.frame_count:
        raise NotFoundError("the instance has no pixel data")
    if stored in VIDEO:
        return _answer(call, MEDIA_TYPES.get(stored, OCTETS), read_pixels(record, call.ports))
    count = declared_frames(record) if is_one_run(record) else record.frame_count
    chosen = choose_frames(call.request.accept(), stored, 1)
    frames = frames_in_syntax(call, find_frames(call.key, range(1, count + 1), call.ports), chosen)
    if chosen.media_type == OCTETS:
        return _answer(call, chosen.content_type, frames)
    boundary = call.services.ids.new()
    kind = f'{MULTIPART}; type="{chosen.media_type}"; boundary={boundary}'
    return stream_response(call, kind, _parts(call, chosen.content_type, frames, boundary))


def _answer(call: Call, content_type: str, pieces: Iterator[bytes] | list[bytes]) -> Response:
    media = content_type.partition(";")[0]
    if _takes_alone(call.request.accept(), media):
        return ranged(stream_response(call, content_type, pieces), call.request)
    boundary = call.services.ids.new()
    kind = f'{MULTIPART}; type="{media}"; boundary={boundary}'
    whole = iter([b"".join(pieces)])
    return stream_response(call, kind, _parts(call, content_type, whole, boundary))


def _parts(call: Call, content_type: str, bodies: Iterator[bytes], boundary: str) -> Iterator[Piece]:
    key = call.key
    place = f"{call.dicomweb_url}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}"
    for body in bodies:
        yield opening(boundary, content_type, f"{place}/bulkdata/{call.path['bulk']}", len(body))
        yield body
        yield b"\r\n"
    yield closing(boundary)


def _takes_alone(accept: str, media: str) -> bool:
    """Whether the caller's best entry that fits takes the value alone, by its own type or as octets.

    Raises NotAcceptableError where none fits.
    """
    kinds = (media, OCTETS, f"{media.split('/')[0]}/*", "*/*")
    for entry in parse_accept(accept):
        wanted = entry.parameters.get("type", "*/*").lower() if entry.media_type == MULTIPART else entry.media_type
        if entry.weight > 0 and wanted in kinds:
            return entry.media_type != MULTIPART
    raise NotAcceptableError(f'the value is available as {media}, or {MULTIPART}; type="{media}"')

"""WADO-RS frames (PS3.18 10.4.1.1.6): as stored without any codec, decoded or transcoded where that is asked for."""

import re
from collections.abc import Iterator
from dataclasses import replace

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.domain.findings import DAMAGED_CODES
from dicomlake.domain.model import InstanceRecord
from dicomlake.domain.served import is_sent_as_it_lies
from dicomlake.usecases.retrieve_frames import FramesFound, find_frames, read_frames
from dicomlake.web.call import Call
from dicomlake.web.choose import ChosenFrames, choose_frames
from dicomlake.web.known import unless_known
from dicomlake.web.large import stream_response
from dicomlake.web.multipart import closing, opening
from dicomlake.web.ranges import ranged
from dicomlake.web.response import Piece, Response, warning

_FRAMES = re.compile(r"[0-9]{1,9}(,[0-9]{1,9}){0,999}\Z")


def get_frames(call: Call) -> Response:
    """Answer the frames asked for, in the order asked for."""
    numbers = frame_numbers(call.path["frames"])
    found = find_frames(call.key, numbers, call.ports)
    return unless_known(call, found.record, lambda: _answer(call, found, numbers))


def _answer(call: Call, found: FramesFound, numbers: tuple[int, ...]) -> Response:
    chosen = choose_frames(call.request.accept(), found.record.stored_transfer_syntax, len(numbers))
    frames = frames_in_syntax(call, found, chosen)
    if not chosen.multipart:
        return flagged(ranged(stream_response(call, chosen.content_type, frames), call.request), found.record)
    boundary = call.services.ids.new()
    kind = f'multipart/related; type="{chosen.media_type}"; boundary={boundary}'
    parts = _parts(call, chosen, zip(numbers, frames, strict=True), boundary)
    return flagged(stream_response(call, kind, parts), found.record)


def flagged(answer: Response, record: InstanceRecord) -> Response:
    """Say of pixels that were damaged when they landed that they were: what is there is sent, never filled up."""
    codes = sorted(DAMAGED_CODES.intersection(warned.code for warned in record.warnings))
    if not codes:
        return answer
    text = f"the pixel data landed damaged: {', '.join(codes)}"
    return replace(answer, headers={**answer.headers, **warning(text)})


def frame_numbers(text: str) -> tuple[int, ...]:
    """Return the frame numbers of a path. Raises InvalidRequestError if they are none."""
    if not _FRAMES.match(text):
        raise InvalidRequestError("frames are named by up to 1,000 numbers from 1, separated by commas")
    return tuple(int(number) for number in text.split(","))


def frames_in_syntax(call: Call, found: FramesFound, chosen: ChosenFrames) -> Iterator[bytes]:
    """Yield frames in the transfer syntax chosen, in the order asked for; codecs are imported where one is needed."""
    stored = found.record.stored_transfer_syntax
    if found.run is not None:
        from dicomlake.usecases.cut_frames import cut_frames

        return cut_frames(found, call.ports)
    if is_sent_as_it_lies(stored, chosen.transfer_syntax):
        return read_frames(found, call.ports)
    from dicomlake.usecases.transcode_frames import transcode_frames

    return transcode_frames(found, chosen.transfer_syntax, call.ports)


def _parts(call: Call, chosen: ChosenFrames, frames: Iterator[tuple[int, bytes]], boundary: str) -> Iterator[Piece]:
    key = call.key
    place = f"{call.dicomweb_url}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}"
    for number, frame in frames:
        yield opening(boundary, chosen.content_type, f"{place}/frames/{number}", len(frame))
        yield frame
        yield b"\r\n"
    yield closing(boundary)

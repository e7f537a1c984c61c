"""WADO-RS instances (PS3.18 10.4.1.1.1): a study, a series or one of them, as DICOM files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.domain.model import InstanceKey, InstanceRecord
from dicomlake.usecases.retrieve_instances import (
    Chosen,
    Wish,
    choose_syntaxes,
    instances_of,
    one_instance,
    read_instances,
)
from dicomlake.web.call import Call
from dicomlake.web.choose import DICOM, dicom_wishes
from dicomlake.web.frames import flagged
from dicomlake.web.large import stream_response
from dicomlake.web.multipart import closing, opening
from dicomlake.web.response import Piece, Response, warning

HELD = 32 * 1024 * 1024
"""Bytes of a file that are made before it is begun to be sent: by then nearly every one is known to be whole."""


def _retrieve(find: Callable[[Call], tuple[InstanceRecord, ...]]) -> Callable[[Call], Response]:
    def handle(call: Call) -> Response:
        return _respond(call, find(call))

    return handle


get_study = _retrieve(lambda call: instances_of(call.study_uid, None, call.ports))
get_series = _retrieve(lambda call: instances_of(call.study_uid, call.series_uid, call.ports))
get_instance = _retrieve(lambda call: one_instance(call.key, call.ports))


def _respond(call: Call, records: tuple[InstanceRecord, ...]) -> Response:
    wishes = dicom_wishes(call.request.accept(), single=len(records) == 1)
    chosen = choose_syntaxes(records, [Wish(wish.syntax, wish.weight) for wish in wishes])
    if not chosen:
        raise NotAcceptableError("the instances cannot be had in this transfer syntax: ask for transfer-syntax=*")
    if not wishes[0].multipart:
        return _alone(call, chosen[0])
    boundary, refused = call.services.ids.new(), list[NotAcceptableError]()
    kind = f'multipart/related; type="{DICOM}"; boundary={boundary}'
    answer = stream_response(call, kind, _parts(call, chosen, boundary, refused))
    if answer.pieces is not None:
        answer = replace(answer, pieces=_whole(answer.pieces, refused))
    return partial(answer, len(records) - len(chosen) + len(refused))


def _whole(pieces: Iterator[Piece], refused: list[NotAcceptableError]) -> Iterator[Piece]:
    """Yield a body whose headers are sent: an instance that cannot be had ends it with an error, never with a gap."""
    told = len(refused)
    for piece in pieces:
        if len(refused) > told:
            raise refused[-1]
        yield piece


def _alone(call: Call, chosen: Chosen) -> Response:
    ((_, body),) = read_instances([chosen], call.ports)
    answer = flagged(stream_response(call, _content_type(chosen), body), chosen.record)
    place = {"content-location": _location(call, chosen.record.key)} if answer.status == 200 else {}
    return replace(answer, headers={**answer.headers, **place})


def _parts(call: Call, chosen: Sequence[Chosen], boundary: str, refused: list[NotAcceptableError]) -> Iterator[Piece]:
    """Yield the files as parts, but for those that cannot be had: they are `refused`, all of them an error."""
    for one, body in read_instances(chosen, call.ports):
        try:
            begun = _begun(iter(body))
        except NotAcceptableError as error:
            refused.append(error)
            continue
        yield opening(boundary, _content_type(one), _location(call, one.record.key))
        yield from begun
        yield b"\r\n"
    if len(refused) == len(chosen):
        raise refused[0]
    yield closing(boundary)


def _begun(body: Iterator[Piece]) -> Iterable[Piece]:
    held, size = list[Piece](), 0
    for piece in body:
        held.append(piece)
        size += len(piece)
        if size > HELD:
            break
    return chain(held, body)


def partial(answer: Response, left_out: int) -> Response:
    """Say that some instances cannot be had as they were asked for (PS3.18 10.4.3: 206, with a warning)."""
    if not left_out:
        return answer
    text = f"{left_out} instances cannot be had so: ask for transfer-syntax=*"
    headers = {**answer.headers, **warning(text)}
    return replace(answer, status=206 if answer.status == 200 else answer.status, headers=headers)


def _content_type(chosen: Chosen) -> str:
    return f"{DICOM}; transfer-syntax={chosen.target}"


def _location(call: Call, key: InstanceKey) -> str:
    return f"{call.dicomweb_url}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}"

"""STOW-RS (PS3.18 10.5): instances in the body of a request, decided and searchable before the answer."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from dicomlake.domain.errors import (
    EXPLANATIONS,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
    UnsupportedMediaTypeError,
)
from dicomlake.domain.multipart import IncomingPart, read_parts
from dicomlake.domain.store_response import StoreResult, store_response, store_status, told_failures
from dicomlake.usecases.receive_instances import Intake, StorePorts
from dicomlake.usecases.receive_metadata import JSON, SentMetadata
from dicomlake.usecases.received_state import received_state
from dicomlake.usecases.write_native_model import write_native_model
from dicomlake.web.accept import MULTIPART, XML, MediaRange, choose_store_answer, parse_media
from dicomlake.web.call import Call
from dicomlake.web.choose import DICOM
from dicomlake.web.multipart import Part, multipart_body
from dicomlake.web.response import MAX_BODY, Response, json_response

RETRY_AFTER = "5"
TOLD = 5
"""Failures that the Warning header tells in words; the body has every one's code."""

_RECEIPT = re.compile(r"([0-9a-f]{32})-([0-9]{1,6})\Z")


def post_instances(call: Call) -> Response:
    """Store what is in the body of a request: whole, as API Gateway gives it, or as a server receives it."""
    if call.request.stream is not None:
        return store_stream(call, call.request.stream)
    body = call.request.body
    if len(body) > MAX_BODY:
        raise TooLargeError("the body is over 4.5 MB: send fewer at once, or any size by POST /uploads or the gateway")
    return store_stream(call, [body] if body else [])


def store_stream(call: Call, chunks: Iterable[bytes]) -> Response:
    """Store instances of a body of any size while it arrives; memory is bounded, whatever it holds.

    Raises NotAcceptableError (406), UnsupportedMediaTypeError (415) and, where the body does not follow its type,
    InvalidRequestError (400): parts that had arrived whole are taken in all the same.
    """
    ports, answer_type = _ports(call), choose_store_answer(call.request.accept())
    sent = parse_media(call.request.headers.get("content-type", ""))
    study_uid = call.study_uid if "study" in call.path else None
    with Intake(ports, study_uid) as intake:
        if _kind_of(sent) in (JSON, XML):
            _take_metadata(sent, chunks, intake, ports)
        else:
            for body in _files(sent, chunks):
                intake.take(body)
        results = intake.finish()
        if not results:
            raise InvalidRequestError("the body holds no instance")
        receipt = f"{intake.receipt}-{intake.count}"
    return _answered(call, results, receipt, answer_type, store_status(results))


def get_received(call: Call) -> Response:
    """Tell what became of a request that was answered before all of it was decided."""
    ports, answer_type = _ports(call), choose_store_answer(call.request.accept())
    match = _RECEIPT.match(call.path["receipt"])
    if match is None:
        raise NotFoundError("this is no address that a store request was answered with")
    results = received_state(match[1], int(match[2]), ports)
    decided = all(result.decided for result in results)
    return _answered(call, results, match[0], answer_type, 200 if decided else 202)


def _ports(call: Call) -> StorePorts:
    if call.services.storing is None:
        raise ForbiddenError("this function stores no instances")
    return call.services.storing


def _kind_of(sent: MediaRange) -> str:
    """What a request brings: inside multipart/related, the type of its root part; files where that is not said."""
    if sent.media_type != MULTIPART:
        return sent.media_type
    return sent.parameters.get("type", DICOM).partition(";")[0].strip().lower()


def _files(sent: MediaRange, chunks: Iterable[bytes]) -> Iterator[Iterable[bytes]]:
    """Yield the bytes of each DICOM file in a body, to be read in order."""
    if sent.media_type == DICOM:
        pieces = iter(chunks)
        yield from (chain([first], pieces) for first in islice(filter(None, pieces), 1))
    elif sent.media_type != MULTIPART or _kind_of(sent) != DICOM:
        raise UnsupportedMediaTypeError(
            f'instances are taken as {MULTIPART}; type="{DICOM}", or one as {DICOM}; metadata with bulk data as '
            f'{MULTIPART}; type="application/dicom+json" or "application/dicom+xml"'
        )
    else:
        for part in read_parts(chunks, sent.parameters.get("boundary", "")):
            yield _file(part)


def _file(part: IncomingPart) -> Iterator[bytes]:
    """A part without a Content-Type is a DICOM file (PS3.18 10.5.1.2)."""
    if parse_media(part.content_type or DICOM).media_type not in (DICOM, "application/octet-stream"):
        raise UnsupportedMediaTypeError(f"a part of this body is of a type other than {DICOM}, which the body names")
    return part.body


def _take_metadata(sent: MediaRange, chunks: Iterable[bytes], intake: Intake, ports: StorePorts) -> None:
    """Make files of metadata and the bulk data that follow them (PS3.18 10.5.1.2), and let those land."""
    received = SentMetadata(ports.ingest.store.objects, ports.ingest.ids)
    if sent.media_type == MULTIPART:
        for part in read_parts(chunks, sent.parameters.get("boundary", "")):
            media = parse_media(part.content_type or _kind_of(sent))
            received.take(part, media.media_type, media.parameters.get("transfer-syntax", ""))
    else:
        received.take(IncomingPart({}, iter(chunks)), sent.media_type, "")
    for one in received.assembled():
        if isinstance(one, StoreResult):
            intake.refuse(one)
        else:
            intake.take(one.pieces, one.original)


def _answered(call: Call, results: Sequence[StoreResult], receipt: str, kind: str, status: int) -> Response:
    content = store_response(results, call.dicomweb_url)
    headers = _warned(results)
    if any(not result.decided for result in results):
        headers |= {"location": f"{call.dicomweb_url}/received/{receipt}", "retry-after": RETRY_AFTER}
    if kind.startswith("application/") and kind != XML:
        answer = json_response(content, status, kind)
    elif kind == XML:
        answer = Response(status, write_native_model(content), {"content-type": XML})
    else:
        boundary, body = multipart_body([Part(XML, write_native_model(content))])
        answer = Response(status, body, {"content-type": f"{kind}; boundary={boundary}"})
    return Response(answer.status, answer.body, {**answer.headers, **headers})


def _warned(results: Sequence[StoreResult]) -> dict[str, str]:
    """Say in words why parts failed (RFC 7234 5.5); the codes of the body leave much to guess."""
    told = list(told_failures(results, {reason: one.sentence for reason, one in EXPLANATIONS.items()}))
    more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return {"warning": f'299 dicomlake "{"; ".join(told[:TOLD])}{more}"'} if told else {}

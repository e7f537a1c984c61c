"""Answers of any size: within the limit of one answer in its body, beyond it as an object read by a signed URL."""

from collections.abc import Iterable, Iterator
from itertools import chain

from dicomlake.domain.errors import TooLargeError
from dicomlake.lake.paths import answer_key
from dicomlake.web.call import Call
from dicomlake.web.response import MAX_BODY, Piece, Response

SIGNED_SECONDS = 900


def stream_response(call: Call, content_type: str, pieces: Iterable[Piece]) -> Response:
    """Answer with a body that is made piece by piece: 200, or 303 to where it was written (RFC 9110 15.4.4).

    A server that streams (`services.streams`) sends it in one answer. Memory is bounded.
    Raises TooLargeError where it takes longer to write than an answer may.
    """
    source = iter(pieces)
    held: list[Piece] = []
    size = 0
    for piece in source:
        held.append(piece)
        size += len(piece)
        if size > MAX_BODY and _is_streamed(call):
            return Response(200, b"", {"content-type": content_type}, pieces=chain(held, source))
        if size > MAX_BODY:
            return _redirect(call, content_type, chain(held, source))
    return Response(200, b"".join(held), {"content-type": content_type})


def _is_streamed(call: Call) -> bool:
    """A range of what nobody knows the length of is left to the object that the redirect leads to."""
    return call.services.streams and "range" not in call.request.headers


def _redirect(call: Call, content_type: str, pieces: Iterator[Piece]) -> Response:
    key = answer_key(call.services.ids.new())
    with call.ports.objects.open_writer(key, content_type) as writer:
        for piece in pieces:
            if call.services.late():
                raise TooLargeError(
                    "this takes longer than an answer may: ask by series, by instance, or with transfer-syntax=*, "
                    "which needs no decoding, or run `dicomlake get`"
                )
            writer.write(piece)
        writer.commit()
    return Response(303, b"", {"location": call.ports.objects.sign_get(key, SIGNED_SECONDS)})

"""Requests as a server of our own receives them."""

import base64
import json
from email.message import Message
from io import BytesIO

import pytest

from dicomlake.domain.errors import InvalidRequestError, TooLargeError
from dicomlake.entry.incoming import MAX_HELD, IncomingBody, read_request, token_claims


def headers(**given: str) -> Message:
    message = Message()
    for name, value in given.items():
        message[name.replace("_", "-")] = value
    return message


def body_of(sent: bytes, **given: str) -> tuple[bytes, bytes]:
    """What a body's reader yields, and what it leaves for the next request."""
    source = BytesIO(sent)
    body = IncomingBody(source, headers(**given))
    read = b"".join(body)
    assert body.ended
    return read, source.read()


def token(**claims: object) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"Bearer head.{part}.signature"


def test_a_counted_body_is_read_to_its_length_and_no_further() -> None:
    assert body_of(b"abcdeNEXT", Content_Length="5") == (b"abcde", b"NEXT")


def test_a_chunked_body_is_read_to_its_last_chunk_and_its_trailers() -> None:
    sent = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\nNEXT"

    assert body_of(sent, Transfer_Encoding="chunked") == (b"abcde", b"NEXT")


def test_a_request_without_a_body_has_ended() -> None:
    assert IncomingBody(BytesIO(b"NEXT"), headers()).ended


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        (b"abc", {"Content_Length": "5"}),
        (b"5\r\nabc", {"Transfer_Encoding": "chunked"}),
        (b"zz\r\nabc", {"Transfer_Encoding": "chunked"}),
    ],
)
def test_a_body_that_is_cut_or_broken_is_an_error_and_never_a_shorter_one(sent: bytes, given: dict[str, str]) -> None:
    body = IncomingBody(BytesIO(sent), headers(**given))

    with pytest.raises(InvalidRequestError):
        b"".join(body)
    assert not body.ended


def test_a_length_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        IncomingBody(BytesIO(b""), headers(Content_Length="-1"))


def test_instances_stay_in_the_stream() -> None:
    given = headers(Content_Type='multipart/related; type="application/dicom"; boundary=b')

    request = read_request("POST", "/dicomweb/s/studies", given, iter([b"a", b"b"]), "r")

    assert request.body == b""
    assert request.stream is not None
    assert list(request.stream) == [b"a", b"b"]


def test_any_other_body_is_read_and_bounded() -> None:
    given = headers(Content_Type="application/json")

    assert read_request("POST", "/uploads", given, iter([b"{", b"}"]), "r").body == b"{}"
    with pytest.raises(TooLargeError):
        read_request("POST", "/uploads", given, iter([bytes(MAX_HELD), b"x"]), "r")


def test_a_token_says_who_asks() -> None:
    given = headers(Authorization=token(sub="u", iss="i", **{"cognito:groups": ["clinical:read"]}))

    request = read_request("GET", "/dicomweb/s/studies?limit=1", given, iter([]), "r")

    assert request.caller == "i#u"
    assert request.grants == {"clinical:read"}
    assert request.query == (("limit", "1"),)


@pytest.mark.parametrize("path", ["/links/s/t/studies", "//links/s/t/studies", "/datastore/x", "/tags/arn"])
def test_a_token_that_the_load_balancer_did_not_check_says_nothing(path: str) -> None:
    given = headers(Authorization=token(sub="u", iss="i", **{"cognito:groups": ["operator"]}))

    request = read_request("GET", path, given, iter([]), "r")

    assert (request.caller, request.grants) == ("", None)


@pytest.mark.parametrize("text", ["", "AWS4-HMAC-SHA256 Credential=x", "Bearer opaque"])
def test_what_is_no_web_token_says_nothing(text: str) -> None:
    assert token_claims(text) == {}


def test_a_token_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        token_claims("Bearer a.!!!.c")

"""The Runtime API's requests are taken off the wire whole, whatever the pieces they come in."""

import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.local.enginehost.channel import RuntimeChannel, parse_request

COUNTED = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
EMPTY = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize(("wire", "path", "body"), [(COUNTED, "/x", b"hello"), (CHUNKED, "/y", b"hello")])
def test_a_body_is_read_by_length_or_by_chunks(wire: bytes, path: str, body: bytes) -> None:
    request = parse_request(bytearray(wire))

    assert request is not None
    assert (request.method, request.path, request.body) == ("POST", path, body)


@given(st.lists(st.sampled_from([COUNTED, CHUNKED, EMPTY]), min_size=1, max_size=4), st.integers(1, 40))
def test_any_cutting_of_the_wire_gives_the_same_requests(wires: list[bytes], step: int) -> None:
    wire, buffer, seen = b"".join(wires), bytearray(), []

    for start in range(0, len(wire), step):
        buffer += wire[start : start + step]
        while (request := parse_request(buffer)) is not None:
            seen.append(request)

    assert seen == [parse_request(bytearray(one)) for one in wires]
    assert not buffer


def test_a_deadline_without_a_request_is_none() -> None:
    channel = RuntimeChannel()

    assert channel.receive(time.monotonic() + 0.05, lambda: None) is None
    channel.close()


def test_a_request_is_answered_on_its_own_connection() -> None:
    channel = RuntimeChannel()
    host, port = channel.address.split(":")
    answers: list[bytes] = []

    def runtime() -> None:
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(EMPTY)
            answers.append(connection.recv(1000))

    thread = threading.Thread(target=runtime)
    thread.start()
    request = channel.receive(time.monotonic() + 5, lambda: None)
    channel.reply(200, {"Lambda-Runtime-Aws-Request-Id": "1"}, b"{}")
    thread.join()
    channel.close()

    assert request is not None
    assert answers[0].endswith(b"Lambda-Runtime-Aws-Request-Id: 1\r\n\r\n{}")

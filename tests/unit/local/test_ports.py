"""A port that cannot be used is one sentence that says why; a port that is chosen is none that clients are given."""

import errno
import socket

import pytest

from dicomlake.local import __main__ as command
from dicomlake.local import lake
from dicomlake.local.engine import free_port, port_is_free, why_not
from dicomlake.local.failure import LocalRunError


def test_a_port_that_is_no_number_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main(["up", "--port", "abc"])

    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("Port abc is no number")


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "Port 80 is not permitted"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "Port 80 is in use"),
    ],
)
def test_why_a_port_cannot_be_bound_is_said(monkeypatch: pytest.MonkeyPatch, refused: OSError, said: str) -> None:
    monkeypatch.setattr(lake, "why_not", lambda port: refused)

    with pytest.raises(LocalRunError, match=said):
        lake._check_port(80)


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = why_not(port)

    assert refused is not None
    assert refused.errno == errno.EADDRINUSE
    assert port_is_free(port)


def test_a_free_port_lies_below_those_of_clients() -> None:
    assert all(1024 < free_port() < 32768 for _ in range(20))

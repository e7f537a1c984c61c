"""What goes over the wire: retries, refusals in words, uploads that stop at the first error, multipart answers."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dicomlake.client.failure import LakeClientError, LakeRefusedError
from dicomlake.client.frames import parts_of
from dicomlake.client.http import Http, json_of
from dicomlake.client.receipts import Receipts
from dicomlake.client.sources import Item
from dicomlake.client.upload import READ_WHOLE, SIGNED_AT_ONCE, Sent, Uploader
from tests.http_served import Quiet, serving


class Server(ThreadingHTTPServer):
    """A server that answers from a script of statuses, 200 when it is empty, and keeps what was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.bodies: dict[str, bytes] = {}
        self.lengths: list[str | None] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(Quiet, BaseHTTPRequestHandler):
    """Keeps bodies by path; answers bytes 100 to 109 of its content to ranges."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.bodies[self.path] = body
            self.server.lengths.append(self.headers["Content-Length"])
        self._answer(b"")

    def do_GET(self) -> None:
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        self._answer(bytes(range(256))[int(first) : int(last) + 1], partial=206)

    def _answer(self, body: bytes, partial: int = 200) -> None:
        with self.server.lock:
            status = self.server.statuses.pop(0) if self.server.statuses else partial
        told = body if status < 300 else b'{"message": "too much"}'
        self.send_response(status)
        self.send_header("x-amz-version-id", "v7")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    with serving(running):
        yield running


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http()
    yield client
    client.close()


class SigningLake:
    """Signs to the test's server; nothing else of a lake."""

    def __init__(self, server: Server, http: Http) -> None:
        self.server, self.http, self.batches = server, http, list[int]()

    def sign_uploads(self, sizes: list[int], source: str) -> list[dict[str, Any]]:
        self.batches.append(len(sizes))
        first = sum(self.batches[:-1])
        return [
            {"key": f"k{first + n}", "url": f"{self.server.url}/k{first + n}", "headers": {}} for n in range(len(sizes))
        ]


def items(contents: list[bytes]) -> list[Item]:
    return [
        Item(f"f{n}", len(data), f"stamp{n}", lambda data=data: io.BytesIO(data)) for n, data in enumerate(contents)
    ]


def send(server: Server, http: Http, contents: list[bytes], folder: Path) -> tuple[list[Sent], SigningLake]:
    lake, sent = SigningLake(server, http), list[Sent]()
    with Receipts(folder / "pushed.jsonl") as receipts:
        Uploader(lake, receipts).send(items(contents), sent.append)  # type: ignore[arg-type]
    return sent, lake


def test_what_fails_for_a_moment_is_sent_again(server: Server, http: Http) -> None:
    server.statuses = [503, 500]

    answer = http.send("PUT", f"{server.url}/a", b"body", {"Content-Length": "4"})

    assert answer.status == 200
    assert server.bodies == {"/a": b"body"}
    assert len(server.lengths) == 3


def test_a_refusal_is_the_lakes_own_sentence(server: Server, http: Http) -> None:
    server.statuses = [413]

    with pytest.raises(LakeRefusedError, match="The lake answered 413: too much") as refused:
        json_of(http.send("PUT", f"{server.url}/a", b"", {"Content-Length": "0"}))

    assert refused.value.status == 413


def test_no_answer_is_a_sentence_with_what_to_do(server: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)

    with pytest.raises(LakeClientError, match="look whether it still runs"):
        http.send("GET", "http://127.0.0.1:9/")


def test_a_range_is_read(server: Server, http: Http) -> None:
    assert http.read(f"{server.url}/pack", 100, 10) == bytes(range(100, 110))


def test_every_file_is_sent_and_noted_with_its_version(server: Server, http: Http, tmp_path: Path) -> None:
    contents = [bytes([n]) * (n + 1) for n in range(SIGNED_AT_ONCE + 20)]

    sent, lake = send(server, http, contents, tmp_path)

    assert lake.batches == [SIGNED_AT_ONCE, 20]
    assert [server.bodies[f"/k{n}"] for n in range(len(contents))] == contents
    with Receipts(tmp_path / "pushed.jsonl") as receipts:
        assert {receipts.get(f"stamp{n}") for n in range(len(contents))} == {one.receipt for one in sent}
        assert {one.receipt.version for one in sent} == {"v7"}


def test_a_file_above_the_limit_is_streamed_with_its_length(server: Server, http: Http, tmp_path: Path) -> None:
    content = b"0123456789abcdef" * (READ_WHOLE // 16 + 1)

    send(server, http, [content], tmp_path)

    assert server.bodies["/k0"] == content
    assert server.lengths == [str(len(content))]


def test_the_first_refusal_ends_the_upload_and_what_was_sent_is_kept(
    server: Server, http: Http, tmp_path: Path
) -> None:
    send(server, http, [b"before"], tmp_path)
    server.statuses = [403]

    with pytest.raises(LakeRefusedError, match="403"):
        send(server, http, [b"refused"], tmp_path)

    with Receipts(tmp_path / "pushed.jsonl") as receipts:
        assert receipts.get("stamp0") is not None


def test_the_parts_of_a_multipart_answer_are_cut_by_its_boundary_and_nothing_else() -> None:
    frames = [b"\xff\x4f\r\n--not\r\n\r\nthe end", b"\r\n"]
    body = b"".join(b"--b\r\nContent-Type: image/jphc\r\n\r\n" + frame + b"\r\n" for frame in frames) + b"--b--\r\n"

    assert parts_of('multipart/related; boundary="b"', body) == frames


def test_a_full_disk_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import errno

    from dicomlake.cli import commands

    def run(_: list[str]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "out.dcm"))

    before, commands._run = commands._run, run
    try:
        code = commands.main(["get", "1.2"])
    finally:
        commands._run = before

    assert code == 1
    assert "out.dcm cannot be read or written: No space left on device" in capsys.readouterr().err

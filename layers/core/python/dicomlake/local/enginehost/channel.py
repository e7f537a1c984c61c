"""The Lambda Runtime API of one execution environment, driven by the thread that invokes it.

One loopback listener per environment and no thread of its own: the invoking thread waits on the listener, on the
runtime's connection and on the environment's output together, so output never blocks a handler.
"""

import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

_RECEIVE_SIZE = 1 << 18
_HEAD_LIMIT = 1 << 16
_PHRASES = {200: "OK", 202: "Accepted", 403: "Forbidden", 404: "Not Found", 413: "Payload Too Large"}


@dataclass(frozen=True, slots=True)
class RuntimeRequest:
    """One request of the runtime client."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def parse_request(buffer: bytearray) -> RuntimeRequest | None:
    """Take one complete HTTP/1.1 request off the front of `buffer`, or None while it is incomplete (RFC 9112)."""
    end = buffer.find(b"\r\n\r\n", 0, _HEAD_LIMIT)
    if end < 0:
        return None
    lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    start = end + 4
    if "chunked" in headers.get("transfer-encoding", ""):
        taken = _dechunk(buffer, start)
    else:
        taken = _counted(buffer, start, int(headers.get("content-length", "0")))
    if taken is None:
        return None
    body, used = taken
    del buffer[:used]
    return RuntimeRequest(method, path, headers, body)


def _counted(buffer: bytearray, start: int, length: int) -> tuple[bytes, int] | None:
    if len(buffer) - start < length:
        return None
    return bytes(memoryview(buffer)[start : start + length]), start + length


def _dechunk(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    chunks: list[bytes] = []
    while True:
        end = buffer.find(b"\r\n", start)
        if end < 0:
            return None
        size = int(bytes(buffer[start:end]).split(b";")[0], 16)
        stop = end + 2 + size + 2
        if len(buffer) < stop:
            return None
        if size == 0:
            return b"".join(chunks), stop
        chunks.append(bytes(memoryview(buffer)[end + 2 : end + 2 + size]))
        start = stop


class RuntimeChannel:
    """The loopback end of one environment's Runtime API."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._buffers: dict[socket.socket, bytearray] = {}
        self._current: socket.socket | None = None
        self._log_fd = -1
        self.output: list[bytes] = []

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def watch_output(self, descriptor: int) -> None:
        """Collect what the environment writes to this pipe."""
        os.set_blocking(descriptor, False)
        self._log_fd = descriptor
        self._selector.register(descriptor, selectors.EVENT_READ)

    def take_output(self) -> bytes:
        """Return what was written since the last call."""
        self._read_output()
        taken = b"".join(self.output)
        self.output.clear()
        return taken

    def receive(self, deadline: float, still_alive: Callable[[], None]) -> RuntimeRequest | None:
        """Wait for the runtime's next request; None when `deadline` (monotonic seconds) passes first.

        `still_alive` is called whenever a tenth of a second passes quietly or a connection ends, and raises to stop.
        """
        while True:
            left = deadline - time.monotonic()
            ready = self._selector.select(max(0.0, min(left, 0.1)))
            request, ended = self._serve(key.fileobj for key, _ in ready)
            if request is not None:
                return request
            if not ready or ended:
                still_alive()
            if left <= 0:
                return None

    def _serve(self, ready: object) -> tuple[RuntimeRequest | None, bool]:
        ended = False
        for source in ready:  # type: ignore[attr-defined]
            if source is self._listener:
                self._accept()
            elif isinstance(source, int):
                ended |= not self._read_output()
            else:
                request, closed = self._read(source)
                ended |= closed
                if request is not None:
                    self._current = source
                    return request, ended
        return None, ended

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(True)
        self._buffers[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ)

    def _read(self, connection: socket.socket) -> tuple[RuntimeRequest | None, bool]:
        try:
            data = connection.recv(_RECEIVE_SIZE)
        except OSError:
            data = b""
        if not data:
            self._forget(connection)
            return None, True
        buffer = self._buffers[connection]
        fresh = not buffer
        buffer += data
        if fresh and b"100-continue" in buffer[:_HEAD_LIMIT].lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return parse_request(buffer), False

    def _forget(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._buffers[connection]
        connection.close()

    def _read_output(self) -> bool:
        while self._log_fd >= 0:
            try:
                data = os.read(self._log_fd, 1 << 16)
            except BlockingIOError:
                return True
            if not data:
                self._close_output()
                return False
            self.output.append(data)
        return False

    def _close_output(self) -> None:
        self._selector.unregister(self._log_fd)
        os.close(self._log_fd)
        self._log_fd = -1

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Answer the request that `receive` returned last."""
        if self._current is None:
            return
        lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._current.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def close(self) -> None:
        """Release every socket and descriptor."""
        for connection in list(self._buffers):
            self._forget(connection)
        if self._log_fd >= 0:
            self._close_output()
        self._selector.close()
        self._listener.close()

"""The API as a server: the same routes and handlers as the functions, for bodies of any size in both directions.

A thread a connection, which a load balancer keeps open; each has its own clients of AWS, so that none is shared.
"""

import os
import signal
import socket
import socketserver
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import uuid4

from dicomlake.composition import Lake
from dicomlake.domain.errors import PipelineError
from dicomlake.entry.api import services_of
from dicomlake.entry.handling import UnforeseenError, logged
from dicomlake.entry.incoming import IncomingBody, read_request
from dicomlake.entry.storing import store_ports
from dicomlake.settings import Settings
from dicomlake.web.app import respond
from dicomlake.web.errors import error_response
from dicomlake.web.request import Request
from dicomlake.web.response import Response
from dicomlake.web.services import Services

HEALTH = "/health"
IDLE_SECONDS = 75
"""Longer than a load balancer keeps a connection (60 s), so that it is the one who closes it."""
_STATUSES_WITHOUT_BODY = (204, 304)


def run_gateway() -> None:
    """Serve until SIGTERM: on DICOMLAKE_SOCKET, a Unix socket, where that is set, else on DICOMLAKE_PORT."""
    settings = Settings.from_env(os.environ)
    server = _server(settings)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()


def _server(settings: Settings) -> socketserver.BaseServer:
    place = settings.values.get("SOCKET", "")
    handler = _handler_for(settings)
    if place:
        Path(place).unlink(missing_ok=True)
        return _UnixServer(place, handler)
    return _TcpServer(("", settings.integer("PORT")), handler)


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class _TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def _handler_for(given: Settings) -> type["GatewayConnection"]:
    return type("Connection", (GatewayConnection,), {"settings": given})


class GatewayConnection(BaseHTTPRequestHandler):
    """One connection, and the requests that come over it one after the other."""

    settings: Settings
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        """Compose the ports of this connection."""
        super().setup()
        if self.connection.family != socket.AF_UNIX:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lake = Lake(self.settings)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the canonical line tells what a request was, and never its path."""

    def answer(self) -> None:
        """Answer one request, with one line in the log."""
        if self.path == HEALTH:
            self._send(Response(204, headers={}))
            return
        request_id = self.headers.get("X-Amzn-Trace-Id", "") or uuid4().hex
        with logged("gateway", self.lake, _Context(request_id)) as line:
            response = self._respond(request_id)
            line |= {"status": response.status, "method": self.command}
            self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - http.server's names

    def _respond(self, request_id: str) -> Response:
        request = Request(self.command, (), request_id=request_id)
        try:
            body = IncomingBody(self.rfile, self.headers)
            request = read_request(self.command, self.path, self.headers, iter(body), request_id)
            response = respond(request, self._services())
        except PipelineError as error:
            response = error_response(error, request_id)
            return replace(response, headers={**response.headers, "x-request-id": request_id, "connection": "close"})
        # What the handler left of a body would be read as the next request.
        return response if body.ended else replace(response, headers={**response.headers, "connection": "close"})

    def _services(self) -> Services:
        """Nobody waits here in vain for a long answer, bytes flow; so it is never too late."""
        return services_of(self.lake, _never, store_ports(self.lake, _never, lambda _: None), streams=True)

    def _send(self, response: Response) -> None:
        """Send the answer; one that fails half-way ends the connection without the end of its body, never silently."""
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.headers.get("connection") == "close":
            self.close_connection = True
        if response.status in _STATUSES_WITHOUT_BODY:
            self.end_headers()
        elif response.pieces is not None and self.command != "HEAD":
            self._stream(response)
        else:
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else response.body)

    def _stream(self, response: Response) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for piece in response.pieces or ():
                if len(piece):
                    self.wfile.write(b"%x\r\n" % len(piece))
                    self.wfile.write(piece)
                    self.wfile.write(b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except PipelineError as error:
            self.close_connection = True
            raise UnforeseenError(type(error).__name__) from None

    def handle_one_request(self) -> None:
        """Answer the next request; what fails is in the log already, and ends this connection only."""
        try:
            super().handle_one_request()
        except (PipelineError, ConnectionError, TimeoutError):
            self.close_connection = True


def _never() -> bool:
    return False


class _Context:
    """What the log line asks of Lambda's context."""

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id
        self.memory_limit_in_mb = 0

"""HTTP servers for tests: one way to start and stop them, and one that answers Range requests as S3 does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet:
    """A handler that writes no access log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Say nothing."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serve until the block ends; gives the server's origin."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Served:
    """An object that is served, and the (first byte, length) of every range that was asked for."""

    data: bytes
    url: str = ""
    asked: list[tuple[int, int]] = field(default_factory=list)


@contextmanager
def served(data: bytes) -> Iterator[Served]:
    """Serve one object by Range requests, `a-b` and `-n`."""
    told = Served(data)

    class Ranges(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            start = int(first) if first else len(told.data) - int(last)
            body = told.data[start : int(last) + 1 if first else None]
            told.asked.append((start, len(body)))
            self.send_response(206)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Ranges)) as origin:
        told.url = f"{origin}/pack"
        yield told

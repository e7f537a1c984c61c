"""Kept connections to one host, over the standard library's HTTP client."""

import ssl
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from select import POLLIN, poll
from urllib.parse import urlsplit
from weakref import finalize

from dicomlake.domain.errors import UnavailableError

CONNECT_SECONDS = 2
READ_SECONDS = 30
KEPT = 16
_WITH_BODY = frozenset({"PUT", "POST"})

Body = bytes | bytearray | memoryview


class Connections:
    """Sends requests to one origin, each over a connection of its own, which is kept for the next one."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        self._name, self._port = parts.hostname or "", parts.port
        self._idle: deque[HTTPConnection] = deque()
        finalize(self, _close_all, self._idle)

    def send(self, method: str, target: str, headers: Mapping[str, str], body: Body) -> "Answer":
        """Send a request and return its answer as soon as it begins; UnavailableError where none does."""
        with _reachable(), ExitStack() as undo:
            undo.callback(self._forget)
            connection = self._take()
            undo.callback(connection.close)
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body or method in _WITH_BODY:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            answer = Answer(self, connection, connection.getresponse())
            undo.pop_all()
        return answer

    def give_back(self, connection: HTTPConnection) -> None:
        """Keep a connection whose answer was read to its end, unless enough are kept."""
        if len(self._idle) < KEPT and connection.sock is not None:
            self._idle.append(connection)
        else:
            connection.close()

    def _take(self) -> HTTPConnection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if not _ended(connection):
                return connection
            connection.close()
        return self._connect()

    def _forget(self) -> None:
        """Close what is kept: where one connection broke while the process was frozen, the others did too."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def _connect(self) -> HTTPConnection:
        if self._secure:
            made: HTTPConnection = HTTPSConnection(self._name, self._port, timeout=CONNECT_SECONDS, context=_trust())
        else:
            made = HTTPConnection(self._name, self._port, timeout=CONNECT_SECONDS)
        made.connect()
        made.sock.settimeout(READ_SECONDS)
        return made


class Answer:
    """An answer whose body is read once; its connection goes back when the body ended, and only then."""

    def __init__(self, owner: Connections, connection: HTTPConnection, response: HTTPResponse) -> None:
        self._owner = owner
        self._connection = connection
        self._response = response
        self._held = True
        self.status = response.status
        self.headers = response.headers

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes, all that are left without a size."""
        with self._reading():
            found = self._response.read(size)
        self._settle(ended=size is not None and len(found) < size)
        return found

    def readinto(self, view: memoryview | bytearray) -> int:
        """Fill a buffer with the next bytes and return their number; 0 at the end."""
        with self._reading():
            count = self._response.readinto(view)
        self._settle(ended=count == 0 < len(view))
        return count

    def close(self) -> None:
        """Leave the rest of the body unread: the connection ends with it."""
        if self._held:
            self._held = False
            self._response.close()
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with _reachable(), ExitStack() as undo:
            undo.callback(self.close)
            yield
            undo.pop_all()

    def _settle(self, ended: bool) -> None:
        """Give the connection back at the body's end; an end that came too early is an error, never a shorter body."""
        if ended and self._response.length:
            self.close()
            raise UnavailableError("the object's transfer ended early; try again later")
        if self._held and self._response.isclosed():
            self._held = False
            self._owner.give_back(self._connection)


def _close_all(connections: Iterable[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


@contextmanager
def _reachable() -> Iterator[None]:
    """Raise UnavailableError in place of what sockets raise; the cause is left out, it may name the object's key."""
    try:
        yield
    except (OSError, HTTPException) as exc:
        raise UnavailableError(f"the service could not be reached ({type(exc).__name__})") from None


def _ended(connection: HTTPConnection) -> bool:
    """Whether the other side closed a kept connection, or said something that no one asked for."""
    asked = poll()
    asked.register(connection.sock, POLLIN)
    return bool(asked.poll(0))


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()

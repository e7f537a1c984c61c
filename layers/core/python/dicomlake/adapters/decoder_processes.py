"""Foreign decoders in processes of their own: one that hangs is killed, one that crashes takes nothing with it.

Pipes only, no semaphores and no shared memory: AWS Lambda has no /dev/shm.
"""

import fcntl
import os
import select
import struct
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from threading import Lock

from dicomlake.domain.errors import MalformedError, UnavailableError

_REQUEST, _ANSWER = struct.Struct("<16sQ"), struct.Struct("<BIQ")
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from dicomlake.dicom.codecs.child import main; main()"
_PIPE_BYTES = 1024 * 1024
_STARVED = 60.0
"""How many times its seconds of processor a decoder may wait for them: beyond, the machine is to blame."""
_START_SECONDS = 5.0
"""What a process may take to be ready: Python and the codec are imported."""


RawPixels = tuple[str, tuple[int, ...], bytearray]
"""A decoded frame: the array's type as numpy writes it, its shape, its values in C order."""


class DecoderProcesses:
    """Runs decoders of `dicom.codecs.bounded` by name, in as many processes as frames are decoded at a time."""

    def __init__(self) -> None:
        self._idle: list[_Child] = []
        self._lock = Lock()
        weakref.finalize(self, _end_all, self._idle)  # also where another takes its place, and at the end of Python

    def __call__(self, decoder: str, data: bytes | bytearray | memoryview, seconds: float) -> RawPixels:
        """Return what a decoder makes of the bytes in at most so many seconds of processor.

        Raises ValueError where it refuses them, MalformedError where it had to be stopped or crashed, UnavailableError
        where the machine gave it no processor.
        """
        with self._lock:
            child = self._idle.pop() if self._idle else _Child()
        finished = False
        try:
            found = child.decode(decoder, data, seconds)
            finished = True
        except ValueError:
            finished = True
            raise
        finally:
            if finished:
                with self._lock:
                    self._idle.append(child)
            else:
                child.end()
        return found

    def close(self) -> None:
        """End the processes that wait; they also end with this one."""
        with self._lock:
            _end_all(self._idle)


class _Child:
    """One process and its pipes."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _PROGRAM, *sys.path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603
        pipes = (self._process.stdin, self._process.stdout)
        self._in, self._out = (pipe.fileno() for pipe in pipes if pipe is not None)
        for pipe in (self._in, self._out):
            _widen(pipe)
        self._ready = False

    def decode(self, decoder: str, data: bytes | bytearray | memoryview, seconds: float) -> RawPixels:
        """Ask and wait; errors as `DecoderProcesses`, after most of which the process is of no more use."""
        try:
            self._make_ready()
            clock = _Clock(self._process.pid, seconds)
            _write(self._in, _REQUEST.pack(decoder.encode(), len(data)))
            _write(self._in, data)
            clock.wait(self._out)  # the decoder is done by then: what comes after is a copy
            known, meta_length, length = _ANSWER.unpack(_read(self._out, _ANSWER.size))
            meta, values = _read(self._out, meta_length), _read(self._out, length)
        except (BrokenPipeError, EOFError) as error:
            raise MalformedError("a frame crashes its decoder; its stream is damaged") from error
        if not known:
            raise ValueError("the decoder refuses the bytes")
        dtype, *shape = meta.decode().split(";")
        return dtype, tuple(map(int, shape)), values

    def _make_ready(self) -> None:
        """Wait for the byte by which a process says that it takes frames: starting is not their time."""
        if not self._ready:
            _Clock(self._process.pid, _START_SECONDS).wait(self._out)
            _read(self._out, 1)
            self._ready = True

    def end(self) -> None:
        """Kill the process and forget it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()


def _end_all(children: list[_Child]) -> None:
    while children:
        children.pop().end()


class _Clock:
    """How much longer a process may take: by its processor time, which a busy machine does not lengthen."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid, self._seconds = pid, seconds
        self._started, self._used = time.monotonic(), _processor_seconds(pid)

    def wait(self, pipe: int) -> None:
        """Return once the pipe can be read; raises MalformedError or UnavailableError if it takes too long."""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        left = self._seconds
        while not poll.poll(max(1.0, 1000 * left)):
            left = self._seconds - (_processor_seconds(self._pid) - self._used)
            if left <= 0:
                raise MalformedError("a frame takes too long to decode; its stream is damaged")
            if time.monotonic() - self._started > self._seconds * _STARVED:
                raise UnavailableError("a decoder got no processor time")


def _processor_seconds(pid: int) -> float:
    """Return what a process has used; where the system does not tell (no /proc), the time that has passed."""
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
        after_name = stat.read().rpartition(b")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
    return time.monotonic()


def _write(pipe: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(pipe, view) :]


def _widen(pipe: int) -> None:
    """Let a pipe hold a megabyte where the system allows it: a frame then takes two switches between processes."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _read(pipe: int, length: int) -> bytearray:
    held = bytearray(length)
    view = memoryview(held)
    while view:
        taken = os.readv(pipe, [view])
        if not taken:
            raise EOFError
        view = view[taken:]
    return held

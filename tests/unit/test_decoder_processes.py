"""A decoder in a process of its own: its pixels come back, and what it does to its process stays there."""

import os
import signal
from collections.abc import Iterator
from threading import Event, Thread

import numpy as np
import pytest
from imagecodecs import jpegls_encode

from dicomlake.adapters import decoder_processes
from dicomlake.adapters.decoder_processes import DecoderProcesses
from dicomlake.dicom.codecs import bounded
from dicomlake.dicom.codecs.bounded import decode_in_time, in_thread, run_decoders_by
from dicomlake.domain.errors import MalformedError, UnavailableError

FRAME = np.random.default_rng(1).integers(0, 4096, (70, 90)).astype("<u2")
STREAM = jpegls_encode(FRAME, bitspersample=12)


@pytest.fixture
def processes() -> Iterator[DecoderProcesses]:
    processes = DecoderProcesses()
    run_decoders_by(processes)
    yield processes
    run_decoders_by(in_thread)
    processes.close()


def only(processes: DecoderProcesses) -> int:
    """The process id of the only process."""
    (child,) = processes._idle
    return child._process.pid


@pytest.mark.parametrize("shape", [(70, 90), (33, 41, 3), (2000, 1500)])
def test_pixels_come_back_as_they_were(processes: DecoderProcesses, shape: tuple[int, ...]) -> None:
    frame = np.random.default_rng(2).integers(0, 256, shape).astype("u1")

    again = decode_in_time("jpeg-ls", jpegls_encode(frame, out=2 * frame.nbytes), frame.nbytes)

    assert np.array_equal(again, frame)
    assert again.dtype == frame.dtype


def test_one_process_decodes_one_frame_after_the_other(processes: DecoderProcesses) -> None:
    decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)
    first = only(processes)

    with pytest.raises(ValueError, match="refuses"):
        decode_in_time("jpeg-ls", STREAM[:100], FRAME.nbytes)

    assert np.array_equal(decode_in_time("jpeg-ls", STREAM, FRAME.nbytes), FRAME)
    assert only(processes) == first


def test_frames_that_are_decoded_together_have_a_process_each(processes: DecoderProcesses) -> None:
    found: list[bool] = []

    def decode() -> None:
        found.extend(np.array_equal(decode_in_time("jpeg-ls", STREAM, FRAME.nbytes), FRAME) for _ in range(20))

    threads = [Thread(target=decode) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 60
    assert 1 <= len(processes._idle) <= 3


def test_a_crash_is_the_frames_and_the_next_one_has_a_new_process(processes: DecoderProcesses) -> None:
    decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)
    crashed = only(processes)
    os.kill(crashed, signal.SIGKILL)

    with pytest.raises(MalformedError, match="crashes"):
        decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)

    assert np.array_equal(decode_in_time("jpeg-ls", STREAM, FRAME.nbytes), FRAME)
    assert only(processes) != crashed


def test_what_takes_too_much_processor_is_killed(processes: DecoderProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter((0.0, 0.1, 0.6))
    decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)
    stopped = only(processes)
    os.kill(stopped, signal.SIGSTOP)
    monkeypatch.setattr(decoder_processes, "_processor_seconds", lambda _: next(used))
    monkeypatch.setattr(bounded, "PATIENCE_SECONDS", 0.5)

    with pytest.raises(MalformedError, match="too long"):
        decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)

    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)


def test_a_machine_that_gives_no_processor_is_not_the_frames_fault(
    processes: DecoderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)
    os.kill(only(processes), signal.SIGSTOP)
    monkeypatch.setattr(bounded, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(decoder_processes, "_STARVED", 1.0)

    with pytest.raises(UnavailableError):
        decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)


def test_a_process_ends_with_the_pipe_of_the_one_that_started_it(processes: DecoderProcesses) -> None:
    decode_in_time("jpeg-ls", STREAM, FRAME.nbytes)
    (child,) = processes._idle
    assert child._process.stdin is not None

    child._process.stdin.close()

    assert child._process.wait(timeout=30) == 0


def test_processes_end_with_the_one_who_holds_them() -> None:
    processes = DecoderProcesses()
    processes("jpeg-ls", STREAM, 5.0)
    (child,) = processes._idle

    del processes

    assert child._process.returncode == -signal.SIGKILL


def test_in_a_thread_it_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = Event()
    monkeypatch.setattr(bounded, "here", lambda *_: never.wait())

    with pytest.raises(MalformedError, match="too long"):
        in_thread("jpeg-ls", b"", 0.05)
    never.set()


def test_a_large_frame_is_given_more_time() -> None:
    asked: list[float] = []

    def runner(decoder: str, data: object, seconds: float) -> tuple[str, tuple[int, ...], bytes]:
        asked.append(seconds)
        return "|u1", (1,), b"\0"

    run_decoders_by(runner)
    try:
        decode_in_time("jpeg-ls", b"", 1)
        decode_in_time("jpeg-ls", b"", 60 * bounded.SLOWEST)
    finally:
        run_decoders_by(in_thread)

    assert asked == [bounded.PATIENCE_SECONDS, 60.0]

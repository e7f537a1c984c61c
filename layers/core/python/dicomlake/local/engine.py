"""The embedded engine as a child process: started in its own environment, stopped with its state saved."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from dicomlake.local.datadir import DataDirectory
from dicomlake.local.failure import LocalRunError
from dicomlake.local.repository import Repository

REGION = "us-east-1"
_READY_SECONDS = 120.0
_STOP_SECONDS = 60.0
# Never inherited: real credentials and per-service endpoints must not leak into a local run.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What a caller may vary: tests make waits short and environments few."""

    concurrency: int = 2
    idle_seconds: float = 300.0
    wait_scale: float = 1.0
    authorize: bool = False


class Engine:
    """One running engine."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: str) -> None:
        self._process = process
        self._log = log
        self.port = port

    @property
    def url(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The engine's process id, which is also its process group."""
        return self._process.pid

    def exited(self) -> int | None:
        """Return the exit code once the engine is gone."""
        return self._process.poll()

    def wait_ready(self) -> None:
        """Return when the engine answers; raises LocalRunError with its last words when it does not."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.exited() is not None:
                raise LocalRunError(f"The engine did not start: {self.last_words()}")
            if _answers(f"{self.url}/_ministack/health"):
                return
            time.sleep(0.05)
        raise LocalRunError(f"The engine did not answer within {_READY_SECONDS:.0f} s; see {self._log}.")

    def last_words(self) -> str:
        """Return the last line of the engine's log."""
        with open(self._log, errors="replace") as log:
            lines = log.read().strip().splitlines()
        return lines[-1] if lines else f"it said nothing; see {self._log}"

    def checkpoint(self) -> None:
        """Have the engine save its state now."""
        self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> bool:
        """Stop the engine and everything it started; say whether its state was saved."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.terminate()
        try:
            saved = self._process.wait(_STOP_SECONDS) == 0
        except subprocess.TimeoutExpired:
            saved = False
        self._end_group()
        return saved

    def _end_group(self) -> None:
        """End whatever of the engine's process group is left: environments and tasks are in it."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._process.wait()


def start_engine(repository: Repository, data: DataDirectory, port: int, options: EngineOptions) -> Engine:
    """Start the engine on `port`; call `wait_ready` before using it."""
    if not port_is_free(port):
        raise LocalRunError(
            f"Port {port}, which this data directory's queue URLs name, is in use; "
            "stop what uses it or choose another DATA."
        )
    shutil.rmtree(data.scratch, ignore_errors=True)
    data.scratch.mkdir()
    with data.engine_log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [str(repository.engine_python), "-m", "dicomlake.local.enginehost"],
            env=_environment(repository, data, port, options),
            cwd=data.path,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(data.lock_descriptor,),
        )
    return Engine(process, port, str(data.engine_log))


def _environment(repository: Repository, data: DataDirectory, port: int, options: EngineOptions) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "AUTH": "1" if options.authorize else "0",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SECRET_ACCESS_KEY": "local",
        "BIND_HOST": "127.0.0.1",
        "DICOMLAKE_ENGINE_CACHE": str(repository.build / "unpacked"),
        "DICOMLAKE_ENGINE_CONCURRENCY": str(options.concurrency),
        "DICOMLAKE_ENGINE_HANDLER_PYTHON": str(repository.handler_python),
        "DICOMLAKE_ENGINE_IDLE_SECONDS": str(options.idle_seconds),
        "DICOMLAKE_ENGINE_IMAGES": str(data.images),
        "DICOMLAKE_ENGINE_WITH_PARENT": "1",
        "DOCKER_HOST": "unix:///nonexistent",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # Bodies of half a megabyte come from the heap: a fresh mapping each costs the kernel its zeroing.
        "MALLOC_MMAP_THRESHOLD_": "67108864",
        "MALLOC_TRIM_THRESHOLD_": "268435456",
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "PYTHONPATH": str(repository.package_path),
        "S3_DATA_DIR": str(data.objects),
        "S3_PERSIST": "1",
        "SFN_WAIT_SCALE": str(options.wait_scale),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(data.state),
        "TMPDIR": str(data.scratch),
    }


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def port_is_free(port: int) -> bool:
    """Say whether nothing listens on this loopback port."""
    return why_not(port) is None


def why_not(port: int) -> OSError | None:
    """Return why this loopback port cannot be bound, None where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            return exc
    return None


def free_port(preferred: int = 0) -> int:
    """Return `preferred` when it is free, else any free loopback port.

    Not one that the kernel gives to clients: until a lake binds it, and while it is stopped, any connection of this
    machine might take it.
    """
    if preferred and port_is_free(preferred):
        return preferred
    return next(port for port in iter(_below_the_clients, 0) if port_is_free(port))


def _below_the_clients() -> int:
    """A port of the registered range below the ephemeral ones, which begin at 32768 (Linux) or 49152 (RFC 6335)."""
    return secrets.choice(range(10_000, 32_000, 2))

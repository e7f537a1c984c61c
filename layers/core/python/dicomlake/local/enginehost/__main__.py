"""Start the engine with this host's parts in it, and stop it with its state saved."""

import os
import resource
import signal
import sys
import threading
from types import FrameType

import uvicorn

from .checkpoint import Checkpoints
from .engine import EngineMismatchError, check, part
from .patches import Host, install
from .settings import PREFIX, HostSettings

_DRAIN_SECONDS = 5.0


class _Stopper:
    """Brings the handlers to rest before the sockets close: they call the engine to finish."""

    def __init__(self, server: uvicorn.Server, host: Host) -> None:
        self._server = server
        self._host = host
        self._stopping = False

    def handle_exit(self, _signal: int, _frame: FrameType | None) -> None:
        """Take the place of uvicorn's handler, which would end the process by the signal and not with code 0."""
        if not self._stopping:
            self._stopping = True
            threading.Thread(target=self._stop, name="engine-stop").start()

    def _stop(self) -> None:
        self._host.drain(_DRAIN_SECONDS)
        self._server.should_exit = True


def _stop_with_parent() -> None:
    """Stop when standard input ends: it is a pipe that the parent holds, so its death is noticed at once."""
    while os.read(0, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    """Serve until told to stop; 3 when the installed engine is not the expected one."""
    try:
        check()
    except EngineMismatchError as exc:
        sys.stderr.write(f"{exc}\n")
        return 3
    _raise_file_limit()
    settings = HostSettings.from_environment()
    host = install(settings, os.environ["MINISTACK_REGION"])
    if os.environ.get(PREFIX + "WITH_PARENT"):
        threading.Thread(target=_stop_with_parent, daemon=True).start()
    checkpoints = Checkpoints(part("app").app, host.busy, host.notifications.close)
    signal.signal(signal.SIGUSR1, lambda _signal, _frame: checkpoints.request())
    config = uvicorn.Config(
        checkpoints,
        host=os.environ.get("BIND_HOST", "127.0.0.1"),
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
        backlog=1024,
    )
    server = uvicorn.Server(config)
    server.handle_exit = _Stopper(server, host).handle_exit
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

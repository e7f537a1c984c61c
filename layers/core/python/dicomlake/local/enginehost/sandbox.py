"""One Lambda execution environment: a process that runs AWS's own runtime client on the deployed code."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .channel import RuntimeChannel, RuntimeRequest

# Lambda quotas: invocation payload 6 MB each way, counted by the service as 6291556 bytes; init phase 10 s.
PAYLOAD_LIMIT = 6_291_556
_INIT_SECONDS = 10.0
_RUNTIME_API = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """What a deployed function needs to run: read from the engine's record, nothing else."""

    name: str
    arn: str
    version: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout: int
    memory_mb: int
    log_group: str
    log_format: str = "Text"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event on its way to a handler."""

    request_id: str
    payload: bytes
    arn: str
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an invocation: the handler's answer or the error as raised, and what was printed."""

    payload: bytes
    failed: bool
    output: bytes
    peak_mb: int
    milliseconds: float


class _EndedError(Exception):
    """The process is gone, by itself or by the memory watch."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _InitError(Exception):
    """The handler's module could not be loaded; the body names the class."""

    def __init__(self, body: bytes) -> None:
        super().__init__("init error")
        self.body = body


@dataclass(slots=True, eq=False)
class Sandbox:
    """A live execution environment; used by one invocation at a time."""

    spec: FunctionSpec
    python: str
    base_environment: Mapping[str, str]
    log_stream: str
    last_used: float = 0.0
    _channel: RuntimeChannel = field(init=False)
    _process: subprocess.Popen[bytes] = field(init=False)
    _tmp: Path = field(init=False)
    _waiting: bool = field(default=False, init=False)
    _used: bool = field(default=False, init=False)
    _peak: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._channel = RuntimeChannel()
        self._tmp = Path(tempfile.mkdtemp(prefix="lambda-"))
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter on the deployed handler
                [self.python, "-m", "awslambdaric", self.spec.handler],
                cwd=self.spec.code,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=write,
                stderr=write,
            )
        finally:
            os.close(write)
        self._channel.watch_output(read)

    def _environment(self) -> dict[str, str]:
        """Return what Lambda's documentation lists as defined runtime variables, and the function's own."""
        spec = self.spec
        paths = [str(spec.code), *(str(layer / "python") for layer in spec.layers)]
        paths += filter(None, [spec.environment.get("PYTHONPATH")])
        return {
            **self.base_environment,
            **spec.environment,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": spec.log_format,
            "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_LAMBDA_RUNTIME_API": self._channel.address,
            "LAMBDA_TASK_ROOT": str(spec.code),
            "PYTHONPATH": os.pathsep.join(paths),
            "TMPDIR": str(self._tmp),
            "_HANDLER": spec.handler,
        }

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one event to its end; `alive` says afterwards whether the environment survived it."""
        self._peak = 0
        started = time.monotonic()
        try:
            if not self._waiting:
                self._await_next(started + max(_INIT_SECONDS, self.spec.timeout))
            started = time.monotonic()
            self._hand_over(invocation)
            payload, failed = self._await_answer(started + self.spec.timeout)
        except _InitError as refused:
            self.kill()
            payload, failed = refused.body, True
        except _EndedError as ended:
            self.kill()
            payload, failed = _error("Runtime.ExitError", invocation, ended.reason), True
        except TimeoutError:
            self.kill()
            payload, failed = _timed_out(invocation, self.spec.timeout), True
        spent = (time.monotonic() - started) * 1000
        self._peak = max(self._peak, resident_mb(self._process.pid))
        return Outcome(payload, failed, self._channel.take_output(), self._peak, spent)

    def ready(self) -> bool:
        """Say whether a used environment came back for more; one that ended in between is replaced unnoticed."""
        if self._used and not self._waiting:
            try:
                self._await_next(time.monotonic() + _INIT_SECONDS)
            except (_EndedError, _InitError, TimeoutError):
                return False
        self._used = True
        return True

    def _hand_over(self, invocation: Invocation) -> None:
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.spec.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
        }
        if invocation.trace_id:
            headers["Lambda-Runtime-Trace-Id"] = invocation.trace_id
        self._waiting = False
        try:
            self._channel.reply(200, headers, invocation.payload)
        except OSError as exc:
            raise _EndedError(self._exit_reason()) from exc

    def _await_next(self, deadline: float) -> None:
        request = self._receive(deadline)
        if request.path.endswith("/init/error"):
            self._channel.reply(202, {}, b"")
            raise _InitError(request.body)
        self._waiting = True

    def _await_answer(self, deadline: float) -> tuple[bytes, bool]:
        request = self._receive(deadline)
        failed = request.path.endswith("/error")
        if not failed and len(request.body) > PAYLOAD_LIMIT:
            return self._accepted(_too_large(len(request.body))), True
        return self._accepted(request.body), failed

    def _accepted(self, body: bytes) -> bytes:
        self._channel.reply(202, {}, b"")
        return body

    def _receive(self, deadline: float) -> RuntimeRequest:
        request = self._channel.receive(deadline, self._check)
        if request is None:
            raise TimeoutError
        if not request.path.startswith(_RUNTIME_API):
            raise _EndedError("the runtime asked for an unknown path")
        return request

    def _check(self) -> None:
        if self._process.poll() is not None:
            raise _EndedError(self._exit_reason())
        self._peak = max(self._peak, resident_mb(self._process.pid))
        if self._peak > self.spec.memory_mb:
            self.kill()
            raise _EndedError("signal: killed")

    def _exit_reason(self) -> str:
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "connection closed"
        return (
            "signal: " + signal.Signals(-code).name.removeprefix("SIG").lower() if code < 0 else f"exit status {code}"
        )

    @property
    def alive(self) -> bool:
        """Say whether another invocation can use this environment."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the environment."""
        return self._process.pid

    def kill(self) -> None:
        """End the process at once, as Lambda does with an environment it gives up."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and release everything it held."""
        self.kill()
        self._channel.close()
        shutil.rmtree(self._tmp, ignore_errors=True)


def resident_mb(pid: int) -> int:
    """Return a process's resident size in MB; 0 where the host does not tell (no /proc)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def _error(kind: str, invocation: Invocation, reason: str) -> bytes:
    message = f"RequestId: {invocation.request_id} Error: Runtime exited with error: {reason}"
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def _timed_out(invocation: Invocation, seconds: int) -> bytes:
    message = f"RequestId: {invocation.request_id} Error: Task timed out after {seconds}.00 seconds"
    return json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": message}).encode()


def _too_large(size: int) -> bytes:
    message = f"Response payload size ({size} bytes) exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
    return json.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}).encode()

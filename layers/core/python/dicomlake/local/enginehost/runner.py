"""The pool of execution environments: a few per function, reused, reaped when idle."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .logs import new_stream_name
from .sandbox import PAYLOAD_LIMIT, FunctionSpec, Invocation, Outcome, Sandbox
from .settings import HostSettings

_REAP_EVERY_SECONDS = 15.0
SpecKey = tuple[str, ...]


@dataclass(slots=True)
class _Pool:
    """The environments of one function version; `live` counts the busy ones too."""

    idle: list[Sandbox] = field(default_factory=list)
    live: int = 0


class Runner:
    """Runs invocations, at most `concurrency` at a time per function; the next one waits for its turn."""

    def __init__(self, settings: HostSettings, base_environment: Callable[[], Mapping[str, str]]) -> None:
        self._settings = settings
        self._base_environment = base_environment
        self._pools: dict[SpecKey, _Pool] = {}
        self._turn = threading.Condition()
        self._every: set[Sandbox] = set()
        self._closed = False
        threading.Thread(target=self._reap_forever, name="lambda-reaper", daemon=True).start()

    def invoke(self, key: SpecKey, spec: FunctionSpec, invocation: Invocation) -> tuple[Outcome, str]:
        """Run one event; return what became of it and the log stream of the environment that ran it."""
        if len(invocation.payload) > PAYLOAD_LIMIT:
            return _request_too_large(len(invocation.payload)), new_stream_name(spec.version)
        sandbox = self._acquire(key, spec)
        while not sandbox.ready():
            self._forget(key, sandbox)
            sandbox = self._acquire(key, spec)
        try:
            return sandbox.invoke(invocation), sandbox.log_stream
        finally:
            self._release(key, sandbox)

    def _acquire(self, key: SpecKey, spec: FunctionSpec) -> Sandbox:
        with self._turn:
            pool = self._pools.setdefault(key, _Pool())
            while not pool.idle and pool.live >= self._settings.concurrency:
                self._turn.wait()
            if pool.idle:
                return pool.idle.pop()
            pool.live += 1
        try:
            return self._start(spec)
        except BaseException:
            self._forget(key, None)
            raise

    def _start(self, spec: FunctionSpec) -> Sandbox:
        stream = new_stream_name(spec.version)
        sandbox = Sandbox(spec, self._settings.handler_python, self._base_environment(), stream)
        with self._turn:
            self._every.add(sandbox)
        return sandbox

    def _release(self, key: SpecKey, sandbox: Sandbox) -> None:
        sandbox.last_used = time.monotonic()
        if self._closed or not sandbox.alive:
            self._forget(key, sandbox)
            return
        with self._turn:
            self._pools[key].idle.append(sandbox)
            self._turn.notify_all()

    def _forget(self, key: SpecKey, sandbox: Sandbox | None) -> None:
        with self._turn:
            self._pools[key].live -= 1
            if sandbox is not None:
                self._every.discard(sandbox)
            self._turn.notify_all()
        if sandbox is not None:
            sandbox.close()

    def _reap_forever(self) -> None:
        while not self._closed:
            time.sleep(min(_REAP_EVERY_SECONDS, self._settings.idle_seconds))
            self.reap(time.monotonic() - self._settings.idle_seconds)

    def reap(self, before: float) -> int:
        """End the environments not used since `before` (monotonic seconds); return how many."""
        with self._turn:
            stale = [
                (key, sandbox)
                for key, pool in self._pools.items()
                for sandbox in pool.idle
                if sandbox.last_used < before or not sandbox.alive
            ]
            for key, sandbox in stale:
                self._pools[key].idle.remove(sandbox)
        for key, sandbox in stale:
            self._forget(key, sandbox)
        return len(stale)

    def close(self) -> None:
        """End every environment, busy ones too."""
        self._closed = True
        with self._turn:
            sandboxes = list(self._every)
        for sandbox in sandboxes:
            sandbox.kill()


def _request_too_large(size: int) -> Outcome:
    message = f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation; it has {size}."
    body = json.dumps({"errorType": "RequestEntityTooLargeException", "errorMessage": message}).encode()
    return Outcome(body, True, b"", 0, 0.0)


def as_engine_result(outcome: Outcome) -> dict[str, Any]:
    """Shape an outcome as the engine's executors answer: the error's class exactly as the runtime reported it."""
    log = outcome.output.decode("utf-8", "replace")
    try:
        body = json.loads(outcome.payload) if outcome.payload else None
    except ValueError:
        body = outcome.payload.decode("utf-8", "replace")
    if not outcome.failed:
        return {"body": body, "log": log}
    return {"body": body, "error": True, "function_error": "Unhandled", "log": log}

"""Save the engine's state while it runs: on request, and by itself whenever it has been quiet for a while.

The engine saves on a clean stop only; object bodies are on disk at once. Without this, a killed lake would always know
less than it holds.
"""

import asyncio
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .engine import part

_QUIET_SECONDS = 3.0
# A save holds the engine up, so it may take this share of the time at most.
_SHARE = 0.05
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
AsgiApp = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class Checkpoints:
    """Watches requests and invocations, and saves when both have rested."""

    def __init__(self, app: AsgiApp, busy: Callable[[], bool], before_last: Callable[[], None]) -> None:
        self._app = app
        self._busy = busy
        self._before_last = before_last
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = 0.0
        self._saved = 0.0
        self._not_before = 0.0
        threading.Thread(target=self._watch, name="checkpoints", daemon=True).start()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Serve a request, noting those that may change something."""
        self._loop = self._loop or asyncio.get_running_loop()
        if scope["type"] == "lifespan":
            await self._app(scope, self._watched(receive), send)
            return
        await self._app(scope, receive, send)
        if scope.get("method") in ("PUT", "POST", "DELETE", "PATCH"):
            self._changed = time.monotonic()

    def _watched(self, receive: Receive) -> Receive:
        """Finish our own work between the last request and the engine's saving at its end."""

        async def watched() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._before_last()
            return message

        return watched

    def request(self) -> None:
        """Save now."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._save)

    def _watch(self) -> None:
        while True:
            time.sleep(1.0)
            now = time.monotonic()
            rested = now - self._changed > _QUIET_SECONDS and not self._busy()
            if self._changed > self._saved and rested and now > self._not_before:
                self.request()

    def _save(self) -> None:
        """Save on the event loop itself: no request can change anything meanwhile."""
        began = time.monotonic()
        part("core.persistence").save_all(part("app")._build_persistence_save_dict())
        ended = time.monotonic()
        self._saved = ended
        self._not_before = ended + (ended - began) / _SHARE


def save_state(service: str, data: object) -> None:
    """Take the place of the engine's `save_state`: the same file, encoded in one call in C (9 times as fast)."""
    persistence = part("core.persistence")
    wrapped = {"__ministack_format__": persistence._state_format_version(service), "payload": data}
    text = json.dumps(wrapped, default=persistence._json_default)
    path = os.path.join(persistence.STATE_DIR, f"{service}.json")
    os.makedirs(persistence.STATE_DIR, exist_ok=True)
    with open(path + ".partial", "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".partial", path)

"""Each replaced part of the engine, and what it is replaced by: the whole list is `install`."""

import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from . import checkpoint, containers
from .containers import Containers
from .engine import part
from .functions import FunctionHost
from .images import ImageCatalog
from .notifications import Notifications
from .queues import QueueReceiver
from .ranges import RangedReads
from .runner import Runner
from .settings import HostSettings, guest_environment
from .state import LayerBlobs
from .streams import StreamRecords
from .tasks import TaskWatcher

ACCOUNT = "000000000000"


@dataclass(slots=True)
class Host:
    """Everything of ours that lives in the engine's process."""

    runner: Runner
    containers: Containers
    receiver: QueueReceiver
    functions: FunctionHost
    notifications: Notifications
    images: ImageCatalog
    _running: int = 0
    _draining: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def dispatch(self, func: Any, config: Any, event: Any, request_id: str, started: float) -> dict[str, Any]:
        """Run an invocation, or answer as throttled once the engine is on its way down."""
        with self._lock:
            if self._draining:
                refused: dict[str, Any] = part("services.lambda_svc")._throttle_response(
                    "ConcurrentInvocationLimitExceeded", "the engine is shutting down"
                )
                return refused
            self._running += 1
        try:
            return self.functions.execute(func, config, event, request_id, started)
        finally:
            with self._lock:
                self._running -= 1

    def busy(self) -> bool:
        """Say whether a handler runs."""
        return self._running > 0

    def drain(self, seconds: float) -> int:
        """Start nothing new, let what runs end for so long, then end it; return how many had to be cut short."""
        self.receiver.draining = True
        with self._lock:
            self._draining = True
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
        cut = self._running
        self.runner.close()
        self.containers.close()
        self.images.close()
        return cut


def install(settings: HostSettings, region: str) -> Host:
    """Put our parts in place; the engine must not have served anything yet."""
    parts = ("lambda_svc", "cloudwatch_logs", "sqs", "stepfunctions", "s3", "dynamodb")
    functions, logs, queues, steps, objects, tables = (part(f"services.{name}") for name in parts)

    def environment() -> Mapping[str, str]:
        return guest_environment(settings, region, ACCOUNT)

    images = ImageCatalog(settings.images, settings.cache, settings.handler_python)
    runner = Runner(settings, environment)
    tasks = Containers(images, environment)
    containers.install(tasks, images)
    receiver = QueueReceiver(queues, functions)
    executor = FunctionHost(functions, logs, runner, images, settings.cache)
    host = Host(runner, tasks, receiver, executor, Notifications(objects), images)
    blobs = LayerBlobs(functions)
    ranged = RangedReads(objects)
    streams = StreamRecords(tables, functions, part("core.responses").AccountRegionScopedDict)
    replacements: dict[tuple[Any, str], Any] = {
        (functions, "_execute_function_dispatch"): host.dispatch,
        (functions, "_emit_lambda_logs"): _already_written,
        (functions, "get_state"): blobs.get_state,
        (functions, "load_persisted_state"): blobs.load,
        (queues, "_receive_messages_for_esm"): receiver.receive,
        (objects, "_fire_s3_event_async"): host.notifications.fire,
        (objects, "md5_hash"): _entity_tag,
        (objects, "_get_object"): ranged.get,
        (objects, "_read_body"): ranged.read_body,
        (objects, "_version_body"): ranged.version_body,
        (tables, "get_state"): streams.get_state,
        (tables, "load_persisted_state"): streams.load,
        (tables, "_condition_syntax_error"): lru_cache(256)(tables._condition_syntax_error),
        (steps, "_poll_ecs_tasks"): TaskWatcher(steps).poll,
        (part("core.persistence"), "save_state"): checkpoint.save_state,
    }
    for (module, name), ours in replacements.items():
        setattr(module, name, ours)
    return host


def _entity_tag(body: bytes) -> str:
    """Name an object's bytes: the tag of what is encrypted under a KMS key is no MD5 on S3 either.

    MD5 was a fifth of the engine's time; SHA-256 has instructions of its own and takes a third of it.
    """
    return hashlib.sha256(body).hexdigest()[:32]


def _already_written(*_: object, **__: object) -> None:
    """Take the place of the engine's log writer: `FunctionHost` has written the lines."""

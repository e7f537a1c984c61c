"""Each replaced part of the engine, and what it is replaced by: the whole list is `_replacements`."""

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import checkpoint, containers, expressions
from .containers import Containers
from .engine import part
from .functions import FunctionHost
from .images import ImageCatalog
from .multipart import MultipartFiles
from .notifications import Notifications
from .objects import ObjectWrites, entity_tag
from .polling import IDLE_WAKE_GAP, StreamPoller, Waker
from .queues import QueueReceiver
from .ranges import RangedReads
from .runner import Runner
from .settings import HostSettings, guest_environment
from .state import LayerBlobs
from .streams import StreamRecords
from .tasks import StepClock, TaskWatcher

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

    def environment() -> Mapping[str, str]:
        return guest_environment(settings, region, ACCOUNT)

    functions, queues, logs = (part(f"services.{name}") for name in ("lambda_svc", "sqs", "cloudwatch_logs"))
    images = ImageCatalog(settings.images, settings.cache, settings.handler_python)
    tasks = Containers(images, environment)
    containers.install(tasks, images)
    waker = Waker(functions._esm_wake.set)
    receiver = QueueReceiver(queues, functions, waker)
    runner = Runner(settings, environment)
    executor = FunctionHost(functions, logs, runner, images, settings.cache)
    host = Host(runner, tasks, receiver, executor, Notifications(part("services.s3")), images)
    for name, ours in _replacements(host, waker).items():
        module = part(name)
        for replaced, replacement in ours.items():
            setattr(module, replaced, replacement)
    return host


def _replacements(host: Host, waker: Waker) -> dict[str, dict[str, Any]]:
    """Return what takes the place of the engine's functions, by module and name."""
    functions, objects, tables, steps = (
        part(f"services.{name}") for name in ("lambda_svc", "s3", "dynamodb", "stepfunctions")
    )
    blobs = LayerBlobs(functions)
    records = StreamRecords(tables, functions, part("core.responses").AccountRegionScopedDict)
    streams = StreamPoller(functions, tables, waker)
    return {
        "core.persistence": {"save_state": checkpoint.save_state},
        "services.dynamodb": expressions.replacements(tables)
        | {
            "get_state": records.get_state,
            "load_persisted_state": records.load,
            "stream_records_since": streams.records_since,
        },
        "services.lambda_svc": {
            "_ESM_IDLE_WAKE_GAP_SECONDS": IDLE_WAKE_GAP,
            "_emit_lambda_logs": _already_written,
            "_execute_function_dispatch": host.dispatch,
            "_poll_dynamodb_streams": streams.poll,
            "get_state": blobs.get_state,
            "load_persisted_state": blobs.load,
        },
        "services.s3": _object_replacements(objects) | {"_fire_s3_event_async": host.notifications.fire},
        "services.sqs": {"_receive_messages_for_esm": host.receiver.receive},
        "services.stepfunctions": {"_poll_ecs_tasks": TaskWatcher(steps).poll, "time": StepClock(steps.time)},
    }


def _object_replacements(objects: Any) -> dict[str, Any]:
    reads = RangedReads(objects)
    writes = ObjectWrites(objects)
    multipart = MultipartFiles(objects, Path(tempfile.mkdtemp(prefix="parts-")), reads.in_place)
    return {
        "_abort_multipart_upload": multipart.abort,
        "_atomic_write": writes.write,
        "_complete_multipart_upload": multipart.complete,
        "_get_object": reads.get,
        "_persist_object": writes.persist,
        "_read_body": reads.read_body,
        "_resolve_object_checksums": writes.checksums,
        "_upload_part": multipart.upload_part,
        "_upload_part_copy": multipart.copy_part,
        "_version_body": reads.version_body,
        "md5_hash": entity_tag,
    }


def _already_written(*_: object, **__: object) -> None:
    """Take the place of the engine's log writer: `FunctionHost` has written the lines."""

"""Run the whole lake on this machine: engine, deployment and gateway, from start to a clean stop."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from aiohttp import web

from dicomlake.local import gateway, recovery
from dicomlake.local.datadir import DataDirectory, Identity
from dicomlake.local.deploy import Access, Deployment
from dicomlake.local.endpoints import Endpoints
from dicomlake.local.engine import REGION, Engine, EngineOptions, free_port, start_engine, why_not
from dicomlake.local.failure import LocalRunError
from dicomlake.local.imaging_key import imaging_key
from dicomlake.local.principals import Principals
from dicomlake.local.repository import Repository, find_repository
from dicomlake.local.unlimited import GatewayTask, Unlimited, told_by_functions

DEFAULT_PORT = 8042
HIGHEST_PORT = 65535
_IMAGING = "ImagingFunctionName"  # the output of templates that have the HealthImaging API
_LONGEST = 920.0  # seconds: a function's longest run, and a little for the way
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run may vary beside port and directory.

    `templates` defaults to the golden templates of the dev environment. `recover` starts on a directory whose last run
    was killed, and rebuilds the index from packs, journal and quarantine before the lake says that it is ready.
    """

    templates: Path | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    recover: bool = False


class _StopRequestedError(BaseException):
    """SIGTERM, SIGHUP or Ctrl-C came while the lake was starting."""


def run(
    port: int = DEFAULT_PORT, data: Path = Path(".lake"), options: RunOptions | None = None, say: Say = print
) -> int:
    """Run the lake until SIGTERM or Ctrl-C; return the exit code.

    Writes `endpoints.json` into `data` once everything answers. Raises LocalRunError with one sentence when it cannot.
    """
    chosen = options or RunOptions()
    repository = find_repository()
    _stop_on_signals()
    directory = DataDirectory(data.resolve())
    try:
        return _run_locked(repository, directory, port, chosen, say)
    except (_StopRequestedError, KeyboardInterrupt):
        say("stopped before the lake was ready")
        return 130
    finally:
        directory.release()


def _run_locked(repository: Repository, data: DataDirectory, port: int, options: RunOptions, say: Say) -> int:
    _check_port(port)
    _check_last_run(data, options)
    identity = data.identity(free_port(port + 1))
    engine = start_engine(repository, data, identity.engine_port, options.engine)
    try:
        engine.wait_ready()
        access = Access(engine.url, REGION, identity.access_key_id, identity.secret_access_key)
        templates = options.templates or repository.golden("dev")
        outputs = Deployment(repository, data, access).run(templates)
        engine.checkpoint()
        return _run_gateways(repository, _Running(data, identity, engine, access, outputs, port, options, say, 0))
    finally:
        _ignore_signals()
        if not engine.stop():
            say(f"the engine ended without saving its state; see {data.engine_log}")


def _check_port(port: int) -> None:
    if not 0 <= port < HIGHEST_PORT:
        raise LocalRunError(f"Port {port} cannot be used; choose one below {HIGHEST_PORT}: `make up PORT=8042`.")
    refused = why_not(port)
    if isinstance(refused, PermissionError):
        raise LocalRunError(f"Port {port} is not permitted to you; choose one from 1024 on: `make up PORT=8042`.")
    if refused is not None:
        raise LocalRunError(
            f"Port {port} is in use; stop what uses it, or choose another one: `make up PORT={port + 100}`."
        )


def _check_last_run(data: DataDirectory, options: RunOptions) -> None:
    unsaved = data.unsaved_objects()
    if unsaved and not options.recover:
        raise LocalRunError(
            f"The last run on {data.path} was killed: {unsaved} object files are newer than the saved index, so "
            "the two disagree; start it with --recover to rebuild the index from them, or choose another DATA."
        )


@dataclass(frozen=True, slots=True)
class _Running:
    """A deployed lake about to be served."""

    data: DataDirectory
    identity: Identity
    engine: Engine
    access: Access
    outputs: dict[str, str]
    port: int
    options: RunOptions
    say: Say
    unlimited_port: int

    def endpoints(self) -> Endpoints:
        """Return the addresses for `endpoints.json`.

        S3 is the engine's own port: half the work per uploaded byte. The gateway forwards signed S3 requests too.
        """
        base = f"http://127.0.0.1:{self.port}"
        clinical = self.outputs["ClinicalDatastoreId"]
        return Endpoints(
            dicomweb=f"{base}/dicomweb/{clinical}",
            imaging=base,
            s3=self.engine.url,
            landingBucket=self.outputs["LandingBucketName"],
            uploads=f"{base}/uploads",
            lake=f"{base}/lake",
            console=f"{base}/console/",
            datastoreId=clinical,
            researchDatastoreId=self.outputs["ResearchDatastoreId"],
            region=self.access.region,
            accessKeyId=self.identity.access_key_id,
            secretAccessKey=self.identity.secret_access_key,
            operatorToken=self.identity.operator_token,
            quarantineBucket=self.outputs["QuarantineBucketName"],
            pid=os.getpid(),
            gateway=f"http://127.0.0.1:{self.unlimited_port}/dicomweb/{clinical}" if self.unlimited_port else "",
        )

    def signed_for(self, endpoints: Endpoints) -> Endpoints:
        """Return the endpoints with an access key of the lake's own, for boto3's medical-imaging client."""
        if _IMAGING not in self.outputs:
            return endpoints
        key, secret = imaging_key(endpoints, self.data.imaging_key)
        return replace(endpoints, accessKeyId=key, secretAccessKey=secret)

    def recover(self) -> None:
        """Rebuild the index; the engine saves it before the lake is said to be ready."""
        if recovery.FUNCTION in self.outputs:
            recovery.recover(self.access.client("lambda", patience=_LONGEST), self.outputs[recovery.FUNCTION], self.say)
            self.engine.checkpoint()

    def application(self) -> web.Application:
        """Return the gateway in front of this deployment."""
        upstream = gateway.Upstream(self.engine.url, self.outputs["ApiId"])
        shown = {"dicomweb": f"/dicomweb/{self.outputs['ClinicalDatastoreId']}", "lake": "/lake"}
        return gateway.Gateway(upstream, self.principals(), shown).application()

    def principals(self) -> Principals:
        """Return who callers are taken for."""
        roles = self.outputs["ReaderRoleArn"], self.outputs["OperatorRoleArn"]
        return Principals(self.access.client("sts"), self.access.region, *roles, self.identity.operator_token)


def _run_gateways(repository: Repository, running: _Running) -> int:
    """Serve, with the task for bodies of any size beside it where the deployed lake has what that does."""
    told = told_by_functions(running.access.client("lambda"))
    if not told:
        return asyncio.run(_serve(running, None))
    task = GatewayTask(repository, running.access, told, running.data.gateway_log)
    try:
        task.wait_ready()
        return asyncio.run(_serve(replace(running, unlimited_port=free_port()), task))
    finally:
        task.stop()


async def _serve(running: _Running, task: GatewayTask | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    runners = [await gateway.serve(running.application(), running.port)]
    try:
        if task is not None:
            unlimited = Unlimited(task.socket, running.principals()).application()
            runners.append(await gateway.serve(unlimited, running.unlimited_port))
        endpoints = running.endpoints()
        if running.options.recover:
            await asyncio.to_thread(running.recover)
        endpoints = await asyncio.to_thread(running.signed_for, endpoints)
        endpoints.write(running.data.endpoints)
        running.say(
            f"the lake is ready at {endpoints.console} (endpoints in {running.data.endpoints}); Ctrl-C stops it"
        )
        return await _until_stopped(running, stop)
    finally:
        running.data.endpoints.unlink(missing_ok=True)
        for runner in runners:
            await runner.cleanup()


async def _until_stopped(running: _Running, stop: asyncio.Event) -> int:
    while not stop.is_set():
        code = running.engine.exited()
        if code is not None:
            running.say(f"the engine ended by itself (code {code}): {running.engine.last_words()}")
            return 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
    running.say("stopping: handlers end, state is saved")
    return 0


def _stop_on_signals() -> None:
    def stop(_: int, __: FrameType | None) -> None:
        raise _StopRequestedError

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _ignore_signals() -> None:
    """Let nothing interrupt the saving; a second Ctrl-C waits like the first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def local_lake(data: Path, port: int = 0, arguments: tuple[str, ...] = (), wait: float = 180.0) -> Iterator[Endpoints]:
    """Run a lake in a process of its own for the length of a `with` block; port 0 takes a free one."""
    command = [sys.executable, "-m", "dicomlake.local", "up", "--data", str(data), "--port", str(port or free_port())]
    process = subprocess.Popen([*command, *arguments], start_new_session=True)  # noqa: S603 - our own module
    try:
        yield _await_endpoints(process, data.resolve() / "endpoints.json", wait)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        process.wait()


def _await_endpoints(process: subprocess.Popen[bytes], file: Path, wait: float) -> Endpoints:
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LocalRunError("The local lake ended before it was ready; its message is above.")
        with contextlib.suppress(FileNotFoundError):
            endpoints = Endpoints.read(file)
            if endpoints.pid == process.pid:
                return endpoints
        time.sleep(0.1)
    raise LocalRunError(f"The local lake was not ready within {wait:.0f} s.")

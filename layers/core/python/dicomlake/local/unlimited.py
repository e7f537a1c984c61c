"""The gateway for bodies of any size, on this machine: its task, and the port in front of it.

The task is the one that Fargate runs (functions/gateway), on a Unix socket that only this user can open. The port plays
the load balancer's part: it says who asks, in a token that the task reads as it reads those that a load balancer
checked, and passes bodies on in both directions as they come.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from dicomlake.local.deploy import Access
from dicomlake.local.failure import LocalRunError
from dicomlake.local.gateway import FORWARDED_NEVER, address, dress
from dicomlake.local.principals import BadTokenError, Principals
from dicomlake.local.repository import Repository

_READER = ("clinical:read", "clinical:upload")
_GRANTS = {"reader": _READER, "operator": ("operator",)}
_FUNCTIONS = ("StoreInstances", "AnswerChanges", "AnswerImaging", "AnswerOperations")
"""What the task is told is what these are told together, as its stack tells it; the last knows every data store."""
_CHUNK = 1 << 18
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


class GatewayTask:
    """The task's process; `start` waits until it answers."""

    def __init__(self, repository: Repository, access: Access, told: Mapping[str, str], log: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dicomlake-"))
        self.socket = self._folder / "gateway"
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and entry point
                [str(repository.handler_python), "-m", "dicomlake.local.gateway_task"],
                env={**_environment(repository, access), **told, "DICOMLAKE_SOCKET": str(self.socket)},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return when it listens. Raises LocalRunError where it does not."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LocalRunError("The gateway's task did not start; see gateway.log in the data directory.")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, by force where it does not end by itself."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _environment(repository: Repository, access: Access) -> dict[str, str]:
    layers = [repository.package_path, *(repository.build / "layers" / name / "python" for name in ("base", "pixels"))]
    return {
        "AWS_ACCESS_KEY_ID": access.access_key_id,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": access.endpoint,
        "AWS_REGION": access.region,
        "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(map(str, layers)),
        "PYTHONUNBUFFERED": "1",
    }


def told_by_functions(client: Any) -> dict[str, str]:
    """Return what the deployed functions are told whose work the gateway does; nothing where the lake has none."""
    pages = client.get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    told: dict[str, str] = {}
    for name in _FUNCTIONS:
        for function in functions:
            if name in function["FunctionName"]:
                told |= function.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in told.items() if name.startswith("DICOMLAKE_")}


class Unlimited:
    """The port's handlers."""

    def __init__(self, socket: Path, principals: Principals) -> None:
        self._socket = socket
        self._principals = principals
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=0)
        application.on_response_prepare.append(dress)
        application.cleanup_ctx.append(self._client)
        application.router.add_route("*", "/{path:.*}", self.route)
        return application

    async def _client(self, _: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.UnixConnector(path=str(self._socket), limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        yield
        await self._session.close()

    async def route(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, and its answer back."""
        if self._session is None:
            raise LocalRunError("The gateway is not serving yet.")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in FORWARDED_NEVER}
        try:
            who = self._principals.who(request.headers.get("Authorization", ""))
        except BadTokenError:
            return web.json_response({"message": "Forbidden"}, status=403)
        if who is not None:
            headers["Authorization"] = f"Bearer {_token(_GRANTS[who], who)}"
        headers["X-Forwarded-Host"], headers["X-Forwarded-Proto"] = address(request), request.scheme
        call = self._session.request(
            request.method,
            URL(f"http://gateway{request.raw_path}", encoded=True),
            headers=headers,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        async with call as answer:
            return await _relay(request, answer)


async def _relay(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Send an answer as it comes; one that breaks off breaks off here too."""
    relayed = web.StreamResponse(status=answer.status)
    relayed.headers.extend(
        [(name, value) for name, value in answer.headers.items() if name.lower() not in FORWARDED_NEVER]
    )
    if "Content-Length" in answer.headers:
        relayed.content_length = int(answer.headers["Content-Length"])
    await relayed.prepare(request)
    try:
        async for chunk in answer.content.iter_chunked(_CHUNK):
            await relayed.write(chunk)
    except aiohttp.ClientError:
        if request.transport is not None:
            request.transport.abort()
        raise
    await relayed.write_eof()
    return relayed


def _token(grants: tuple[str, ...], who: str) -> str:
    """A token without a signature: only this port can reach the task, as only a load balancer can on AWS."""
    claims: Mapping[str, object] = {"iss": "local", "sub": who, "cognito:groups": list(grants)}
    parts = (json.dumps({"alg": "none"}), json.dumps(claims), "")
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)

"""The one port of a local lake: DICOMweb, uploads, operations, S3 and the console, mapped onto the deployed API."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from dicomlake.local import cors, limits
from dicomlake.local.failure import LocalRunError
from dicomlake.local.limits import Refusal
from dicomlake.local.principals import BadTokenError, Principals

_CONSOLE = Path(__file__).parent / "console"
_CHUNK = 1 << 18
# Hop-by-hop headers (RFC 9110 7.6.1), and those either side writes itself.
FORWARDED_NEVER = {
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
}
# What aiohttp would add by itself: a caller who names no coding would be answered in gzip.
_NOT_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where requests go: the engine, and the path of the deployed HTTP API in it."""

    engine: str
    api_id: str

    def api(self, raw_path: str) -> str:
        """The URL of a path of the API, on its default stage."""
        return f"{self.engine}/_aws/execute-api/{self.api_id}/$default{raw_path}"


class Gateway:
    """The gateway's handlers; `serve` puts them on a port."""

    def __init__(self, upstream: Upstream, principals: Principals, console: dict[str, str]) -> None:
        self._upstream = upstream
        self._principals = principals
        self._console = console
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(
            client_max_size=0, handler_args={"max_field_size": 16_384, "max_line_size": 16_384}
        )
        application.on_response_prepare.append(dress)
        application.cleanup_ctx.append(self._client)
        application.router.add_get("/", _to_console)
        application.router.add_get("/console/config.json", self._configuration)
        application.router.add_get("/console/", _page)
        application.router.add_static("/console/", _CONSOLE)
        application.router.add_route("*", "/{path:.*}", self.route)
        return application

    async def _client(self, _: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        yield
        await self._session.close()

    async def _configuration(self, _: web.Request) -> web.Response:
        return web.json_response(self._console)

    async def route(self, request: web.Request) -> web.StreamResponse:
        """Send a request where its path or its signature's scope says."""
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=cors.preflight_headers(request.headers.get("Origin", "")))
        if _is_s3(request):
            return await self._forward(request, self._upstream.engine + request.raw_path, None)
        return await self._call_api(request)

    async def _call_api(self, request: web.Request) -> web.StreamResponse:
        line = len(request.method) + len(request.raw_path) + 11
        refusal = limits.header_refusal(line, list(request.raw_headers))
        if refusal is not None:
            return _refuse(refusal)
        try:
            who = self._principals.who(request.headers.get("Authorization", ""))
        except BadTokenError:
            return _refuse(limits.FORBIDDEN)
        body = await _read_limited(request)
        if isinstance(body, Refusal):
            return _refuse(body)
        url = self._upstream.api(request.raw_path)
        signed = dict(self._principals.sign(who, request.method, url)) if who else {}
        try:
            async with asyncio.timeout(limits.SECONDS):
                return await self._forward(request, url, body, signed)
        except TimeoutError:
            return _refuse(limits.TIMED_OUT)

    async def _forward(
        self, request: web.Request, url: str, body: bytes | None, signed: dict[str, str] | None = None
    ) -> web.StreamResponse:
        if self._session is None:
            raise LocalRunError("The gateway is not serving yet.")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in FORWARDED_NEVER}
        headers.update(signed or {})
        # What a proxy in front of an API says of the address that the caller used; links in answers are made of it.
        headers["X-Forwarded-Host"], headers["X-Forwarded-Proto"] = address(request), request.scheme
        if body is None and "Content-Length" in request.headers:
            headers["Content-Length"] = request.headers["Content-Length"]
        data = body if body is not None else (request.content if request.body_exists else None)
        call = self._session.request(
            request.method,
            URL(url, encoded=True),
            headers=headers,
            data=data,
            allow_redirects=False,
            skip_auto_headers=_NOT_OURS,
        )
        try:
            async with call as answer:
                return await _relay(request, answer, api=signed is not None)
        except aiohttp.ClientError:
            return _refuse(limits.UNREACHABLE)


def address(request: web.Request) -> str:
    """The address that the caller used; clients there are that leave the port out of Host."""
    here = request.transport.get_extra_info("sockname") if request.transport else None
    return f"{request.host}:{here[1]}" if here and request.host in _LOOPBACK else request.host


async def _relay(request: web.Request, answer: aiohttp.ClientResponse, *, api: bool) -> web.StreamResponse:
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in FORWARDED_NEVER]
    if api:
        return await _api_answer(answer, headers)
    relayed = web.StreamResponse(status=answer.status)
    relayed.headers.extend(headers)
    if "Content-Length" in answer.headers:
        relayed.content_length = int(answer.headers["Content-Length"])
    await relayed.prepare(request)
    async for chunk in answer.content.iter_chunked(_CHUNK):
        await relayed.write(chunk)
    await relayed.write_eof()
    return relayed


async def _api_answer(answer: aiohttp.ClientResponse, headers: list[tuple[str, str]]) -> web.StreamResponse:
    """Return the answer whole: the engine shows a failed function's error, which API Gateway keeps to itself."""
    body = await answer.read()
    if answer.status == 502 and b'"errorType"' in body:
        return _refuse(limits.FAILED)
    whole = web.Response(status=answer.status, body=body)
    whole.headers.clear()
    whole.headers.extend(headers)
    return whole


async def _read_limited(request: web.Request) -> bytes | Refusal:
    kind = request.headers.get("Content-Type", "")
    declared = request.content_length or 0
    refusal = limits.body_refusal(declared, kind)
    if refusal is not None:
        return refusal
    parts: list[bytes] = []
    received = 0
    async for part in request.content.iter_any():
        received += len(part)
        if received > limits.BODY_BYTES:
            return limits.TOO_LARGE
        parts.append(part)
    return limits.body_refusal(received, kind) or b"".join(parts)


def _is_s3(request: web.Request) -> bool:
    """Say whether a request is signed for S3, by header or by query (SigV4 credential scope)."""
    scope = request.headers.get("Authorization", "") + request.query.get("X-Amz-Credential", "")
    return "/s3/aws4_request" in scope


def _refuse(refusal: Refusal) -> web.Response:
    return web.json_response({"message": refusal.message}, status=refusal.status)


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Tell pages of this machine that they may read every answer, and give each a request id."""
    for name, value in cors.answer_headers(request.headers.get("Origin", "")).items():
        response.headers.setdefault(name, value)
    identity = response.headers.get("x-request-id") or response.headers.get("apigw-requestid") or str(uuid.uuid4())
    response.headers.setdefault("x-request-id", identity)
    response.headers.setdefault("x-amzn-RequestId", identity)


async def _to_console(_: web.Request) -> web.Response:
    raise web.HTTPFound("/console/")


async def _page(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(_CONSOLE / "index.html")


async def serve(application: web.Application, port: int) -> web.AppRunner:
    """Listen on loopback; raises LocalRunError with what to do when the port is taken."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=512).start()
    except OSError as exc:
        await runner.cleanup()
        raise LocalRunError(
            f"Port {port} is in use; stop what uses it, or choose another one: `make up PORT={port + 100}`."
        ) from exc
    return runner

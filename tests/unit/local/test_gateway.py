"""The local gateway says to the API what the caller said to it, and nothing of its own."""

import asyncio
from unittest.mock import create_autospec

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dicomlake.local.gateway import Gateway, Upstream
from dicomlake.local.principals import Principals


def told(headers: dict[str, str]) -> tuple[dict[str, str], int]:
    """What the API is told when a caller sends these headers and no others, and the gateway's port."""
    return asyncio.run(ask(headers))


async def ask(headers: dict[str, str]) -> tuple[dict[str, str], int]:
    seen: dict[str, str] = {}

    async def api(request: web.Request) -> web.Response:
        seen.update({name.lower(): value for name, value in request.headers.items()})
        return web.Response(text="answer")

    behind = web.Application()
    behind.router.add_route("*", "/{path:.*}", api)
    principals = create_autospec(Principals, instance=True)
    principals.who.return_value, principals.sign.return_value = "reader", {}
    silent = ("Accept", "Accept-Encoding", "User-Agent")
    async with TestServer(behind) as engine:
        gateway = Gateway(Upstream(str(engine.make_url("")).rstrip("/"), "api"), principals, {}).application()
        async with TestServer(gateway) as server, aiohttp.ClientSession(skip_auto_headers=silent) as session:
            async with session.get(server.make_url("/dicomweb/store/studies"), headers=headers) as answer:
                assert await answer.text() == "answer"
            return seen, int(server.port or 0)


def test_a_caller_who_names_no_coding_is_not_said_to_take_gzip() -> None:
    seen, _ = told({})

    assert not {"accept", "accept-encoding", "user-agent", "content-type"} & set(seen)


def test_what_the_caller_accepts_is_said_on() -> None:
    seen, _ = told({"Accept": "application/dicom+json", "Accept-Encoding": "gzip"})

    assert (seen["accept"], seen["accept-encoding"]) == ("application/dicom+json", "gzip")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_that_leaves_the_port_out_of_its_host_gets_links_that_have_it(host: str) -> None:
    seen, port = told({"Host": host})

    assert seen["x-forwarded-host"] == f"{host}:{port}"


@pytest.mark.parametrize("host", ["lake.example.org", "127.0.0.1:9", "[::1]:9"])
def test_another_address_is_told_as_the_caller_used_it(host: str) -> None:
    assert told({"Host": host})[0]["x-forwarded-host"] == host

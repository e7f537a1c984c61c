"""boto3's own `medical-imaging` client over the web application: what it sends, and what it makes of answers."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from dicomlake.adapters.memory import MemoryClock
from dicomlake.domain.access_key import AccessKey, secret_access_key
from dicomlake.domain.model import DatastoreId
from dicomlake.web.app import answer
from dicomlake.web.services import Services

REGION = "eu-central-1"
ACCOUNT = "123456789012"
Ask = Callable[[dict[str, Any]], dict[str, Any]]


def issued(services: Services, datastore: str = "", **changes: Any) -> AccessKey:
    """Put an access key into the lake."""
    number = len(services.access_keys.access_keys())
    key = AccessKey(f"DLAK{number:016d}", "tests", DatastoreId(datastore), "2026-01-01T00:00:00.000Z", **changes)
    services.access_keys.save_access_key(key)
    return key


def imaging_client(services: Services, key: AccessKey, seen: list[dict[str, Any]] | None = None, **changes: Any) -> Any:
    """Return a client that signs with a key and asks these services; `changes` are what boto3.client takes.

    `seen` is given the event of each request.
    """
    secret = secret_access_key(services.secret.lake_secret(), key.access_key_id)
    arguments = {
        "endpoint_url": "https://lake.example.org",
        "region_name": REGION,
        "aws_access_key_id": key.access_key_id,
        "aws_secret_access_key": secret,
        "config": Config(retries={"total_max_attempts": 1}),
    }
    client = boto3.client("medical-imaging", **(arguments | changes))

    def ask(event: dict[str, Any]) -> dict[str, Any]:
        if seen is not None:
            seen.append(event)
        return answer(event, services)

    return answered_by(client, ask)


def answered_by(client: Any, ask: Ask) -> Any:
    """Return the client, its requests answered by a function of the gateway's events."""
    client.meta.events.register("before-send.medical-imaging", _sender(ask))
    return client


def _sender(ask: Ask) -> Callable[..., AWSResponse]:
    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        answered = ask(event_of(request))
        body = answered["body"]
        data = base64.b64decode(body) if answered["isBase64Encoded"] else body.encode()
        return AWSResponse(request.url, answered["statusCode"], answered["headers"], _Raw(data))

    return send


class _Raw(BytesIO):
    """A body as urllib3 hands it on."""

    def stream(self, *_: Any, **__: Any) -> Any:
        """Yield what is left."""
        yield self.read()


def event_of(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return the event that API Gateway makes of a request: the path decoded, the query as it came."""
    parts = urlsplit(request.url)
    headers = {name.lower(): text_of(value) for name, value in request.headers.items()}
    body = request.body or b""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
    return {
        "version": "2.0",
        "rawPath": unquote(parts.path),
        "rawQueryString": parts.query,
        "headers": {"host": parts.netloc, "x-forwarded-proto": parts.scheme, **headers},
        "requestContext": {
            "accountId": ACCOUNT,
            "http": {"method": request.method, "path": unquote(parts.path)},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": base64.b64encode(data).decode(),
        "isBase64Encoded": True,
    }


def text_of(value: str | bytes) -> str:
    """Return a header's text."""
    return value.decode() if isinstance(value, bytes) else value


def wound(clock: MemoryClock) -> MemoryClock:
    """Set a lake's clock to the machine's, by which botocore signs."""
    clock.set(datetime.now(UTC))
    return clock

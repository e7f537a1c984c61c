"""API Gateway HTTP API events (payload format 2.0) as the gateway sends them."""

import base64
import json
from typing import Any
from urllib.parse import urlsplit

from dicomlake.web.app import answer
from dicomlake.web.services import Services

CALLER = "arn:aws:sts::123456789012:assumed-role/reader/session"
OPERATING = "arn:aws:sts::123456789012:assumed-role/operator/session"


def event(
    url: str, accept: str = "", caller: str = CALLER, method: str = "GET", body: object = None, **headers: str
) -> dict[str, Any]:
    """Return the event of one request; the URL is as on the wire, still percent-encoded."""
    parts = urlsplit(url)
    sent = {"host": "lake.example.org", "x-forwarded-proto": "https"}
    sent |= {"accept": accept} if accept else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": sent,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"iam": {"accountId": "123456789012", "userArn": caller}} if caller else {},
            "domainName": "lake.example.org",
            "http": {"method": method, "path": parts.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def body_of(response: dict[str, Any]) -> bytes:
    """Return a response's body as it goes over the wire."""
    text = response.get("body") or ""
    return base64.b64decode(text) if response["isBase64Encoded"] else text.encode()


def get(services: Services, url: str, accept: str = "", caller: str = CALLER, **headers: str) -> dict[str, Any]:
    """Ask and return the response."""
    return answer(event(url, accept, caller, **headers), services)


def get_json(services: Services, url: str, accept: str = "", caller: str = CALLER) -> Any:
    """Ask, expect 200, and return the JSON that came."""
    response = get(services, url, accept, caller)
    assert response["statusCode"] == 200, response
    return json.loads(body_of(response))

"""A request as the handlers see it, out of an API Gateway HTTP API event (payload format 2.0)."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from dicomlake.domain.errors import InvalidRequestError

_SCOPES = "dicomlake/"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: path percent-decoded by segment, query as decoded pairs, header names in lower case.

    `caller` is the ARN that the gateway authenticated, or who a token or a study link stands for; "" where it did
    neither. `grants` are what a token grants, None where the caller's role decides. `shared` is the study that a
    followed link is for, and `root` the link's own root of DICOMweb. `base_url` is scheme, host and stage;
    `stream` is a body that arrives while it is read, in place of `body`;
    `raw_path` the path as the gateway shows it; `account` the AWS account that the lake runs in.
    """

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: str = ""
    request_id: str = ""
    base_url: str = ""
    raw_path: str = ""
    account: str = ""
    grants: frozenset[str] | None = None
    shared: str = ""
    root: str = ""
    stream: Iterable[bytes] | None = None

    def parameter(self, name: str, default: str = "") -> str:
        """Return a query parameter's value, the last one given."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def number(self, name: str, default: int, smallest: int, largest: int) -> int:
        """Return a query parameter as a whole number. Raises InvalidRequestError outside its bounds."""
        text = self.parameter(name) or str(default)
        if not (text.isascii() and text.isdigit() and len(text) <= 18 and smallest <= int(text) <= largest):
            raise InvalidRequestError(f"the parameter {name} takes a whole number from {smallest} to {largest}")
        return int(text)

    def accept(self) -> str:
        """Return what the caller accepts: the `accept` parameter, else the header, else anything (PS3.18 8.3.3.1)."""
        return self.parameter("accept") or self.headers.get("accept", "") or "*/*"

    def accepts_gzip(self) -> bool:
        """Whether the caller takes gzip (RFC 9110 12.5.3)."""
        codings = [part.split(";") for part in self.headers.get("accept-encoding", "").lower().split(",")]
        refused = ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return any(
            coding.strip() in ("gzip", "*") and "".join(rest).replace(" ", "") not in refused
            for coding, *rest in codings
        )

    def json_value(self) -> Any:
        """Return the body as JSON. Raises InvalidRequestError if it is none."""
        try:
            return json.loads(self.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise InvalidRequestError("the body is not JSON") from error

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises InvalidRequestError if it is none."""
        content = self.json_value()
        if not isinstance(content, dict):
            raise InvalidRequestError("the body is not a JSON object")
        return content


def read_event(event: Mapping[str, Any]) -> Request:
    """Return the request that an event carries. Raises InvalidRequestError where its parts cannot be decoded."""
    context = event.get("requestContext", {})
    headers = {str(name).lower(): str(value) for name, value in event.get("headers", {}).items()}
    stage = context.get("stage", "$default")
    prefix = "" if stage == "$default" else f"/{stage}"
    raw_path = str(event.get("rawPath", "/")).removeprefix(prefix)
    host = headers.get("x-forwarded-host") or headers.get("host") or context.get("domainName", "")
    scheme = headers.get("x-forwarded-proto", "https")
    return Request(
        method=context.get("http", {}).get("method", "GET"),
        path=tuple(unquote(part) for part in raw_path.split("/") if part),
        query=_pairs(str(event.get("rawQueryString", ""))),
        headers=headers,
        body=_body(event),
        caller=_caller(context.get("authorizer") or {}),
        grants=_grants(context.get("authorizer") or {}),
        request_id=str(context.get("requestId", "")),
        base_url=f"{scheme}://{host}{prefix}",
        raw_path=raw_path,
        account=str(context.get("accountId", "")),
    )


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=200))
    except ValueError as error:
        raise InvalidRequestError("the query is not percent-encoded UTF-8, or has over 200 parameters") from error


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidRequestError("the body is not base64") from error


def _caller(authorizer: Mapping[str, Any]) -> str:
    """The caller's ARN from the gateway's IAM authorizer, or issuer and subject of the token it checked."""
    claims = _claims(authorizer)
    if claims.get("sub"):
        return f"{claims.get('iss', '')}#{claims['sub']}"
    return str((authorizer.get("iam") or {}).get("userArn") or "")


def _grants(authorizer: Mapping[str, Any]) -> frozenset[str] | None:
    """What a token grants: groups of the user pool, and scopes of machine clients behind `dicomlake/`."""
    claims = _claims(authorizer)
    if not claims:
        return None
    scopes = [scope.removeprefix(_SCOPES) for scope in _words(claims.get("scope", "")) if scope.startswith(_SCOPES)]
    return frozenset((*_words(claims.get("cognito:groups", "")), *scopes))


def _claims(authorizer: Mapping[str, Any]) -> Mapping[str, Any]:
    return (authorizer.get("jwt") or {}).get("claims") or {}


def _words(claim: object) -> list[str]:
    """The values of a claim; an HTTP API writes a list as `[a b]`."""
    return [str(one) for one in claim] if isinstance(claim, list) else str(claim).strip("[]").split()

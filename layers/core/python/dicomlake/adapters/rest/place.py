"""Where the services of a region are, who asks them, and how an answer that did not come is asked for again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import SystemRandom
from typing import Any

from dicomlake.adapters.aws_errors import THROTTLED, UNAVAILABLE
from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.rest.connections import Answer, Body, Connections
from dicomlake.adapters.rest.signature import Credentials, Request, Signer
from dicomlake.domain.errors import UnavailableError

ATTEMPTS = 3
LONGEST_WAIT = 20.0
_RANDOM = SystemRandom()
_SUFFIXES = {"cn": "amazonaws.com.cn"}
_ISOLATED = ("us-iso", "eu-iso")


@dataclass(frozen=True, slots=True)
class Place:
    """A region's services, or a stand-in for all of them at one endpoint, and the credentials to ask them with."""

    region: str
    credentials: Credentials
    endpoint: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str], region: str, endpoint: str = "") -> "Place | None":
        """Return the place that a Lambda function's environment names.

        None where botocore has to look further: credentials that are not in the environment (a Fargate task's, which
        change), an endpoint of one service alone, FIPS or dual-stack endpoints, an isolated region.
        """
        keys = env.get("AWS_ACCESS_KEY_ID", ""), env.get("AWS_SECRET_ACCESS_KEY", "")
        special = any(
            name.startswith(("AWS_ENDPOINT_URL_", "AWS_USE_")) and env[name].lower() != "false" for name in env
        )
        if not all(keys) or not region or special or region.startswith(_ISOLATED):
            return None
        credentials = Credentials(*keys, env.get("AWS_SESSION_TOKEN", ""))
        return cls(region, credentials, endpoint or env.get("AWS_ENDPOINT_URL", ""))

    def origin(self, service: str, bucket: str = "") -> str:
        """Return scheme, host and port of a service; of a bucket, where its name can be part of a host's."""
        if self.endpoint:
            return self.endpoint.rstrip("/")
        suffix = _SUFFIXES.get(self.region.split("-")[0], "amazonaws.com")
        return f"https://{f'{bucket}.' if bucket else ''}{service}.{self.region}.{suffix}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that refuses: its status, AWS's error code, and all that it said."""

    status: int
    code: str
    said: dict[str, Any]

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered when it is sent again."""
        return self.status >= 500 or self.code in THROTTLED or self.code in UNAVAILABLE

    def error(self, operation: str) -> Exception:
        """Return it as botocore would raise it, so that the adapters have one kind of refusal to look at."""
        from botocore.exceptions import ClientError  # 15 ms, and most processes never meet a refusal

        error = {"Code": self.code, "Message": self.said.get("message", "")}
        answer = {**self.said, "Error": error, "ResponseMetadata": {"HTTPStatusCode": self.status}}
        refused: Exception = ClientError(answer, operation)
        return refused


class Caller:
    """Sends the requests of one service: signed, counted, up to three times."""

    def __init__(self, place: Place, service: str, meter: CallMeter, counted: str = "") -> None:
        """Make one; `service` is its name in hosts and signatures, `counted` the name that botocore counts it under."""
        self.place = place
        self._service = service
        self._counted = counted or service
        self._meter = meter
        self._signer = Signer(place.credentials, place.region, service)
        self._connections: dict[str, Connections] = {}

    def origin(self, bucket: str = "") -> str:
        """Return where this service is, or one of its buckets."""
        return self.place.origin(self._service, bucket)

    def ask(
        self,
        operation: str,
        origin: str,
        request: Request,
        payload_hash: str,
        body: Body,
        understand: Callable[[Answer], Refusal],
    ) -> Answer:
        """Return the answer that grants the request; botocore's ClientError where the last one refused it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._send(operation, origin, request, payload_hash, body)
            except UnavailableError:
                if attempt == ATTEMPTS:
                    raise
            else:
                if answer.status < 300:
                    return answer
                refusal = understand(answer)
                if attempt == ATTEMPTS or not refusal.may_pass:
                    raise refusal.error(operation)
            back_off(attempt)
        raise AssertionError("the last attempt returns or raises")

    def _send(self, operation: str, origin: str, request: Request, payload_hash: str, body: Body) -> Answer:
        connections = self._connections.get(origin) or self._connections.setdefault(origin, Connections(origin))
        headers = self._signer.sign(request, payload_hash, datetime.now(UTC))
        self._meter.sent(self._counted, operation, len(body))
        answer = connections.send(request.method, request.target, headers, body)
        if request.method != "HEAD":
            self._meter.received(int(answer.headers.get("content-length") or 0))
        return answer


def back_off(attempt: int) -> None:
    """Wait after a failed attempt: up to 1, 2, 4 ... seconds, at most 20, jittered as botocore's standard mode does."""
    time.sleep(min(_RANDOM.random() * 2 ** (attempt - 1), LONGEST_WAIT))

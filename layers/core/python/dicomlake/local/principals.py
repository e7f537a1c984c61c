"""Who the gateway acts as: the reader for everyone, the operator for a caller who brings the operator's token."""

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# STS sessions last an hour; a session is renewed well before.
_RENEW_SECONDS = 30 * 60


class BadTokenError(Exception):
    """The bearer token is not the operator's."""


@dataclass(slots=True)
class _Session:
    credentials: Credentials
    since: float


class Principals:
    """Assumes the deployed roles and signs requests as them (SigV4, service execute-api)."""

    def __init__(self, sts: Any, region: str, reader_role: str, operator_role: str, operator_token: str) -> None:
        self._sts = sts
        self._region = region
        self._roles = {"reader": reader_role, "operator": operator_role}
        self._token = operator_token
        self._sessions: dict[str, _Session] = {}

    def who(self, authorization: str) -> str | None:
        """Name the principal a request asks for; None when it is signed already. Raises BadTokenError."""
        if not authorization:
            return "reader"
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            raise BadTokenError
        return "operator"

    def sign(self, who: str, method: str, url: str) -> Mapping[str, str]:
        """Return the headers that make this request `who`'s.

        The body is left out of the signature (UNSIGNED-PAYLOAD), so that it can be streamed.
        """
        request = AWSRequest(method=method, url=url, headers={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
        request.context["payload_signing_enabled"] = False
        SigV4Auth(self._credentials(who), "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())

    def _credentials(self, who: str) -> Credentials:
        session = self._sessions.get(who)
        if session is None or time.monotonic() - session.since > _RENEW_SECONDS:
            session = _Session(self._assume(who), time.monotonic())
            self._sessions[who] = session
        return session.credentials

    def _assume(self, who: str) -> Credentials:
        answer = self._sts.assume_role(RoleArn=self._roles[who], RoleSessionName=f"local-{who}")["Credentials"]
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])

"""Requests of ours, signed (domain/signature.py has the arithmetic)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dicomlake.domain.signature import ALGORITHM, Scope, canonical_query, canonical_request, signature, signing_key

UNSIGNED = "UNSIGNED-PAYLOAD"
"""The payload hash of an S3 request whose body a checksum header and the connection protect."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs; the token is that of temporary credentials."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """A request before it is signed: `path` is percent-encoded, header names are in lower case."""

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """Path and query as they are sent, which is also how they are signed."""
        query = self._query()
        return f"{self.path}?{query}" if query else self.path

    def canonical(self, headers: Mapping[str, str], payload_hash: str) -> tuple[str, str]:
        """Return the canonical request with these headers, and their names."""
        return canonical_request(self.method, self.path, self._query(), headers, payload_hash)

    def _query(self) -> str:
        return canonical_query(self.query.items())


class Signer:
    """Signs requests to one service of one region; the key of a day is derived once."""

    def __init__(self, credentials: Credentials, region: str, service: str) -> None:
        self._credentials = credentials
        self._region = region
        self._service = service
        self._key = ("", b"")

    def sign(self, request: Request, payload_hash: str, now: datetime) -> dict[str, str]:
        """Return the headers to send, the signature among them; `now` is in UTC."""
        moment = now.strftime("%Y%m%dT%H%M%SZ")
        headers = {**request.headers, "host": request.host, "x-amz-date": moment}
        if self._credentials.session_token:
            headers["x-amz-security-token"] = self._credentials.session_token
        canonical, signed = request.canonical(headers, payload_hash)
        scope = Scope(moment[:8], self._region, self._service)
        made = signature(self._key_of(scope), moment, scope, canonical)
        who = f"{self._credentials.access_key_id}/{scope.text}"
        headers["authorization"] = f"{ALGORITHM} Credential={who}, SignedHeaders={signed}, Signature={made}"
        return headers

    def _key_of(self, scope: Scope) -> bytes:
        known, key = self._key
        if known != scope.day:
            key = signing_key(self._credentials.secret_access_key, scope)
            self._key = (scope.day, key)
        return key

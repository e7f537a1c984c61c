"""AWS Signature Version 4 in headers (AWS General Reference, "Create a signed AWS API request")."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
"""The payload hash of an S3 request whose body a checksum header and the connection protect."""
UNRESERVED = "-_.~"


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
        names = sorted(headers)
        lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
        signed = ";".join(names)
        return f"{self.method}\n{self.path}\n{self._query()}\n{lines}\n{signed}\n{payload_hash}", signed

    def _query(self) -> str:
        pairs = sorted((quote(name, UNRESERVED), quote(value, UNRESERVED)) for name, value in self.query.items())
        return "&".join(f"{name}={value}" for name, value in pairs)


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
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        told = f"{ALGORITHM}\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key_of(moment[:8]), told.encode(), "sha256").hex()
        who = f"{self._credentials.access_key_id}/{scope}"
        headers["authorization"] = f"{ALGORITHM} Credential={who}, SignedHeaders={signed}, Signature={signature}"
        return headers

    def _key_of(self, day: str) -> bytes:
        known, key = self._key
        if known != day:
            key = f"AWS4{self._credentials.secret_access_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key = (day, key)
        return key

"""AWS Signature Version 4 over headers (AWS IAM User Guide, "Create a signed AWS API request"): the arithmetic alone.

Whoever signs a request and whoever checks one do the same here.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"
"""What percent-encoding leaves as it is beside letters and digits (RFC 3986 2.3)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signing key is good for: one day (yyyymmdd), one region, one service."""

    day: str
    region: str
    service: str

    @property
    def text(self) -> str:
        """The scope as a credential names it."""
        return f"{self.day}/{self.region}/{self.service}/aws4_request"


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return decoded query pairs as they are signed: each percent-encoded, then sorted."""
    encoded = sorted((quote(name, UNRESERVED), quote(value, UNRESERVED)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_request(
    method: str, path: str, query: str, headers: Mapping[str, str], payload_hash: str
) -> tuple[str, str]:
    """Return a request as it is signed, with exactly these headers (names in lower case), and the headers' names."""
    names = sorted(headers)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    signed = ";".join(names)
    return f"{method}\n{path}\n{query}\n{lines}\n{signed}\n{payload_hash}", signed


def signing_key(secret_access_key: str, scope: Scope) -> bytes:
    """Return the key that signs within a scope."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (scope.day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, moment: str, scope: Scope, canonical: str) -> str:
    """Return the signature of a canonical request, 64 hex digits; `moment` is its time, yyyymmddThhmmssZ."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    told = f"{ALGORITHM}\n{moment}\n{scope.text}\n{digest}"
    return hmac.digest(key, told.encode(), "sha256").hex()

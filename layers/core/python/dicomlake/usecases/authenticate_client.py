"""Say which access key signed a request (AWS Signature Version 4, service medical-imaging), or refuse it.

A refusal says what is wrong with the signature's form or its time; that a key is unknown, revoked or its signature
another's is one sentence, so that nobody learns which.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dicomlake.domain.access_key import SERVICE, AccessKey, secret_access_key
from dicomlake.domain.errors import ForbiddenError
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.signature import ALGORITHM, Scope, canonical_query, canonical_request, signature, signing_key
from dicomlake.ports import AccessKeys

SKEW = timedelta(minutes=5)
"""How far a request's time may be from ours, either way."""

_CREDENTIAL = re.compile(r"([A-Za-z0-9]{1,128})/([0-9]{8})/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/aws4_request\Z")
_REFUSED = "the request's signature does not match: check the access key, its secret, and the clock"


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as its signature covers it: query pairs decoded, header names in lower case.

    `paths` are the ways in which its path may have been encoded on the wire, which a gateway decodes; `hosts` the names
    under which a proxy in front of it may have been called.
    """

    method: str
    paths: tuple[str, ...]
    hosts: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an Authorization header says."""

    access_key_id: str
    scope: Scope
    signed: tuple[str, ...]
    signature: str


def authenticate_client(
    sent: SentRequest, keys: AccessKeys, secret: LakeSecret, region: str, now: datetime
) -> AccessKey:
    """Return the access key that signed a request. Raises ForbiddenError."""
    claim = _claim(sent.headers.get("authorization", ""), region)
    moment = sent.headers.get("x-amz-date", "")
    _check_time(moment, claim.scope, now)
    _check_coverage(sent, claim)
    key = keys.access_key(claim.access_key_id)
    # An unknown key costs the same arithmetic as a known one: how long a refusal takes tells nothing.
    expected = signing_key(secret_access_key(secret, claim.access_key_id), claim.scope)
    payload = hashlib.sha256(sent.body).hexdigest()
    matches = [
        hmac.compare_digest(claim.signature, signature(expected, moment, claim.scope, canonical))
        for canonical in _canonical(sent, claim, payload)
    ]
    if key is None or key.revoked_at or not any(matches):
        raise ForbiddenError(_REFUSED)
    return key


def _claim(header: str, region: str) -> _Claim:
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        raise ForbiddenError(f"sign the request with {ALGORITHM} and an access key of the lake's, service {SERVICE}")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    match = _CREDENTIAL.match(parts.get("Credential", ""))
    if match is None or not parts.get("SignedHeaders") or not parts.get("Signature"):
        raise ForbiddenError("the Authorization header needs Credential, SignedHeaders and Signature")
    scope = Scope(*match.groups()[1:])
    if (scope.region, scope.service) != (region, SERVICE):
        raise ForbiddenError(f"the credential should be scoped to region {region} and service {SERVICE}")
    return _Claim(match.group(1), scope, tuple(parts["SignedHeaders"].split(";")), parts["Signature"])


def _check_time(moment: str, scope: Scope, now: datetime) -> None:
    try:
        at = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ForbiddenError("the request needs an X-Amz-Date header, such as 20260101T120000Z") from None
    if abs(now - at) > SKEW or scope.day != moment[:8]:
        minutes = int(SKEW.total_seconds() // 60)
        raise ForbiddenError(f"the signature has expired: the request's time is over {minutes} minutes from the lake's")


def _check_coverage(sent: SentRequest, claim: _Claim) -> None:
    """Refuse what the signature leaves open: the host, AWS's own headers, a header that is not there, another body."""
    needed = {"host", "x-amz-date"} | {name for name in sent.headers if name.startswith("x-amz-")}
    if needed - set(claim.signed):
        raise ForbiddenError("SignedHeaders must name host and every header that begins with x-amz-")
    if any(name not in sent.headers for name in claim.signed if name != "host"):
        raise ForbiddenError("SignedHeaders names a header that the request does not have")
    told = sent.headers.get("x-amz-content-sha256")
    if told is not None and told != hashlib.sha256(sent.body).hexdigest():
        raise ForbiddenError("X-Amz-Content-SHA256 is not the body's")


def _canonical(sent: SentRequest, claim: _Claim, payload: str) -> list[str]:
    headers = {name: sent.headers[name] for name in claim.signed if name != "host"}
    query = canonical_query(sent.query)
    return [
        canonical_request(sent.method, path, query, {**headers, "host": host}, payload)[0]
        for path in sent.paths
        for host in sent.hosts
    ]

"""What a caller has already (RFC 9110 13.1.2): answers about one instance are told apart without reading its pixels."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from dicomlake.domain.model import InstanceRecord
from dicomlake.web.call import Call
from dicomlake.web.response import Response

CACHED = {"cache-control": "private, no-cache"}
"""A caller may keep it and asks each time whether it still stands: a deletion or correction shows at once."""

_FORM = b"1"
"""To be counted up when the same request of the same instance is answered by other pixels than before."""


def is_known(tag: str, known: str) -> bool:
    """Whether the caller has this version already, compared weakly."""
    tags = [one.strip().removeprefix("W/") for one in known.split(",")]
    return known.strip() == "*" or tag.removeprefix("W/") in tags


def unless_known(call: Call, record: InstanceRecord, make: Callable[[], Response], overlay: str = "") -> Response:
    """Answer 304 where the caller has what `make` would give, else that, with its tag.

    The tag is of the instance as it is now and of all that was asked; weak, as boundaries of multipart bodies differ.
    `overlay` tells the corrections that stand where they are shown: pixels know none.
    """
    tag, known = _tag(call, record, overlay), call.request.headers.get("if-none-match", "")
    checks = {"etag": tag, **CACHED, "vary": "accept, accept-encoding"}
    if known.strip() != "*" and is_known(tag, known):
        return Response(304, headers=checks)
    answer = make()
    if answer.status not in (200, 206):
        return answer
    if is_known(tag, known):
        return Response(304, headers=checks)
    return replace(answer, headers={**answer.headers, **checks})


def _tag(call: Call, record: InstanceRecord, overlay: str) -> str:
    request = call.request
    digest = hashlib.blake2b(_FORM, digest_size=16)
    state = (record.content_digest, record.landed_sha256, str(record.version), record.changed_at, overlay)
    asked = (call.dicomweb_url, request.path, request.query, request.accept())
    for part in (*state, *map(str, asked)):
        digest.update(f"{len(part)}:{part}".encode())
    return f'W/"{digest.hexdigest()}"'

"""HTTP with connections that stay open, a few retries, and errors that say what to do."""

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import urllib3
from urllib3.util import Retry, Timeout

from dicomlake.client.failure import LakeClientError, LakeRefusedError

CONNECTIONS = 8
"""Connections to one host: as many as uploads run at once."""

_RETRIES = Retry(
    total=4,
    connect=4,
    read=4,
    status=4,
    redirect=0,
    backoff_factor=0.2,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
"""Everything the client sends may be sent twice: an object that lands twice is a duplicate of itself."""

Answer = urllib3.BaseHTTPResponse


class Http:
    """One pool of connections for a whole command."""

    def __init__(self, connections: int = CONNECTIONS) -> None:
        timeout = Timeout(connect=5, read=60)
        self._pool = urllib3.PoolManager(
            num_pools=8, maxsize=connections, block=True, retries=_RETRIES, timeout=timeout
        )

    def send(
        self, method: str, url: str, body: bytes | BinaryIO | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to a request, an error's too. Raises LakeClientError where none comes."""
        try:
            return self._pool.request(method, url, body=body, headers=dict(headers or {}), redirect=False)
        except urllib3.exceptions.HTTPError as exc:
            raise LakeClientError(
                "The lake does not answer: look whether it still runs, then run the command again; it goes on."
            ) from exc

    def read(self, url: str, start: int, length: int) -> bytes:
        """Return a range of what lies under a signed URL."""
        answer = self.send("GET", url, headers={"Range": f"bytes={start}-{start + length - 1}"})
        if answer.status not in (200, 206):
            raise LakeRefusedError(answer.status, f"A signed URL was refused ({answer.status}): ask for it again.")
        return answer.data if answer.status == 206 else answer.data[start : start + length]

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()


def json_of(answer: Answer) -> Any:
    """Return an answer's JSON; LakeRefusedError with the lake's own sentence where it is an error."""
    if answer.status < 300:
        return json.loads(answer.data) if answer.data else None
    raise LakeRefusedError(answer.status, refusal(answer))


def refusal(answer: Answer) -> str:
    """Return the sentence in which the lake says no."""
    try:
        told = json.loads(answer.data)
        message = str(told.get("message") or told.get("Message"))
    except (ValueError, AttributeError):
        message = "no reason given"
    return f"The lake answered {answer.status}: {message}"

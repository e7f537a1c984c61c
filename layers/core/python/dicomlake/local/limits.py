"""AWS's limits on an HTTP API with a Lambda behind it, enforced here so that what passes here passes there.

Sources: API Gateway quotas (HTTP API: payload 10 MB, 30 s, request line and headers 10,240 bytes) and Lambda quotas
(synchronous payload 6 MB each way, a binary body travelling as base64).
"""

from dataclasses import dataclass

BODY_BYTES = 10 * 1024 * 1024
LAMBDA_PAYLOAD_BYTES = 6 * 1024 * 1024
HEADER_BYTES = 10_240
SECONDS = 30.0

_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status and message API Gateway answers with."""

    status: int
    message: str


TOO_LARGE = Refusal(413, "Request Entity Too Large")
HEADERS_TOO_LARGE = Refusal(431, "Request Header Fields Too Large")
TIMED_OUT = Refusal(503, "Service Unavailable")
FAILED = Refusal(500, "Internal Server Error")
FORBIDDEN = Refusal(403, "Forbidden")
UNREACHABLE = Refusal(503, "Service Unavailable")


def header_refusal(request_line: int, headers: list[tuple[bytes, bytes]]) -> Refusal | None:
    """Judge the combined size of request line and headers."""
    total = request_line + sum(len(name) + len(value) for name, value in headers)
    return HEADERS_TOO_LARGE if total > HEADER_BYTES else None


def body_refusal(length: int, content_type: str) -> Refusal | None:
    """Judge a body of `length` bytes: API Gateway's limit, and Lambda's on what it becomes in the event."""
    if length > BODY_BYTES or event_bytes(length, content_type) > LAMBDA_PAYLOAD_BYTES:
        return TOO_LARGE
    return None


def event_bytes(length: int, content_type: str) -> int:
    """Return the size of a body inside a Lambda event: text as it is, anything else as base64."""
    kind = content_type.partition(";")[0].strip().lower()
    return length if kind.startswith("text/") or kind in _TEXT_TYPES else -(-length // 3) * 4

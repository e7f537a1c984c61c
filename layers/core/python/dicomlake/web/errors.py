"""Errors as HTTP answers: one table from the error tree to status, and one body."""

from dataclasses import dataclass

from dicomlake.domain.errors import (
    BusyError,
    ForbiddenError,
    GoneError,
    HeldError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotAcceptableError,
    NotFoundError,
    PermanentError,
    PipelineError,
    QuotaExceededError,
    RequestConflictError,
    RequestError,
    RetryableError,
    StaleError,
    ThrottledError,
    TooLargeError,
    UnsupportedMediaTypeError,
)
from dicomlake.web.response import Response, json_response

RETRY_AFTER = "2"


@dataclass(frozen=True, slots=True)
class Status:
    """What an error's class becomes: the status, and the word in the body's `reason`."""

    code: int
    reason: str


# The first class that fits counts.
STATUSES: tuple[tuple[type[PipelineError], Status], ...] = (
    (InvalidRequestError, Status(400, "invalid-request")),
    (ForbiddenError, Status(403, "forbidden")),
    (GoneError, Status(410, "gone")),
    (NotFoundError, Status(404, "not-found")),
    (BusyError, Status(409, "busy")),
    (HeldError, Status(409, "held")),
    (StaleError, Status(412, "stale")),
    (MethodNotAllowedError, Status(405, "method-not-allowed")),
    (NotAcceptableError, Status(406, "not-acceptable")),
    (RequestConflictError, Status(409, "conflict")),
    (QuotaExceededError, Status(402, "quota-exceeded")),
    (TooLargeError, Status(413, "too-large")),
    (UnsupportedMediaTypeError, Status(415, "unsupported-media-type")),
    (RequestError, Status(400, "invalid-request")),
    (ThrottledError, Status(429, "throttled")),
    (RetryableError, Status(503, "unavailable")),
    (PermanentError, Status(500, "damaged")),
    (PipelineError, Status(500, "internal")),
)


def error_response(error: PipelineError, request_id: str) -> Response:
    """Return the answer for an error: `{message, reason, requestId}`; 429, 503 and busy say when to come again."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    answer = json_response({"message": str(error), "reason": status.reason, "requestId": request_id}, status.code)
    if status.code in (429, 503) or isinstance(error, BusyError):
        return Response(answer.status, answer.body, {**answer.headers, "retry-after": RETRY_AFTER})
    if isinstance(error, MethodNotAllowedError):
        return Response(answer.status, answer.body, {**answer.headers, "allow": ", ".join(error.allowed)})
    return answer

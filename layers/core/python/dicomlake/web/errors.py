"""Errors as HTTP answers: one table from the error tree to status, and one body."""

from dataclasses import dataclass

from dicomlake.domain.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotAcceptableError,
    NotFoundError,
    PermanentError,
    PipelineError,
    QuotaExceededError,
    RequestConflictError,
    RequestError,
    RetryableError,
    ThrottledError,
    TooLargeError,
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
    (NotFoundError, Status(404, "not-found")),
    (NotAcceptableError, Status(406, "not-acceptable")),
    (RequestConflictError, Status(409, "conflict")),
    (QuotaExceededError, Status(402, "quota-exceeded")),
    (TooLargeError, Status(413, "too-large")),
    (RequestError, Status(400, "invalid-request")),
    (ThrottledError, Status(429, "throttled")),
    (RetryableError, Status(503, "unavailable")),
    (PermanentError, Status(500, "damaged")),
    (PipelineError, Status(500, "internal")),
)


def error_response(error: PipelineError, request_id: str) -> Response:
    """Return the answer for an error: `{message, reason, requestId}`; 429 and 503 say when to come again."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    answer = json_response({"message": str(error), "reason": status.reason, "requestId": request_id}, status.code)
    if status.code in (429, 503):
        return Response(answer.status, answer.body, {**answer.headers, "retry-after": RETRY_AFTER})
    return answer

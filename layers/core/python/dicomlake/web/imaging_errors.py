"""Errors as HealthImaging's API tells them: boto3 finds the class by `x-amzn-ErrorType`."""

from dicomlake.domain.errors import (
    ForbiddenError,
    NotAcceptableError,
    NotFoundError,
    PipelineError,
    QuotaExceededError,
    RequestConflictError,
    RequestError,
    ThrottledError,
)
from dicomlake.web.errors import RETRY_AFTER
from dicomlake.web.imaging_model_table import ERRORS
from dicomlake.web.response import Response, json_response

# The first class that fits counts.
EXCEPTIONS: tuple[tuple[type[PipelineError], str], ...] = (
    (ForbiddenError, "AccessDeniedException"),
    (NotFoundError, "ResourceNotFoundException"),
    (NotAcceptableError, "NotAcceptableException"),
    (RequestConflictError, "ConflictException"),
    (QuotaExceededError, "ServiceQuotaExceededException"),
    (RequestError, "ValidationException"),
    (ThrottledError, "ThrottlingException"),
    (PipelineError, "InternalServerException"),
)
_INTERNAL = "InternalServerException"


def imaging_error(error: PipelineError, request_id: str) -> Response:
    """Return the answer for an error; one of ours that is no caller's business is told without its text."""
    name = next(name for kind, name in EXCEPTIONS if isinstance(error, kind))
    told = "the lake could not answer this; try again" if name == _INTERNAL else str(error)
    answer = json_response({"message": told}, ERRORS[name])
    headers = {**answer.headers, "x-amzn-errortype": name, "x-amzn-requestid": request_id}
    later = {"retry-after": RETRY_AFTER} if name in ("ThrottlingException", _INTERNAL) else {}
    return Response(answer.status, answer.body, headers | later)

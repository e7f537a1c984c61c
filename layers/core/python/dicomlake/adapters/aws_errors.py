"""The one table from what AWS answers to what the lake raises; every adapter makes its calls under `aws_errors`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dicomlake.domain.errors import (
    LostRaceError,
    NotFoundError,
    PipelineError,
    ThrottledError,
    UnavailableError,
)

NOT_FOUND = frozenset(
    {
        "404",
        "405",
        "MethodNotAllowed",
        "NoSuchKey",
        "NoSuchUpload",
        "NoSuchVersion",
        "NotFound",
        "ResourceNotFoundException",
    }
)
"""S3 answers 405 where the version that was asked for is a delete marker."""
THROTTLED = frozenset(
    {
        "SlowDown",
        "503",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "ThrottlingError",
        "RequestThrottled",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "TooManyRequestsException",
        "LimitExceededException",
        "KmsThrottled",
        "KMSThrottlingException",
    }
)
LOST_RACE = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})
UNAVAILABLE = frozenset({"RequestTimeout", "RequestTimeoutException", "InternalError", "InternalServerError"})

_SENTENCES: tuple[tuple[frozenset[str], type[PipelineError], str], ...] = (
    (NOT_FOUND, NotFoundError, "nothing lies under what was asked for"),
    (THROTTLED, ThrottledError, "the service asked to slow down; try again later"),
    (LOST_RACE, LostRaceError, "another write was under way on the same items; read again and retry"),
    (UNAVAILABLE, UnavailableError, "the service could not answer; try again later"),
)


def code_of(error: Any) -> str:
    """Return AWS's error code of a refusal."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: Any) -> int:
    """Return the HTTP status of a refusal, 0 where there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def error_for(code: str, status: int = 0) -> PipelineError | None:
    """Return what the lake raises for an AWS error code, or None where the code tells of a defect of ours."""
    for codes, kind, sentence in _SENTENCES:
        if code in codes:
            return kind(f"{sentence} ({code})")
    return UnavailableError(f"the service answered {status}; try again later") if status >= 500 else None


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise the lake's errors in place of botocore's.

    Refusals that no table row names (a malformed request, a missing permission) pass through: they are defects and
    must be loud. Connection errors hide their cause, because botocore puts the URL, thus the key, into their text.
    """
    try:
        yield
    except client_error() as exc:
        raised = error_for(code_of(exc), status_of(exc))
        if raised is None:
            raise
        raise raised from exc
    except _unreachable() as exc:
        raise UnavailableError(f"the service could not be reached ({type(exc).__name__})") from None
    except _damaged() as exc:
        raise UnavailableError("what arrived does not have the checksum that was sent; try again") from exc


def client_error() -> type[Exception]:
    """Return what botocore raises for a refusal; an `except` asks for it only when something was raised."""
    from botocore.exceptions import ClientError

    refused: type[Exception] = ClientError
    return refused


def _unreachable() -> tuple[type[Exception], ...]:
    from botocore import exceptions

    return (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        exceptions.ResponseStreamingError,
    )


def _damaged() -> type[Exception]:
    from botocore.exceptions import FlexibleChecksumError

    damaged: type[Exception] = FlexibleChecksumError
    return damaged

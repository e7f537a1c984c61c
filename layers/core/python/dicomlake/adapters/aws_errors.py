"""The one table from what AWS answers to what the lake raises; every adapter makes its calls under `aws_errors`."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as UnreachableError,
)

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


def code_of(error: ClientError) -> str:
    """Return AWS's error code of a refusal."""
    return str(error.response.get("Error", {}).get("Code", ""))


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
    except ClientError as exc:
        raised = error_for(code_of(exc), exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if raised is None:
            raise
        raise raised from exc
    except (UnreachableError, HTTPClientError, IncompleteReadError, ResponseStreamingError) as exc:
        raise UnavailableError(f"the service could not be reached ({type(exc).__name__})") from None
    except FlexibleChecksumError as exc:
        raise UnavailableError("what arrived does not have the checksum that was sent; try again") from exc

"""Every error the lake raises, and what becomes of the work that met it.

    PipelineError
    |-- PermanentError                trying again cannot help: quarantine with `reason`
    |   |-- MalformedError            bytes that break PS3.10 or PS3.5 beyond repair
    |   |-- NotAnInstanceError        sound, but not a patient's instance: directory, container, ...
    |   |-- UnsupportedError          sound DICOM that this lake declines
    |   |-- ConflictError             contradicts what is already held
    |   `-- RefusedError              a policy says no (de-identification, size, scope)
    |-- RetryableError                trying again may help: back to the queue, then its DLQ
    |   |-- ThrottledError            the service asked us to slow down
    |   |-- UnavailableError          the service did not answer or answered 5xx
    |   |-- UnreadableError           a landed object is there, but may not be read now
    |   |-- LostRaceError             a conditional write lost; read again and retry
    |   |-- OutOfTimeError            the invocation's time or byte budget is used up
    |   `-- UnexpectedError           nobody foresaw it; met while storing one object, so it is that object's alone
    `-- RequestError                  a caller of the API asked for something we cannot give
        |-- InvalidRequestError       400
        |-- ForbiddenError            403
        |-- NotFoundError             404
        |   `-- GoneError             410
        |-- MethodNotAllowedError     405, with the methods that are
        |-- NotAcceptableError        406
        |-- RequestConflictError      409
        |   |-- BusyError             409, again later
        |   |-- HeldError             409, until the hold is released
        |   `-- StaleError            412
        |-- QuotaExceededError        402
        |-- UnsupportedMediaTypeError 415
        `-- TooLargeError             413, naming the way that works

Unknown exceptions count as retryable and are logged with their class.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an object is in quarantine; stable codes, part of the API."""

    NOT_DICOM = "not-dicom"
    DIRECTORY = "directory"
    CONTAINER = "container"
    NON_PATIENT = "non-patient"
    EMPTY = "empty"
    MALFORMED = "malformed"
    TRUNCATED_HEADER = "truncated-header"
    MISSING_UID = "missing-uid"
    INVALID_UID = "invalid-uid"
    UNSUPPORTED = "unsupported"
    CONFLICT = "conflict"
    OTHER_STUDY = "other-study"
    TOO_LARGE = "too-large"
    CRASHED = "crashed"
    EXHAUSTED = "retries-exhausted"
    UNREADABLE = "unreadable"
    VERIFY_FAILED = "verify-failed"
    DEID_REFUSED = "deid-refused"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a reason means to the person who finds the object, and what would repair it."""

    sentence: str
    repair: str
    alarms: bool = True


EXPLANATIONS: dict[Reason, Explanation] = {
    Reason.NOT_DICOM: Explanation(
        "The object is not DICOM.", "Nothing to do, or send the DICOM file that was meant.", alarms=False
    ),
    Reason.DIRECTORY: Explanation(
        "The object is a DICOMDIR: a directory of files, not an instance.",
        "Send the files it names; `dicomlake push` does so.",
        alarms=False,
    ),
    Reason.CONTAINER: Explanation(
        "The object is an archive (zip, gzip, tar, ISO), not an instance.",
        "Unpack it and send what is inside; `dicomlake push` does so.",
        alarms=False,
    ),
    Reason.NON_PATIENT: Explanation(
        "The object belongs to no patient (PS3.3 A.1.2: non-patient object), so to no study.",
        "Keep it where its users expect it; the lake stores studies.",
        alarms=False,
    ),
    Reason.EMPTY: Explanation("The object has no bytes.", "Send it again.", alarms=False),
    Reason.MALFORMED: Explanation(
        "The data set cannot be read to its end.", "Ask the sender for an intact copy and land that."
    ),
    Reason.TRUNCATED_HEADER: Explanation("The object ends inside its header.", "The transfer was cut: send it again."),
    Reason.MISSING_UID: Explanation(
        "A UID that identifies the instance is missing or empty.",
        "Have the sender fill Study, Series, SOP Instance and SOP Class UID, then send again.",
    ),
    Reason.INVALID_UID: Explanation(
        "A UID that identifies the instance is not a UID.", "Have the sender repair the UID, then send again."
    ),
    Reason.UNSUPPORTED: Explanation(
        "The object is sound, but this lake cannot keep it.", "See docs/conformance.md for what it keeps."
    ),
    Reason.CONFLICT: Explanation(
        "The lake holds another instance under this key.", "Compare both; replace or send under a new UID."
    ),
    Reason.OTHER_STUDY: Explanation(
        "The instance was sent to the URL of a study that is not its own.",
        "Send it to /studies, or to the URL of its own study.",
        alarms=False,
    ),
    Reason.TOO_LARGE: Explanation(
        "The object is larger, or unpacks to more, than this lake takes.", "See docs/parse.md for the limits."
    ),
    Reason.CRASHED: Explanation(
        "Processing this object ended its process every time it was tried.",
        "Report the file if you may; land it again after an update.",
    ),
    Reason.EXHAUSTED: Explanation(
        "Processing this object failed every time it was tried.",
        "Look at the ingest log of that time, mend what failed, then land the object again.",
    ),
    Reason.UNREADABLE: Explanation(
        "The object is there, but it could not be read every time it was tried: it is archived, under a key of its "
        "sender's own (SSE-C), or under a KMS key that the lake may not use.",
        "Make it readable (restore it, or copy it under the bucket's own key), then land it again.",
    ),
    Reason.VERIFY_FAILED: Explanation(
        "What was stored did not decode to what came in.", "Report the file if you may; the original is kept."
    ),
    Reason.DEID_REFUSED: Explanation(
        "The de-identification policy does not take this instance.",
        "See docs/deidentification.md for what it takes.",
        alarms=False,
    ),
}


class PipelineError(Exception):
    """The root of everything the lake raises; its text never holds patient data."""


class PermanentError(PipelineError):
    """Trying again cannot help; `reason` says where the object goes and `detail` what was met."""

    default_reason = Reason.MALFORMED

    def __init__(self, detail: str, reason: Reason | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason or self.default_reason

    @property
    def explanation(self) -> Explanation:
        """The sentence and the repair for this error's reason."""
        return EXPLANATIONS[self.reason]


class MalformedError(PermanentError):
    """Bytes that break PS3.10 or PS3.5 beyond repair."""


class NotAnInstanceError(PermanentError):
    """Sound bytes that are not a patient's instance."""

    default_reason = Reason.NOT_DICOM


class UnsupportedError(PermanentError):
    """Sound DICOM that this lake declines."""

    default_reason = Reason.UNSUPPORTED


class ConflictError(PermanentError):
    """The object contradicts what is already held."""

    default_reason = Reason.CONFLICT


class RefusedError(PermanentError):
    """A policy says no."""

    default_reason = Reason.DEID_REFUSED


class RetryableError(PipelineError):
    """Trying again may help."""


class ThrottledError(RetryableError):
    """The service asked us to slow down."""


class UnavailableError(RetryableError):
    """The service did not answer, or answered 5xx."""


class UnreadableError(RetryableError):
    """A landed object is there, but may not be read now: archived, SSE-C, or a KMS key that is denied or disabled."""


class LostRaceError(RetryableError):
    """A conditional write lost against another writer; read again and retry."""


class OutOfTimeError(RetryableError):
    """The invocation's time or byte budget is used up; the rest goes back to the queue."""


class UnexpectedError(RetryableError):
    """An error without a name of ours, met while storing one object; the text is its class, never its message."""


class RequestError(PipelineError):
    """A caller of the API asked for something we cannot give."""


class InvalidRequestError(RequestError):
    """The request breaks the protocol; the text says where."""


class ForbiddenError(RequestError):
    """The caller may not do this."""


class NotFoundError(RequestError):
    """Nothing committed lies under what was asked for."""


class GoneError(NotFoundError):
    """What was asked for was deleted."""


class MethodNotAllowedError(RequestError):
    """The resource is there, but not for this method; `allowed` are those it takes (RFC 9110 15.5.6)."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"this takes {', '.join(allowed)}: see docs/api.md")
        self.allowed = allowed


class NotAcceptableError(RequestError):
    """No representation that the caller accepts exists."""


class RequestConflictError(RequestError):
    """What the caller asked to change is not as the caller takes it to be: another version, or a change under way."""


class BusyError(RequestConflictError):
    """Another change of the study is under way."""


class HeldError(RequestConflictError):
    """A legal hold or a retention date forbids it."""


class StaleError(RequestConflictError):
    """The version that the caller changes is not the newest: read again."""


class QuotaExceededError(RequestError):
    """The caller has as many of something as one may have; the text names it and the limit."""


class UnsupportedMediaTypeError(RequestError):
    """What was sent is of a kind that is not taken here; the text names those that are."""


class TooLargeError(RequestError):
    """What was sent or asked for is over a limit; the text names the way that works."""

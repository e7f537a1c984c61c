"""Import jobs of the HealthImaging API: objects under an S3 prefix become landed objects, and a report says what each
became.

A job is a row that is worked in steps, each of which may run twice: list and copy a chunk, look whether a chunk is
decided and shown, write the report, end.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from enum import StrEnum

from dicomlake.domain.errors import InvalidRequestError, Reason
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId, LedgerKey


class JobStatus(StrEnum):
    """Where an import job is in its life."""

    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One job. Times are ISO 8601 in UTC, "" where there is none; `version` guards every write.

    `after` is where listing goes on while not all is `listed`; of `chunks` copied so far the first `reported` are
    decided and have their part of the report.
    """

    job_id: str
    name: str
    datastore: DatastoreId
    role_arn: str
    input_uri: str
    output_uri: str
    submitted_at: str
    status: JobStatus = JobStatus.SUBMITTED
    version: int = 1
    ended_at: str = ""
    message: str = ""
    after: str = ""
    listed: bool = False
    chunks: int = 0
    reported: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in (JobStatus.COMPLETED, JobStatus.FAILED)

    @property
    def output_folder(self) -> str:
        """Where the report lies: a folder of its own below what was asked for, with a slash at its end."""
        return f"{self.output_uri.rstrip('/')}/{self.datastore}-DicomImport-{self.job_id}/"


@dataclass(frozen=True, slots=True)
class ImportFile:
    """One object of a job: its key in the input bucket, and its copy's row in the ledger, else why it has none."""

    key: str
    ledger: LedgerKey | None = None
    refused: str = ""


class Fate(StrEnum):
    """What an object of a job came to."""

    IMPORTED = "imported"
    CUSTOMER_ERROR = "customer-error"
    SERVER_ERROR = "server-error"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """One line of a job's report."""

    key: str
    fate: Fate
    message: str = ""
    image_set_id: str = ""
    image_set_version: int = 0
    is_primary: bool = True
    duplicate: bool = False
    warnings: tuple[str, ...] = field(default=())


OURS = frozenset({Reason.CRASHED, Reason.EXHAUSTED, Reason.VERIFY_FAILED})
"""Reasons of the quarantine that are no fault of the file's sender."""

_URI = re.compile(r"s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(?:/(.*))?\Z", re.DOTALL)


def bucket_and_prefix(uri: str) -> tuple[str, str]:
    """Return an S3 URI's bucket, and its prefix, which ends with a slash or is empty: a folder, never a beginning."""
    match = _URI.match(uri)
    if match is None:
        raise InvalidRequestError("an S3 URI is s3://bucket/prefix")
    prefix = match[2] or ""
    return match[1], prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def job_id(secret: LakeSecret, datastore: DatastoreId, client_token: str) -> str:
    """Return the id of a job, 32 hex digits: the same for a client token that is sent again."""
    key = secret.derive(f"import-job:{datastore}")
    return hmac.new(key, client_token.encode(), hashlib.sha256).hexdigest()[:32]


def import_source(job: str) -> str:
    """Return who is told to have sent what a job lands."""
    return f"import-{job}"

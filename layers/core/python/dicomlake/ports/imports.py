"""The import jobs of a data store."""

from typing import Protocol

from dicomlake.domain.imports import ImportJob
from dicomlake.ports.surroundings import Page


class ImportJobs(Protocol):
    """The import jobs of one data store."""

    def import_job(self, job_id: str) -> ImportJob | None:
        """Return a job, read consistently."""
        ...

    def import_jobs(self, after: str = "", limit: int = 50) -> Page[ImportJob]:
        """List jobs, the last submitted first."""
        ...

    def save_import_job(self, job: ImportJob, expected_version: int) -> bool:
        """Write a job if the one there has this version (0: if there is none); return whether that was so."""
        ...

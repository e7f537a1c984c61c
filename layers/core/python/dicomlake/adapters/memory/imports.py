"""Import jobs in memory."""

from dicomlake.adapters.memory.state import MemoryState, page_of
from dicomlake.domain.imports import ImportJob
from dicomlake.ports import Page


class MemoryImportJobs:
    """The import jobs of one data store, in memory."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def import_job(self, job_id: str) -> ImportJob | None:
        """Return a job."""
        with self._state.lock:
            return self._state.imports.get(job_id)

    def import_jobs(self, after: str = "", limit: int = 50) -> Page[ImportJob]:
        """List jobs, the last submitted first."""
        with self._state.lock:
            jobs = list(self._state.imports.values())
        return page_of(jobs, lambda job: f"{job.submitted_at}#{job.job_id}", after, limit, descending=True)

    def save_import_job(self, job: ImportJob, expected_version: int) -> bool:
        """Write a job if the one there has this version; return whether that was so."""
        with self._state.lock:
            held = self._state.imports.get(job.job_id)
            if (held.version if held else 0) != expected_version:
                return False
            self._state.imports[job.job_id] = job
            return True

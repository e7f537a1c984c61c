"""The import jobs of one data store, in its table."""

from dicomlake.adapters.dynamodb import keys
from dicomlake.adapters.dynamodb.rows import number, packed_item, value_in
from dicomlake.adapters.dynamodb.table import ABSENT, Condition, Table, item_of, put
from dicomlake.domain.imports import ImportJob
from dicomlake.ports import Page


class DynamoDbImportJobs:
    """The import jobs of one data store."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def import_job(self, job_id: str) -> ImportJob | None:
        """Return a job, read consistently."""
        item = self._table.get(keys.import_job(job_id))
        return value_in(ImportJob, item) if item else None

    def import_jobs(self, after: str = "", limit: int = 50) -> Page[ImportJob]:
        """List jobs, the last submitted first."""
        pk, _ = keys.import_listed("")
        items, after = self._table.query(pk, "0", keys.END, after, limit, descending=True)
        order = [item["sk"]["S"].rpartition("#")[2] for item in items]
        rows = self._table.get_many([keys.import_job(name) for name in order])
        jobs = {job.job_id: job for job in (value_in(ImportJob, row) for row in rows)}
        return Page(tuple(jobs[name] for name in order if name in jobs), after, 2 * len(order))

    def save_import_job(self, job: ImportJob, expected_version: int) -> bool:
        """Write a job if the one there has this version; return whether that was so.

        Its row in the list is written before its first version, and leads nowhere until then.
        """
        if not expected_version:
            self._table.write(put(item_of(keys.import_listed(f"{job.submitted_at}#{job.job_id}"))))
        stands = Condition("v = :read", {":read": number(expected_version)}) if expected_version else ABSENT
        return self._table.write(put(packed_item(keys.import_job(job.job_id), job, v=number(job.version)), stands))

"""Start an import job: once a client token, in the data store into which objects land."""

from dicomlake.domain.errors import NotFoundError, RequestConflictError
from dicomlake.domain.events import RunImport
from dicomlake.domain.imports import ImportJob, bucket_and_prefix
from dicomlake.ports import Datastore, WorkQueue


def start_import(job: ImportJob, store: Datastore, work: WorkQueue) -> ImportJob:
    """Note a job and have it done; the same job again is the one that is there.

    The command is sent whether or not the row is new: a death in between costs nothing. Raises RequestConflictError
    where the client token named another job before, InvalidRequestError for an S3 URI that is none.
    """
    bucket_and_prefix(job.input_uri)
    bucket_and_prefix(job.output_uri)
    if not store.imports.save_import_job(job, 0):
        held = find_import(job.job_id, store)
        if _asked(held) != _asked(job):
            raise RequestConflictError("this client token started another job before: use a fresh one")
        job = held
    if not job.is_over:
        work.send([RunImport(job.datastore, job.job_id)])
    return job


def _asked(job: ImportJob) -> ImportJob:
    """What was asked for, without what came of it."""
    return ImportJob(job.job_id, job.name, job.datastore, job.role_arn, job.input_uri, job.output_uri, submitted_at="")


def find_import(job_id: str, store: Datastore) -> ImportJob:
    """Return a job. Raises NotFoundError."""
    job = store.imports.import_job(job_id)
    if job is None:
        raise NotFoundError("the data store has no import job of this id")
    return job

"""Import jobs, as the HealthImaging API has them."""

from typing import Any

from dicomlake.domain.errors import InvalidRequestError, UnavailableError
from dicomlake.domain.imports import ImportJob, JobStatus, job_id
from dicomlake.domain.study import format_time
from dicomlake.usecases.start_import import find_import, start_import
from dicomlake.web.imaging_call import ImagingCall, epoch, result
from dicomlake.web.imaging_pages import page_size, place_after, token_of
from dicomlake.web.response import Response


def start(call: ImagingCall) -> Response:
    """StartDICOMImportJob: once a client token."""
    services, ports = call.services, call.ports
    if call.datastore_id != services.default_store:
        raise InvalidRequestError("objects land in the default data store alone: import into that one")
    if call.text("inputOwnerAccountId") not in ("", call.request.account):
        raise InvalidRequestError("inputOwnerAccountId is this account: buckets of others are not read")
    if "importConfiguration" in call.arguments:
        raise InvalidRequestError("importConfiguration is not taken: metadata come from the DICOM files")
    if services.imports is None:
        raise UnavailableError("this function was not told where import jobs are worked")
    name = job_id(services.secret.lake_secret(), call.datastore_id, call.arguments["clientToken"])
    job = ImportJob(
        job_id=name,
        name=call.text("jobName") or name,
        datastore=call.datastore_id,
        role_arn=call.arguments["dataAccessRoleArn"],
        input_uri=call.arguments["inputS3Uri"],
        output_uri=call.arguments["outputS3Uri"],
        submitted_at=format_time(services.clock.now()),
    )
    started = start_import(job, ports, services.imports)
    return result(
        datastoreId=call.datastore_id,
        jobId=started.job_id,
        jobStatus=started.status,
        submittedAt=epoch(started.submitted_at),
    )


def get(call: ImagingCall) -> Response:
    """GetDICOMImportJob; the output URI is the job's own folder once its report is there."""
    job = find_import(call.arguments["jobId"], call.ports)
    ended = job.status is JobStatus.COMPLETED
    return result(
        jobProperties={
            **_summary(job),
            "inputS3Uri": job.input_uri,
            "outputS3Uri": job.output_folder if ended else job.output_uri,
        }
    )


def list_jobs(call: ImagingCall) -> Response:
    """ListDICOMImportJobs, the last submitted first; a page may hold fewer than asked for where a status is named."""
    page = call.ports.imports.import_jobs(place_after(call), page_size(call))
    status = call.text("jobStatus")
    shown = [_summary(job) for job in page.items if status in ("", job.status)]
    return result(jobSummaries=shown, nextToken=token_of(page.after))


def _summary(job: ImportJob) -> dict[str, Any]:
    return {
        "jobId": job.job_id,
        "jobName": job.name,
        "jobStatus": job.status,
        "datastoreId": job.datastore,
        "dataAccessRoleArn": job.role_arn,
        "submittedAt": epoch(job.submitted_at),
        **({"endedAt": epoch(job.ended_at)} if job.ended_at else {}),
        **({"message": job.message} if job.message else {}),
    }

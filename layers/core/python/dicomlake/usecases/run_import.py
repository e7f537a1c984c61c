"""Do the next step of an import job: copy a chunk into the landing bucket, or look what became of one, or end.

What is copied lands as anything lands: the same ledger, the same use cases. A step that runs twice copies a chunk
again, as a duplicate of itself, or writes the same report.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from dicomlake.domain.errors import ForbiddenError, NotFoundError, UnreadableError
from dicomlake.domain.events import ImportJobEnded, RunImport
from dicomlake.domain.ids import LakeSecret, ledger_key
from dicomlake.domain.imports import ImportFile, ImportJob, JobStatus, bucket_and_prefix, import_source
from dicomlake.domain.model import LandedObject
from dicomlake.domain.study import format_time, parse_time
from dicomlake.lake.paths import import_chunk_key
from dicomlake.ports import Clock, Datastore, EventPublisher, ObjectInfo, ObjectStore, WorkQueue
from dicomlake.usecases.import_report import encode_files, report_chunk, write_report

CHUNK = 200
"""Objects that a step copies: some seconds of copying, and two batches of the ledger."""

COPIES_AT_ONCE = 8
LOOK_AGAIN_SECONDS = 5
LONGEST = timedelta(hours=24)
"""After which a job that waits for objects gives up: they are decided or in quarantine long before."""

_UNREACHABLE = (ForbiddenError, NotFoundError, UnreadableError)


@dataclass(frozen=True, slots=True)
class ImportPorts:
    """What a job needs: the data store it fills, where objects land, every bucket it names, and its own queue."""

    store: Datastore
    landing: ObjectStore
    landing_bucket: str
    bucket: Callable[[str], ObjectStore]
    work: WorkQueue
    events: EventPublisher
    secret: LakeSecret
    clock: Clock


@dataclass(frozen=True, slots=True)
class ImportStep:
    """Fact: what a step did, and to how many objects."""

    outcome: str
    objects: int = 0


def run_import(command: RunImport, ports: ImportPorts) -> ImportStep:
    """Do one step of a job and send for the next one; a job that another step has moved on meanwhile is left to it."""
    job = ports.store.imports.import_job(command.job_id)
    if job is None:
        return ImportStep("over")
    if job.is_over:
        _tell(job, ports)  # the step that ended it may have died before it could
        return ImportStep("over")
    try:
        return _copy(job, ports) if not job.listed else _report(job, ports)
    except _UNREACHABLE:
        place = "inputS3Uri" if not job.listed else "outputS3Uri"
        return _end(
            job,
            JobStatus.FAILED,
            f"The bucket of {place} cannot be reached: the lake may read and write only buckets it was given",
            ports,
        )


def _copy(job: ImportJob, ports: ImportPorts) -> ImportStep:
    """Copy the next objects of the listing, write down which they are, and only then move on."""
    bucket, prefix = bucket_and_prefix(job.input_uri)
    page = ports.bucket(bucket).versions(prefix, job.after, CHUNK)
    some = [one for one in page.items if one.is_latest and not (one.key.endswith("/") and one.size == 0)]
    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        files = list(pool.map(lambda pair: _land(job, bucket, pair[0], pair[1], ports), enumerate(some)))
    chunks = job.chunks + (1 if files else 0)
    if files:
        ports.store.objects.put(import_chunk_key(job.job_id, job.chunks, "files"), encode_files(files))
    if not page.after and not chunks:
        return _end(job, JobStatus.FAILED, "There is no object under the inputS3Uri", ports)
    moved = replace(job, status=JobStatus.IN_PROGRESS, after=page.after, listed=not page.after, chunks=chunks)
    return _moved(moved, 0, ImportStep("copied", len(files)), ports)


def _land(job: ImportJob, bucket: str, place: int, found: ObjectInfo, ports: ImportPorts) -> ImportFile:
    """Copy one object under a key that tells nothing of its own; one that cannot be read has no copy."""
    key = f"sources/{import_source(job.job_id)}/{job.chunks:06d}/{place:03d}"
    version = "" if found.version_id == "null" else found.version_id
    try:
        ports.landing.copy_in(bucket, found.key, version, key, found.size)
        info = ports.landing.info(key)
    except _UNREACHABLE:
        return ImportFile(found.key, refused="The object cannot be read")
    landed = LandedObject(ports.landing_bucket, key, info.version_id, found.size)
    return ImportFile(found.key, ledger_key(ports.secret, landed))


def _report(job: ImportJob, ports: ImportPorts) -> ImportStep:
    """Report the next chunk if all of it is decided and shown; after the last one write the report and end."""
    if job.reported == job.chunks:
        write_report(job, ports.store, ports.bucket)
        return _end(job, JobStatus.COMPLETED, "", ports)
    lines = report_chunk(job, ports.store, ports.secret)
    if lines is None:
        if ports.clock.now() - parse_time(job.submitted_at) > LONGEST:
            return _end(job, JobStatus.FAILED, "Objects of the job were not decided within a day", ports)
        ports.work.send([RunImport(job.datastore, job.job_id)], LOOK_AGAIN_SECONDS)
        return ImportStep("waiting")
    return _moved(replace(job, reported=job.reported + 1), 0, ImportStep("reported", lines), ports)


def _moved(job: ImportJob, delay: int, step: ImportStep, ports: ImportPorts) -> ImportStep:
    """Write where the job is and send for its next step; the step that lost to another one leaves that to it."""
    if not ports.store.imports.save_import_job(replace(job, version=job.version + 1), job.version):
        return ImportStep("overtaken")
    ports.work.send([RunImport(job.datastore, job.job_id)], delay)
    return step


def _end(job: ImportJob, status: JobStatus, message: str, ports: ImportPorts) -> ImportStep:
    """The report is there before the status says so, and the status before the event."""
    over = replace(
        job, status=status, message=message, ended_at=format_time(ports.clock.now()), version=job.version + 1
    )
    if not ports.store.imports.save_import_job(over, job.version):
        return ImportStep("overtaken")
    _tell(over, ports)
    return ImportStep(status.lower())


def _tell(job: ImportJob, ports: ImportPorts) -> None:
    ports.events.publish(ImportJobEnded(job.datastore, job.job_id, job.status))

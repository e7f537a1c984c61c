"""Import jobs as rows: one suite, every adapter."""

from dataclasses import replace

from dicomlake.domain.imports import ImportJob, JobStatus
from dicomlake.domain.model import DatastoreId
from dicomlake.ports import Datastore

STORE = DatastoreId("a" * 32)


def job(number: int) -> ImportJob:
    at = f"2026-01-01T00:00:0{number}.000Z"
    return ImportJob(f"{number:032x}", f"job {number}", STORE, "arn", "s3://in/a/", "s3://out/", at)


def test_a_job_is_written_over_the_version_that_was_read(store: Datastore) -> None:
    first = job(1)
    moved = replace(first, status=JobStatus.IN_PROGRESS, after="a/b", chunks=1, version=2)

    assert store.imports.save_import_job(first, 0)
    assert not store.imports.save_import_job(first, 0)
    assert store.imports.save_import_job(moved, 1)
    assert not store.imports.save_import_job(moved, 1)

    assert store.imports.import_job(first.job_id) == moved
    assert store.imports.import_job("0" * 32) is None


def test_jobs_are_listed_last_first_page_by_page(store: Datastore) -> None:
    for number in (1, 2, 3):
        store.imports.save_import_job(job(number), 0)

    first = store.imports.import_jobs(limit=2)
    rest = store.imports.import_jobs(first.after, 2)

    assert [one.name for one in (*first.items, *rest.items)] == ["job 3", "job 2", "job 1"]
    assert rest.after == ""

"""What runs when AWS calls: one function here per deployed entry point, wired on its first event.

A handler module in functions/ says `handler = entry.<name>()` and nothing else; only what that entry point needs is
imported. Errors that may pass go back to the queue (`batchItemFailures`, or the raised class for Step Functions'
Retry); permanent ones were quarantined further in.
"""

from dicomlake.entry.handling import Handler, handler


def ingest_instances() -> Handler:
    """Decide a batch of landed objects (queues ingest-work and ingest-one-work)."""
    from dicomlake.entry.ingest import ingest_work

    return handler("ingest", ingest_work)


def quarantine_crashed() -> Handler:
    """Quarantine what no process survived (queue crashed-work)."""
    from dicomlake.entry.crashed import quarantine_work

    return handler("quarantine-crashed", quarantine_work)


def start_large() -> Handler:
    """Start the large-object machine (queue large-work)."""
    from dicomlake.entry.crashed import large_work

    return handler("start-large", large_work)


def track_study() -> Handler:
    """Fold what was committed (queue study-work)."""
    from dicomlake.entry.study import track_work

    return handler("track-study", track_work)


def settle_study() -> Handler:
    """Look whether studies may settle (queue settle-work)."""
    from dicomlake.entry.study import settle_work

    return handler("settle-study", settle_work)


def plan_study() -> Handler:
    """List what the study machine has to do."""
    from dicomlake.entry.study import plan_task

    return handler("plan-study", plan_task)


def compact_series() -> Handler:
    """Bring one series into one pack."""
    from dicomlake.entry.study import compact_task

    return handler("compact-series", compact_task)


def finish_study() -> Handler:
    """Close a generation and publish StudyReady."""
    from dicomlake.entry.study import finish_task

    return handler("finish-study", finish_task)


def sequence_changes() -> Handler:
    """Number committed changes (the tables' streams)."""
    from dicomlake.entry.study import sequence_work

    return handler("sequence-changes", sequence_work)


def sweep_lake() -> Handler:
    """Reconcile and tidy (schedule); rebuild the index on {"rebuild": true}."""
    from dicomlake.entry.sweep import sweep_work

    return handler("sweep", sweep_work)


def deidentify_study() -> Handler:
    """Write the de-identified copy of ready studies (queue deidentify-work)."""
    from dicomlake.entry.deidentify import deidentify_work

    return handler("deidentify", deidentify_work)


def change_study() -> Handler:
    """Carry on changes of studies (queue change-work)."""
    from dicomlake.entry.change import change_work

    return handler("change-study", change_work)


def answer_changes() -> Handler:
    """Answer requests that delete, correct or hold what is stored."""
    from dicomlake.entry.api import answer_request

    return handler("changes", answer_request)


def answer_dicomweb() -> Handler:
    """Answer DICOMweb requests of one data store."""
    from dicomlake.entry.api import answer_request

    return handler("dicomweb", answer_request)


def answer_pixels() -> Handler:
    """Answer DICOMweb requests that open data sets and frames, of one data store."""
    from dicomlake.entry.api import answer_request

    return handler("pixels", answer_request)


def answer_imaging() -> Handler:
    """Answer the HealthImaging API of every data store."""
    from dicomlake.entry.api import answer_request

    return handler("imaging", answer_request)


def store_instances() -> Handler:
    """Answer STOW-RS requests: store what they bring."""
    from dicomlake.entry.storing import store_request

    return handler("store", store_request)


def run_import() -> Handler:
    """Do the next step of import jobs (queue import-work)."""
    from dicomlake.entry.imports import import_work

    return handler("run-import", import_work)


def answer_operations() -> Handler:
    """Answer uploads and the lake's own operations."""
    from dicomlake.entry.api import answer_request

    return handler("operations", answer_request)


def gateway() -> None:
    """Serve the API for bodies of any size until SIGTERM (the gateway's Fargate task)."""
    from dicomlake.entry.gateway import run_gateway

    run_gateway()


def large_instance() -> None:
    """Run the Fargate task: one large object, named by DICOMLAKE_MESSAGE."""
    from dicomlake.entry.ingest import run_large_task

    run_large_task()

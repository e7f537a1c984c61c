"""The environment variables of functions and tasks; dicomlake.settings reads what is written here."""

from aws_cdk import Stack

from stacks.constructs.lake_store import LakeStore
from stacks.storage import StorageStack


def stores(stack: Stack, *some: LakeStore) -> dict[str, str]:
    """Name the data stores that a function may touch, each with its table and bucket."""
    rows = {
        store.datastore_id: {
            "name": store.name,
            "table": store.table.table_name,
            "bucket": store.bucket.bucket_name,
            "cleared": store.cleared,
        }
        for store in some
    }
    return {"DICOMLAKE_STORES": stack.to_json_string(rows)}


def default_store(storage: StorageStack) -> dict[str, str]:
    """Name the data store into which landed objects go."""
    return {"DICOMLAKE_DEFAULT_STORE": storage.clinical.datastore_id}


def research_store(storage: StorageStack) -> dict[str, str]:
    """Name the data store into which de-identified copies go."""
    return {"DICOMLAKE_RESEARCH_STORE": storage.research.datastore_id}


def secret(storage: StorageStack) -> dict[str, str]:
    """Name the secret from which keyed names are derived."""
    return {"DICOMLAKE_SECRET_ARN": storage.secret.secret_arn}


def link_key(storage: StorageStack) -> dict[str, str]:
    """Name the secret that signs study links."""
    return {"DICOMLAKE_LINK_SECRET_ARN": storage.link_secret.secret_arn}


def landing(storage: StorageStack) -> dict[str, str]:
    """Name the landing bucket."""
    return {"DICOMLAKE_LANDING_BUCKET": storage.landing.bucket_name}


def quarantine(storage: StorageStack) -> dict[str, str]:
    """Name the quarantine bucket."""
    return {"DICOMLAKE_QUARANTINE_BUCKET": storage.quarantine.bucket_name}

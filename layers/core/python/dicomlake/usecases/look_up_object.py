"""Where is it: what became of a landed object, by its key or by a UID; of many at once, by key and version."""

from collections.abc import Sequence
from dataclasses import dataclass

from dicomlake.domain.errors import NotFoundError
from dicomlake.domain.ids import LakeSecret, object_hash
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import InstanceKey, InstanceUid, LedgerKey, StudyUid
from dicomlake.domain.study import Study
from dicomlake.ports import Datastore, ObjectStore, Page

SIGNED_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Found:
    """Fact: the ledger entries found, oldest landing first, or the study."""

    entries: tuple[LedgerEntry, ...] = ()
    study: Study | None = None


def where_by_key(key: str, landing_bucket: str, secret: LakeSecret, store: Datastore) -> Found:
    """Return every version of one landed object; NotFoundError if none was ever noted."""
    entries = store.ledger.versions(object_hash(secret, landing_bucket, key))
    if not entries:
        raise NotFoundError("no object of this key was taken in: it is still queued, or never landed")
    return Found(entries)


def where_all(
    objects: Sequence[tuple[str, str]], landing_bucket: str, secret: LakeSecret, store: Datastore
) -> tuple[LedgerEntry | None, ...]:
    """Return the entry of each landed object, given by key and versionId, in order; None where none was noted yet."""
    keys = [LedgerKey(object_hash(secret, landing_bucket, key), version) for key, version in objects]
    found = store.ledger.entries(sorted(set(keys)))
    return tuple(found.get(key) for key in keys)


def where_by_uid(uid: str, store: Datastore) -> Found:
    """Return the object behind a SOP Instance UID, or the study of a Study Instance UID."""
    place = store.instances.locate(InstanceUid(uid))
    if place:
        key = InstanceKey(place.study_uid, place.series_uid, place.instance_uid)
        record = store.instances.instance(key)
        entry = store.ledger.entry(record.ledger) if record else None
        return Found((entry,) if entry else (), store.studies.study(place.study_uid))
    study = store.studies.study(StudyUid(uid))
    if study is None:
        raise NotFoundError("neither an instance nor a study of this UID is stored")
    return Found(study=study)


def list_quarantined(store: Datastore, after: str, limit: int) -> Page[LedgerEntry]:
    """Return what is in quarantine, newest first."""
    return store.ledger.quarantined(after, limit)


def quarantined_entry(key: LedgerKey, store: Datastore) -> LedgerEntry:
    """Return one object in quarantine."""
    entry = store.ledger.entry(key)
    if entry is None or entry.reason is None:
        raise NotFoundError("nothing is in quarantine under this id")
    return entry


def sign_kept(entry: LedgerEntry, quarantine: ObjectStore) -> str:
    """Return a URL to the kept bytes, "" where the object was gone before they could be kept."""
    return quarantine.sign_get(entry.quarantine_key, SIGNED_SECONDS) if entry.quarantine_key else ""


def find_study(study_uid: StudyUid, store: Datastore) -> Study:
    """Return a study's row; NotFoundError if there is none."""
    study = store.studies.study(study_uid)
    if study is None:
        raise NotFoundError("no study is stored under this UID")
    return study

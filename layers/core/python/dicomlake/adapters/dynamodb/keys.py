"""The layout of a data store's table: every partition and sort key is spelled here (docs/index.md has the tables).

One table per data store: `pk` and `sk` are strings, `expires` is the time-to-live, and there is no secondary index.
"""

from datetime import datetime

from dicomlake.domain.commit import CommitRow
from dicomlake.domain.ledger import LedgerEntry
from dicomlake.domain.model import InstanceKey, InstanceRecord, InstanceUid, LedgerKey, SeriesUid, StudyUid, Visibility
from dicomlake.domain.study import parse_time
from dicomlake.ports import SearchKey

Key = tuple[str, str]

LAST = "~"
"""Sorts behind everything that UIDs, hex digits and times are made of."""
END = "\U0010ffff"
"""Sorts behind every text."""
SORT_END = "\x01"
"""Ends a sort text: below every character that text contains, so that keys order as their texts do."""
MAX_SORT_BYTES = 900
"""DynamoDB takes 1,024 bytes of sort key; the rest is the study's UID."""

NO_VERSION = "-"
"""Stands for the empty version id, which no sort key may be."""
STUDY = "STUDY"
FEED_HEAD: Key = ("F", "HEAD")
FEED_BUCKET = 1000
QUARANTINE_DAYS = "Q"
QUARANTINE_SHARDS = 4
"""Partitions a day's quarantine is spread over: one partition takes 1,000 writes a second."""
STREAMED_SECONDS = 7 * 86400
"""How long stays what only the table's stream needs: a commit row without a study, the mark that a commit has its
number. The stream ends after a day."""
MARKED_TIME = len("2026-01-01T00:00:00.0")


def study(study_uid: StudyUid) -> Key:
    """The study row."""
    return f"S#{study_uid}", STUDY


def series(study_uid: StudyUid, series_uid: SeriesUid | str = "") -> Key:
    """A series row, or the prefix of all of a study's."""
    return f"S#{study_uid}", f"SERIES#{series_uid}"


def instance(key: InstanceKey) -> Key:
    """An instance row."""
    return f"S#{key.study_uid}", f"I#{key.series_uid}#{key.instance_uid}"


def beside(key: InstanceKey, content_digest: str) -> Key:
    """The row of an instance that is kept beside the primary one under the same key, one a content."""
    return f"S#{key.study_uid}", f"B#{key.series_uid}#{key.instance_uid}#{content_digest}"


def besides(study_uid: StudyUid, series_uid: SeriesUid | None) -> Key:
    """The prefix of the rows kept beside primary ones of a study or series."""
    return f"S#{study_uid}", f"B#{series_uid}#" if series_uid else "B#"


def under_way(study_uid: StudyUid) -> Key:
    """The change that a study is under; it sorts behind its commit rows."""
    return f"S#{study_uid}", "CHANGE"


def done(study_uid: StudyUid, number: int | None = None) -> Key:
    """A change in a study's history, or the prefix of all of them."""
    return f"S#{study_uid}", "SET#" if number is None else f"SET#{number:08d}"


def record(of: InstanceRecord) -> Key:
    """The row of a record, by its visibility."""
    return beside(of.key, of.content_digest) if of.visibility is Visibility.NON_PRIMARY else instance(of.key)


def instances(study_uid: StudyUid, series_uid: SeriesUid | None) -> Key:
    """The prefix of the instance rows of a study or series."""
    return f"S#{study_uid}", f"I#{series_uid}#" if series_uid else "I#"


def instance_of(pk: str, sk: str) -> InstanceKey:
    """The instance key that an instance row's keys spell."""
    _, series_uid, instance_uid, *_ = sk.split("#")
    return InstanceKey(StudyUid(pk[2:]), SeriesUid(series_uid), InstanceUid(instance_uid))


def claim(instance_uid: InstanceUid) -> Key:
    """The claim of a SOP Instance UID: which study and series hold it."""
    return f"U#{instance_uid}", "U"


def ledger(key: LedgerKey) -> Key:
    """A ledger row."""
    return f"L#{key.object_hash}", key.version_id or NO_VERSION


def commit_row(row: CommitRow) -> Key:
    """A commit row; one without a study has a partition of its own, so that no partition is hot."""
    owner = f"N#{row.commit_id}" if row.study_uid is None else f"S#{row.study_uid}"
    return owner, f"C#{row.commit_id}"


def commit_rows(study_uid: StudyUid, commit_id: str = "") -> Key:
    """A study's commit row, or the prefix of all of them."""
    return f"S#{study_uid}", f"C#{commit_id}"


def pending(study_uid: StudyUid, work: LedgerKey) -> Key:
    """The mark of an object under way to a study."""
    return f"S#{study_uid}", f"P#{work.object_hash}#{work.version_id}"


def search_row(key: SearchKey, study_uid: StudyUid) -> Key:
    """A row by which a study is found."""
    return f"K#{key.partition}", f"{key.sort}{SORT_END}{study_uid}"


def cursor(name: str) -> Key:
    """Where a page of a search ended."""
    return f"T#{name}", "T"


def link(link_id: str) -> Key:
    """A study link that was given out; revoking it deletes the row."""
    return f"Z#{link_id}", "Z"


def quarantine_row(entry: LedgerEntry, at: str) -> Key:
    """A row of the quarantine list; it points at its ledger row."""
    shard = int(entry.key.object_hash[0], 16) % QUARANTINE_SHARDS
    return quarantine_shard(at[:10], shard), f"{at}#{entry.key.object_hash}#{entry.key.version_id}"


def quarantine_shard(day: str, shard: int) -> str:
    """One partition of a day's quarantine list."""
    return f"Q#{day}#{shard}"


def quarantined_of(sk: str) -> tuple[str, LedgerKey]:
    """When an object was quarantined, and its ledger key, from a row of the quarantine list."""
    at, object_hash, version_id = sk.split("#", 2)
    return at, LedgerKey(object_hash, version_id)


def change(number: int) -> Key:
    """A run of numbered changes, named by its last; a thousand numbers share a partition."""
    return f"F#{number // FEED_BUCKET}", f"{number:015d}"


def numbered(at: str) -> Key:
    """The marker of the commits of a tenth of a second that have their numbers."""
    return f"M#{at[:MARKED_TIME]}", "M"


def access_key(access_key_id: str) -> Key:
    """An access key, or the prefix of all; only the default data store's table has them."""
    return "A", f"A#{access_key_id}"


def datastore(datastore_id: str) -> Key:
    """A data store's row, or the prefix of all; only the default data store's table has them."""
    return "D", f"D#{datastore_id}"


def image_set(image_set_id: str) -> Key:
    """An image set as it is now."""
    return f"G#{image_set_id}", "HEAD"


def image_set_version(image_set_id: str, version: int) -> Key:
    """A past version of an image set; they sort by number."""
    return f"G#{image_set_id}", f"V#{version:010d}"


def image_set_members(image_set_id: str, content: str) -> Key:
    """Which instances a content of an image set is made of."""
    return f"G#{image_set_id}", f"M#{content}"


def image_set_of_study(study_uid: StudyUid, image_set_id: str) -> Key:
    """A row by which a study's image sets are found, or the prefix of all."""
    return f"S#{study_uid}", f"G#{image_set_id}"


def image_set_of_series(series_uid: SeriesUid, image_set_id: str) -> Key:
    """A row by which a series' image sets are found, or the prefix of all."""
    return f"GS#{series_uid}", f"G#{image_set_id}"


def image_set_listed(order: str, place: str) -> Key:
    """A row of a list of image sets by time."""
    return f"GL#{order}", place


def import_job(job_id: str) -> Key:
    """An import job."""
    return f"J#{job_id}", "J"


def import_listed(place: str) -> Key:
    """A row of the list of import jobs, by the time they were submitted."""
    return "JL", place


def streamed_until(at: str) -> int:
    """The `expires` of a commit row without a study, in Unix seconds."""
    return seconds(parse_time(at)) + STREAMED_SECONDS


def seconds(at: datetime) -> int:
    """A time as `expires` holds it: whole Unix seconds, rounded up."""
    return -int(-at.timestamp() // 1)

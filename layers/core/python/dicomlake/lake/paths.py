"""The lake bucket's keys. They hold dates, random ids and keyed hashes: never a UID, a name or a sender's key.

    packs/{shard}/{day}/{pack id}.pack            frames, heads, metadata (docs/lake-format.md)
    packs/{shard}/{day}/{pack id}-series.pack     the same, gathered from other packs by compaction
    series/{shard}/{series ref}/{id}.json.gz      pre-built metadata of one series, one object per generation
    answers/{shard}/{id}                          an answer too large for one response, read by signed URL within a day
    image-sets/{shard}/{image set id}/{name}      what the HealthImaging API answers of one version of an image set
    imports/{shard}/{job id}/{chunk}-{part}.json  what an import job copied, and what became of it
    journal/{yyyy}/{mm}/{dd}/{hhmmss.ffffff}-{id}.jsonl   changes other than store, in order of time

Each kind has its own first part, for lifecycle rules and grants. `shard` is the first two hex digits of the random or
hashed name, so that S3 can split the load 256 ways before any day's traffic begins; `day` lets a sweep list one day.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

PACKS = "packs/"
SERIES = "series/"
JOURNAL = "journal/"
ANSWERS = "answers/"
IMAGE_SETS = "image-sets/"
IMPORTS = "imports/"

_HEX = re.compile(r"[0-9a-f]{16,64}\Z")
_GATHERED = "-series"
_PACK = re.compile(rf"packs/([0-9a-f]{{2}})/(\d{{4}}-\d\d-\d\d)/(\1[0-9a-f]{{14,62}})(?:{_GATHERED})?\.pack\Z")


def pack_key(day: date, pack_id: str) -> str:
    """Return the key of a pack written on this day (UTC); `pack_id` is random, 16 to 64 lower-case hex digits."""
    return f"{PACKS}{_name(pack_id)[:2]}/{day:%Y-%m-%d}/{pack_id}.pack"


def series_pack_key(day: date, pack_id: str) -> str:
    """Return the key of a pack that compaction gathers from others: all it holds was primary, as a rebuild can see."""
    return pack_key(day, pack_id).removesuffix(".pack") + f"{_GATHERED}.pack"


def is_gathered(key: str) -> bool:
    """Whether compaction gathered this pack from others."""
    return key.endswith(f"{_GATHERED}.pack")


def parse_pack_key(key: str) -> tuple[date, str]:
    """Return the day and the id of a pack's key. Raises ValueError if it is not one."""
    match = _PACK.match(key)
    if match is None:
        raise ValueError("not the key of a pack")
    return date.fromisoformat(match[2]), match[3]


def pack_prefixes(day: date) -> Iterator[str]:
    """Yield the 256 prefixes under which all packs of one day lie: what a sweep lists."""
    return (f"{PACKS}{shard:02x}/{day:%Y-%m-%d}/" for shard in range(256))


def series_metadata_key(series_ref: str, object_id: str) -> str:
    """Return the key of one generation of a series' metadata.

    `series_ref` is a keyed hash of the series' UIDs, `object_id` is random; both 16 to 64 lower-case hex digits.
    """
    return f"{SERIES}{_name(series_ref)[:2]}/{series_ref}/{_name(object_id)}.json.gz"


def journal_key(at: datetime, object_id: str) -> str:
    """Return the key of a journal object; keys sort in order of time. `at` is aware, `object_id` random hex digits."""
    if at.tzinfo is None:
        raise ValueError("a journal object's time needs its zone")
    return f"{JOURNAL}{at.astimezone(UTC):%Y/%m/%d/%H%M%S.%f}-{_name(object_id)}.jsonl"


def answer_key(object_id: str) -> str:
    """Return the key of an answer that is read by signed URL; `object_id` is random hex digits."""
    return f"{ANSWERS}{_name(object_id)[:2]}/{object_id}"


def image_set_document_key(image_set_id: str, version: int) -> str:
    """Return the key of the metadata document of one version of an image set."""
    return f"{IMAGE_SETS}{_name(image_set_id)[:2]}/{image_set_id}/{version:010d}.json.gz"


def image_set_frames_key(image_set_id: str, content: str) -> str:
    """Return the key of the list of frames of what an image set holds; versions of one content share it."""
    return f"{IMAGE_SETS}{_name(image_set_id)[:2]}/{image_set_id}/{_name(content)}.frames"


def import_chunk_key(job_id: str, chunk: int, part: str) -> str:
    """Return the key of a part of an import job's chunk: its `files`, or their `report`."""
    return f"{IMPORTS}{_name(job_id)[:2]}/{job_id}/{chunk:06d}-{part}.json"


def _name(text: str) -> str:
    if not _HEX.match(text):
        raise ValueError("a name in a key is 16 to 64 lower-case hex digits")
    return text

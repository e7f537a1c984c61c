"""Every file of the corpus, put into a running lake under the keys that senders use, ends where its manifest says."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import quote

import pydicom
import pytest

from tests.pipeline.corpus_lake import AWKWARD_KEYS, CorpusLake
from tests.pipeline.lakes import until
from tests.pipeline.running import Document
from tests.unit.dicom.corpus import Row
from tests.unit.dicom.test_parse_corpus import REASONS

pytestmark = pytest.mark.timeout(600)

OTHER_KINDS = {"directory", "non-patient"}
BESIDE = {"conflict-kept-beside", "instance-uid-in-other-series"}
MARKS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientName", "PatientID")
SHORTEST_MARK = 5
"""Shorter names and ids ("MR", "111") stand in any text by chance."""


def test_every_file_ends_as_its_manifest_says(corpus_lake: CorpusLake) -> None:
    wrong = {row.path: entry for row, entry in corpus_lake.entries.items() if not _agrees(row, entry)}

    assert wrong == {}


def _agrees(row: Row, entry: Document) -> bool:
    if entry["outcome"] in {"stored", "duplicate"}:
        return any(expected.startswith("ok") for expected in row.outcomes)
    other = entry["reason"] in OTHER_KINDS
    return entry["outcome"] == "quarantined" and (other or ("quarantine" in row.outcomes and not row.indexable))


def test_what_is_quarantined_is_for_its_own_reason(corpus_lake: CorpusLake) -> None:
    reasons = {row.path: entry.get("reason") for row, entry in corpus_lake.entries.items() if row.path in REASONS}

    assert reasons == {path: str(reason) for path, reason in REASONS.items()}


def _is_primary(entry: Document) -> bool:
    return entry["outcome"] == "stored" and not BESIDE & {warned["code"] for warned in entry["warnings"]}


def test_a_file_sent_again_under_another_name_is_a_duplicate(corpus_lake: CorpusLake) -> None:
    stored = [row for row, entry in corpus_lake.entries.items() if _is_primary(entry)][::40]

    again = [corpus_lake.lake.put(f"again/{number}", row.read()) for number, row in enumerate(stored)]

    assert {entry["outcome"] for entry in corpus_lake.lake.decided(again)} == {"duplicate"}


@pytest.mark.parametrize("number", range(len(AWKWARD_KEYS)))
def test_an_object_is_found_by_its_key_however_it_is_written(corpus_lake: CorpusLake, number: int) -> None:
    (row,) = [row for row, landed in corpus_lake.landed.items() if landed.key == AWKWARD_KEYS[number]]
    versions = [one["Key"] for one in corpus_lake.lake.versions(corpus_lake.lake.endpoints.landingBucket)]

    found = corpus_lake.lake.document("/lake/where?key=" + quote(AWKWARD_KEYS[number], safe=""))

    assert AWKWARD_KEYS[number] in versions
    assert found["objects"] == [corpus_lake.entries[row]]


def test_the_counts_add_up_to_the_versions_that_landed(corpus_lake: CorpusLake) -> None:
    lake = corpus_lake.lake

    def counted() -> tuple[int, int]:
        return lake.document("/lake/statistics")["landed"], len(lake.versions(lake.endpoints.landingBucket))

    assert until(lambda: len(set(counted())) == 1), counted()
    told = lake.document("/lake/statistics")
    assert told["landed"] == told["stored"] + told["duplicates"] + told["quarantined"]
    outcomes = Counter(entry["outcome"] for entry in corpus_lake.entries.values())
    assert told["stored"] >= outcomes["stored"] > 300
    assert told["quarantined"] >= outcomes["quarantined"] > 60


def test_what_is_quarantined_says_why_and_keeps_its_bytes(corpus_lake: CorpusLake) -> None:
    kept = {row: one for row, one in corpus_lake.entries.items() if one["outcome"] == "quarantined"}

    for row, entry in kept.items():
        told = corpus_lake.lake.document(f"/lake/quarantine/{entry['id']}")
        assert min(len(told[name]) for name in ("reason", "sentence", "repair", "detail")) > 3, row.path
        bucket = corpus_lake.lake.endpoints.quarantineBucket
        body = corpus_lake.lake.s3.get_object(Bucket=bucket, Key=f"objects/{entry['id']}")["Body"].read()
        assert body == row.read(), row.path


def test_the_quarantine_lists_each_of_its_objects_once(corpus_lake: CorpusLake) -> None:
    listed: list[str] = []
    path = "/lake/quarantine?limit=25"
    while path:
        page = corpus_lake.lake.document(path)
        listed += [entry["id"] for entry in page["objects"]]
        path = f"/lake/quarantine?limit=25&after={quote(page['after'], safe='')}" if page["after"] else ""

    expected = [one["id"] for one in corpus_lake.entries.values() if one["outcome"] == "quarantined"]
    assert len(listed) == len(set(listed))
    assert set(expected) <= set(listed)


def test_the_change_feed_has_every_number_once_and_the_same_sums(corpus_lake: CorpusLake) -> None:
    corpus_lake.lake.at_rest()
    changes: list[Document] = []
    while page := corpus_lake.lake.document(f"/lake/changes?limit=1000&after={len(changes)}")["changes"]:
        changes += page

    told = corpus_lake.lake.document("/lake/statistics")
    assert [change["number"] for change in changes] == list(range(1, told["change"] + 1))
    for name in ("landed", "stored", "duplicates", "quarantined", "instances", "frames"):
        assert sum(change[name] for change in changes) == told[name], name


def test_every_study_becomes_ready(corpus_lake: CorpusLake) -> None:
    studies = {entry["instance"]["study"] for entry in corpus_lake.entries.values() if entry["outcome"] == "stored"}

    for study in studies:
        corpus_lake.lake.ready(study)


def test_nothing_is_left_in_a_queue_or_failed_in_a_dead_letter_queue(corpus_lake: CorpusLake) -> None:
    corpus_lake.lake.at_rest()


def test_no_log_line_and_no_key_names_a_patient_or_an_instance(corpus_lake: CorpusLake) -> None:
    lake = corpus_lake.lake
    lake.at_rest()
    marks = sorted({mark for row in corpus_lake.entries for mark in _marks(row)} | set(AWKWARD_KEYS), key=len)
    named = re.compile("|".join(rf"(?<![\w.]){re.escape(mark)}(?![\w.])" for mark in marks))

    lines = list(lake.log_lines())
    keys = [
        one["Key"]
        for bucket in lake.buckets()
        if bucket != lake.endpoints.landingBucket
        for one in lake.versions(bucket)
    ]

    assert len(marks) > 600
    assert len([line for line in lines if '"event":' in line]) > 100
    assert len(keys) > 200
    assert [found[0] for text in (*lines, *keys) if (found := named.search(text))] == []


def _marks(row: Row) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data_set = pydicom.dcmread(BytesIO(row.read()), force=True, stop_before_pixels=True)
            values = [str(data_set.get(keyword) or "") for keyword in MARKS]
        except (ValueError, TypeError, OSError, EOFError, AttributeError, NotImplementedError):
            return
    for value in values:
        yield from (part for group in value.split("=") if len(part := group.strip()) >= SHORTEST_MARK)

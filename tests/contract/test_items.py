"""What the index's items look like inside: sizes that are paid for, and a format that old rows are written in."""

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dicomlake.adapters.dynamodb import commit_row_in, keys
from dicomlake.adapters.dynamodb.feed import append_actions
from dicomlake.adapters.dynamodb.instances import commit_actions
from dicomlake.adapters.dynamodb.packing import DICTIONARY, pack, unpack
from dicomlake.adapters.dynamodb.plain import from_text
from dicomlake.adapters.dynamodb.rows import (
    claim_item,
    commit_item,
    instance_in,
    instance_item,
    ledger_item,
    study_item,
)
from dicomlake.adapters.dynamodb.table import Item
from dicomlake.domain.commit import CommitRow
from dicomlake.domain.ledger import NO_TALLY, LedgerEntry
from dicomlake.domain.model import NO_COUNTS, Outcome
from dicomlake.domain.study import Study, fold_series, fold_study
from dicomlake.ports import FeedHead
from tests.builders import Builder

GOLDEN_DICTIONARY = "5fdb10093d7d3da34bf9bef1f5b87793257555efdebe492b062a78aec00525a6"
GOLDEN_ENTRY = "AcNRIxAyFj0TELIGR40CSQWmRmZAf2KrOYxBcWuIXnOgl81YmjzYdNbG1gIA"


def size_of(item: Item) -> int:
    """An item's size as DynamoDB counts it: names, text and bytes as they are, numbers two digits a byte."""
    return sum(len(name) + size_of_value(value) for name, value in item.items())


def size_of_value(value: dict[str, Any]) -> int:
    ((kind, held),) = value.items()
    return len(held) // 2 + 2 if kind == "N" else len(held.encode()) if kind == "S" else len(held)


def sizes(builder: Builder) -> dict[str, int]:
    """The size of every kind of row for a commit of 20 CT slices of one series."""
    commit = builder.commit(builder.slices(20))
    record, entry = commit.records[7], commit.entries[7]
    series = fold_series((), (commit.row,))
    study = fold_study(None, (commit.row,), series)
    kept = builder.ended(Outcome.QUARANTINED).entries[0]
    head, change, marker = appended([commit.row])
    together = [builder.commit(builder.slices(1)).row for _ in range(20)]
    _, changes, markers = appended(together)
    series_key = keys.series(study.study_uid, series[0].series_uid)
    return {
        "instance": size_of(instance_item(record)),
        "claim": size_of(claim_item(record)),
        "ledger, stored": size_of(ledger_item(entry)),
        "ledger, quarantined": size_of(ledger_item(kept, commit.row.at)),
        "commit row": size_of(commit_item(commit.row)),
        "study": size_of(study_item(study)),
        "series": len("".join(series_key)) + len("pkskd") + len(pack(series[0], *series_key)),
        "change": size_of(change),
        "20 changes of 20 studies": size_of(changes),
        "change marker": size_of(marker),
        "change marker of 20": size_of(markers),
        "feed head": size_of(head),
    }


def appended(rows: list[CommitRow]) -> list[Item]:
    """The items that number rows committed at one time: head, run, marker."""
    return [action["Put"]["Item"] for action in append_actions(FeedHead(0, NO_TALLY, NO_COUNTS), rows, {})]


def test_every_row_of_a_ct_study_is_one_kilobyte_at_most(builder: Builder) -> None:
    alone = {kind: size for kind, size in sizes(builder).items() if kind != "20 changes of 20 studies"}

    assert max(alone.values()) <= 1024


def test_the_documented_sizes_are_the_measured_ones(builder: Builder) -> None:
    page = (Path(__file__).parents[2] / "docs/index.md").read_text()

    for kind, size in sizes(builder).items():
        assert f"| {kind} | {size} B |" in page


def test_a_full_commit_stays_far_below_the_4_mb_of_a_transaction(builder: Builder) -> None:
    actions = commit_actions(builder.commit(builder.slices(33)))

    assert len(actions) == 100
    assert sum(size_of(action["Put"]["Item"]) for action in actions) < 60_000


def test_a_row_that_an_earlier_version_wrote_is_read(builder: Builder) -> None:
    entry = Builder(1).entry()
    pk, sk = keys.ledger(entry.key)

    assert sha256(DICTIONARY).hexdigest() == GOLDEN_DICTIONARY
    assert b64encode(pack(entry, pk, sk)).decode() == GOLDEN_ENTRY
    assert unpack(LedgerEntry, pack(entry, pk, sk), pk, sk) == entry


def test_a_row_of_a_later_version_is_refused(builder: Builder) -> None:
    with pytest.raises(ValueError, match="newer"):
        unpack(Study, b"\x02" + pack(Study(builder.study_uid()), "a", "b")[1:], "a", "b")


def test_fields_that_a_later_version_added_are_passed_over() -> None:
    text = b'{"study_uid":"1.2","counts":{"instances":3,"pages":9},"colour":"blue"}'

    study = from_text(Study, text)

    assert (study.study_uid, study.counts.instances, study.generation) == ("1.2", 3, 1)


def test_a_moved_instance_is_read_with_its_new_place(builder: Builder) -> None:
    record = builder.record()
    to = builder.pointer()

    item = instance_item(record) | {name: instance_item(replace(record, pointer=to))[name] for name in ("p", "l")}

    assert instance_in(item) == replace(record, pointer=to)


def test_a_commit_row_is_read_from_the_stream_as_lambda_passes_it(builder: Builder) -> None:
    row = builder.commit(builder.slices(2, series=2)).row
    item = commit_item(row)
    image = item | {"d": {"B": b64encode(item["d"]["B"]).decode()}}

    assert commit_row_in(item) == row
    assert commit_row_in(image) == row


def test_a_commit_row_without_a_study_expires_and_one_with_a_study_does_not(builder: Builder) -> None:
    alone = commit_item(builder.ended(Outcome.QUARANTINED, at="2026-03-01T10:00:00.000Z").row)
    owned = commit_item(builder.commit(builder.slices(1)).row)

    assert alone["expires"] == {"N": "1772964000"}
    assert alone["pk"]["S"].startswith("N#")
    assert "expires" not in owned

"""Items read and time taken by searches and look-ups, in a small and in a large data store.

    python benchmarks/bench_index.py [--small 1000] [--large 100000] [--engine 10000]

Items read are counted over the adapters in memory, whose counts the contract tests hold to DynamoDB's; times over the
local engine's DynamoDB by the functions' own clients, with fewer instances: the engine is one process in Python, so its
times are an upper bound and only their growth says something. A page of n studies reads at most n + 200 rows and n
studies, however large the store: the rows behind the page tell how many results remain.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import result
from local_run import LakeUnderTest, lake_under_test
from result import say

from dicomlake.adapters.clients import AwsClients
from dicomlake.adapters.dynamodb import dynamodb_datastore
from dicomlake.adapters.memory import MemoryClock, MemoryDatastore, MemoryObjectStore, MemoryWorkQueue
from dicomlake.domain.commit import Commit, CommitRow, SeriesShare
from dicomlake.domain.ledger import LedgerEntry, Tally
from dicomlake.domain.levels import QueryLevel
from dicomlake.domain.model import (
    Counts,
    DatastoreId,
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    JsonObject,
    LedgerKey,
    Outcome,
    PackPointer,
    Restorable,
    SeriesAttributes,
    SeriesUid,
    SopClassUid,
    StudyAttributes,
    StudyUid,
    TransferSyntaxUid,
)
from dicomlake.domain.query import parse_query
from dicomlake.domain.study import SettlePolicy
from dicomlake.ports import Datastore
from dicomlake.usecases.search_studies import search_studies
from dicomlake.usecases.track_study import track_study

IMAGES = 10
"""Instances of a study."""
AT = "2026-01-01T00:00:00.000Z"
CT, EXPLICIT, HTJ2K = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.202"
ASKED = 60
"""Times each question is asked of the engine."""
FAMILIES = ("Yamada", "Suzuki", "Miller", "Garcia", "Novak", "Rossi", "Dubois", "Kim", "Wang", "Jansen")


def study_uid(number: int) -> StudyUid:
    """Return the UID of an invented study."""
    return StudyUid(f"2.25.7{number:08d}")


def key_of(number: int, image: int) -> InstanceKey:
    """Return the key of an invented instance."""
    study = study_uid(number)
    return InstanceKey(study, SeriesUid(f"{study}.1"), InstanceUid(f"{study}.1.{image}"))


def commit_of(number: int) -> Commit:
    """Return the commit that stores one invented study."""
    records = tuple(_record(key_of(number, image), image) for image in range(1, IMAGES + 1))
    entries = tuple(
        LedgerEntry(one.ledger, Outcome.STORED, one.landed_size, landed_at=AT, instance=one.key) for one in records
    )
    counts = Counts(IMAGES, IMAGES, IMAGES * 525_000, IMAGES * 180_000)
    series = SeriesAttributes(records[0].key.series_uid, {"00080060": _element("CS", "CT")})
    row = CommitRow(
        commit_id=f"{number:032d}",
        kind="stored",
        at=AT,
        study_uid=study_uid(number),
        tally=Tally(stored=IMAGES),
        counts=counts,
        pack=f"packs/2026-01-01/{number:032d}",
        study=StudyAttributes(study_uid(number), _attributes(number)),
        series=(SeriesShare(series, counts, "CT", (CT,)),),
    )
    return Commit(row, entries, records)


def _record(key: InstanceKey, image: int) -> InstanceRecord:
    return InstanceRecord(
        key=key,
        ledger=LedgerKey(f"{hash_of(key.instance_uid)}", "v1"),
        sop_class_uid=SopClassUid(CT),
        source_transfer_syntax=TransferSyntaxUid(EXPLICIT),
        stored_transfer_syntax=TransferSyntaxUid(HTJ2K),
        landed_size=525_000,
        landed_sha256="0" * 64,
        content_digest="0" * 32,
        stored_size=180_000,
        frame_count=1,
        restorable=Restorable.BYTES,
        pointer=PackPointer(f"packs/2026-01-01/{image:032d}", image),
        stored_at=AT,
        instance_number=image,
    )


def hash_of(text: str) -> str:
    """Return 32 hex digits that stand for an object's hash."""
    return f"{int.from_bytes(text.encode()[-16:]):032x}"[-32:]


def _element(vr: str, value: Any) -> JsonObject:
    return {"vr": vr, "Value": [value]}


def _attributes(number: int) -> JsonObject:
    name = f"{FAMILIES[number % len(FAMILIES)]}{number // 50:04d}^Given"
    return {
        "00080020": _element("DA", f"20{10 + number % 16:02d}{number % 12 + 1:02d}{number % 28 + 1:02d}"),
        "00080030": _element("TM", f"{number % 24:02d}{number % 60:02d}00"),
        "00080050": _element("SH", f"A{number:08d}"),
        "00100010": _element("PN", {"Alphabetic": name}),
        "00100020": _element("LO", f"P{number // 2:08d}"),
    }


def fill(store: Datastore, first: int, last: int) -> None:
    """Commit and fold the studies from `first` to before `last`."""
    clock, timers, policy = MemoryClock(), MemoryWorkQueue(), SettlePolicy(30, 180)
    for number in range(first, last):
        if store.instances.commit(commit_of(number)):
            raise SystemExit("an invented study clashes with another")
        track_study(DatastoreId("bench"), study_uid(number), store, timers, policy, clock, lambda: False)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that readers ask; `ask` returns how many items were found and how many were read."""

    name: str
    ask: Callable[[Datastore, int], tuple[int, int]]


def _search(**asked: str) -> Callable[[Datastore, int], tuple[int, int]]:
    def ask(store: Datastore, number: int) -> tuple[int, int]:
        parameters = [(key, text.format(patient=number // 2, number=number)) for key, text in asked.items()]
        found = search_studies(parse_query(QueryLevel.STUDY, parameters), store, "")
        return len(found.items), found.read

    return ask


def _name(store: Datastore, number: int) -> tuple[int, int]:
    name = f"{FAMILIES[number % len(FAMILIES)]}{number // 50:04d}"
    return _search(PatientName=f"{name}*")(store, number)


def _instance(store: Datastore, number: int) -> tuple[int, int]:
    return int(store.instances.instance(key_of(number, 3)) is not None), 1


def _locate(store: Datastore, number: int) -> tuple[int, int]:
    return int(store.instances.locate(key_of(number, 3).instance_uid) is not None), 1


def _list(store: Datastore, number: int) -> tuple[int, int]:
    page = store.instances.instances(study_uid(number))
    return len(page.items), page.read


QUESTIONS = (
    Question("PatientID, exact", _search(PatientID="P{patient:08d}")),
    Question("PatientName, prefix", _name),
    Question("all, newest first, 101", _search(limit="101")),
    Question("StudyDate, a year, 101", _search(StudyDate="20150101-20151231", limit="101")),
    Question(
        "StudyDate and modality, 101", _search(StudyDate="20150101-20151231", ModalitiesInStudy="CT", limit="101")
    ),
    Question("instance by key", _instance),
    Question("instance by SOP UID", _locate),
    Question("instances of a study", _list),
)


def items_read(store: Datastore, studies: int) -> dict[str, int]:
    """Return the most items that each question reads, over some studies."""
    numbers = range(0, studies, max(1, studies // 40))
    return {question.name: max(question.ask(store, number)[1] for number in numbers) for question in QUESTIONS}


def times(store: Datastore, studies: int) -> dict[str, dict[str, float]]:
    """Return each question's median and 95th percentile in ms."""
    found = {}
    for question in QUESTIONS:
        taken = []
        for number in range(ASKED):
            started = time.perf_counter()
            if not question.ask(store, number * 13 % studies)[0]:
                raise SystemExit(f"{question.name} found nothing")
            taken.append((time.perf_counter() - started) * 1000)
        taken.sort()
        found[question.name] = {
            "p50_ms": round(statistics.median(taken), 2),
            "p95_ms": round(taken[int(len(taken) * 0.95)], 2),
        }
    return found


def on_engine(lake: LakeUnderTest, sizes: list[int]) -> list[dict[str, dict[str, float]]]:
    """Grow one table of the engine to each size and take the times there."""
    told = lake.endpoints
    os.environ |= {"AWS_ACCESS_KEY_ID": told.accessKeyId, "AWS_SECRET_ACCESS_KEY": told.secretAccessKey}
    AwsClients(told.region, endpoint_url=told.s3).dynamodb.create_table(
        TableName="bench",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    clients = AwsClients(told.region, endpoint_url=told.s3, env=os.environ)
    store = dynamodb_datastore(clients.dynamodb, "bench", MemoryObjectStore("bench"))
    found, held = [], 0
    for size in sizes:
        fill(store, held, size // IMAGES)
        held = size // IMAGES
        found.append(times(store, held))
    return found


def in_memory(sizes: list[int]) -> list[dict[str, int]]:
    """Grow one store in memory to each size and count what is read there."""
    store, found, held = MemoryDatastore(), [], 0
    for size in sizes:
        fill(store, held, size // IMAGES)
        held = size // IMAGES
        found.append(items_read(store, held))
    return found


def main() -> None:
    """Count, time, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("small", 1000), ("large", 100_000), ("engine", 10_000)):
        parser.add_argument(f"--{name}", type=int, default=default, help="instances")
    chosen = parser.parse_args()
    small, large = in_memory([chosen.small, chosen.large])
    with tempfile.TemporaryDirectory(prefix="bench-index-") as folder, lake_under_test(Path(folder) / "lake") as lake:
        few, many = on_engine(lake, [chosen.small, chosen.engine])
    say(f"items read at most; engine: ms p50 / p95, {chosen.small:,} and {chosen.engine:,} instances")
    say(f"{'':26}{chosen.small:>10,}{chosen.large:>10,} items  growth")
    for name in small:
        say(
            f"{name:26}{small[name]:10}{large[name]:10}{large[name] / small[name]:14.2f}"
            f"{few[name]['p50_ms']:10} /{few[name]['p95_ms']:7}"
            f"{many[name]['p50_ms']:10} /{many[name]['p95_ms']:7}"
        )
    facts = {
        "instances": {"small": chosen.small, "large": chosen.large, "engine": chosen.engine},
        "items_read": {name: {"small": small[name], "large": large[name]} for name in small},
        "engine": {name: {"small": few[name], "large": many[name]} for name in few},
    }
    result.save("index", facts)


if __name__ == "__main__":
    main()

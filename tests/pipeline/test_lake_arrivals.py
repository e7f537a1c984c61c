"""Whatever way objects arrive (twice, late, over one another, unannounced, in bad company), each is decided once."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any
from urllib.parse import quote_plus

import pytest

from dicomlake.composition import Lake
from dicomlake.domain.study import format_time
from dicomlake.landing_events import source_of
from dicomlake.settings import Settings
from dicomlake.usecases.sweep_landing import GRACE, sweep_landing
from tests.pipeline.lakes import client, until
from tests.pipeline.running import Landed, RunningLake
from tests.usecases.dicom_files import ROOT, ct_slice

pytestmark = pytest.mark.timeout(600)

SUMS = ("landed", "stored", "duplicates", "quarantined", "instances", "frames")


def send(lake: RunningLake, bodies: Sequence[str]) -> None:
    """Send messages to the ingest queue, as a redelivery or an operator's redrive does."""
    queue = lake.named("IngestWorkQueue")
    for some in batched(bodies, 10, strict=False):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(some)]
        lake.sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def event(lake: RunningLake, landed: Landed, size: int) -> str:
    """The event S3 sends for a version of an object."""
    entity = {"key": quote_plus(landed.key, safe="/"), "size": size, "versionId": landed.version}
    place = {"bucket": {"name": lake.endpoints.landingBucket}, "object": entity}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": place}]})


def test_a_storm_of_redeliveries_changes_nothing(lake: RunningLake) -> None:
    files = [ct_slice(101, 1, number) for number in range(1, 21)]
    landed = [lake.put(f"storm/{number} 患者", body) for number, body in enumerate(files)]
    entries = lake.decided(landed)
    before = lake.totals()

    bodies = [event(lake, one, len(body)) for one, body in zip(landed, files, strict=True)]
    wrapped = [json.dumps({"Type": "Notification", "Message": body}) for body in bodies]
    send(lake, (bodies + wrapped) * 10)

    assert lake.totals() == before
    assert lake.decided(landed) == entries
    assert {entry["outcome"] for entry in entries} == {"stored"}
    assert lake.ready(f"{ROOT}.101")["generation"] == 1


def test_an_event_for_a_version_that_is_gone_is_dropped(lake: RunningLake) -> None:
    gone = Landed("gone", "0123456789abcdef0123456789abcdef")
    before = lake.totals()

    send(lake, [event(lake, gone, 1000)])

    lake.at_rest()
    assert lake.where([gone]) == [None]
    assert lake.totals() == before


def test_a_message_that_is_no_event_stops_no_other(lake: RunningLake) -> None:
    send(lake, [json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": lake.endpoints.landingBucket})])

    landed = lake.put("after the test event", ct_slice(102, 1, 1))

    assert lake.decided([landed])[0]["outcome"] == "stored"
    lake.at_rest()


def test_every_version_of_an_overwritten_key_is_decided_for_itself(lake: RunningLake) -> None:
    bodies = [ct_slice(103, 1, 1), ct_slice(103, 1, 2), b"no image", ct_slice(103, 1, 2), ct_slice(103, 1, 1, seed=1)]

    landed = [lake.put("the same/key.dcm", body) for body in bodies]

    entries = lake.decided(landed)
    outcomes = [entry["outcome"] for entry in entries]
    assert Counter(outcomes) == {"stored": 3, "duplicate": 1, "quarantined": 1}
    assert (outcomes[2], {outcomes[1], outcomes[3]}) == ("quarantined", {"stored", "duplicate"})
    assert [warned["code"] for entry in (entries[0], entries[4]) for warned in entry["warnings"]] == [
        "conflict-kept-beside"
    ]
    assert len({entry["id"] for entry in entries}) == 5
    assert lake.ready(f"{ROOT}.103")["instances"] == 2


def test_what_comes_late_is_a_new_generation(lake: RunningLake) -> None:
    study = f"{ROOT}.104"
    lake.put("late/1", ct_slice(104, 1, 1))
    first = lake.ready(study)

    lake.put("late/2", ct_slice(104, 1, 2))
    second = lake.ready(study, generation=2)

    assert (first["generation"], first["instances"]) == (1, 1)
    assert (second["generation"], second["instances"], second["state"]) == (2, 2, "ready")


def test_what_no_event_told_of_is_found_by_the_sweep(lake: RunningLake, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = lake.endpoints.landingBucket
    told = lake.s3.get_bucket_notification_configuration(Bucket=bucket)
    lake.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    silent = lake.put("unannounced/患者", ct_slice(105, 1, 1))
    told.pop("ResponseMetadata")
    lake.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)
    loud = lake.put("announced", ct_slice(105, 1, 2))
    lake.decided([loud])
    assert lake.where([silent]) == [None]

    swept = _sweep(lake, monkeypatch)

    assert swept == 1
    assert lake.decided([silent])[0]["outcome"] == "stored"
    assert until(lambda: lake.document(f"/lake/studies/{ROOT}.105")["instances"] == 2)
    assert _sweep(lake, monkeypatch) == 0


class Later:
    """A clock past the sweep's grace."""

    def now(self) -> datetime:
        """Tell the time."""
        return datetime.now(UTC) + GRACE + timedelta(minutes=1)


def _sweep(lake: RunningLake, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the sweep as its function is told to, on a clock that is ahead; return how many objects it sent again."""
    lake.at_rest()
    root = composed(lake, "SweepLakeFunction", monkeypatch)
    store = root.datastore(root.settings.default_store)
    bucket, queue = root.settings.text("LANDING_BUCKET"), root.queue("INGEST")
    swept = sweep_landing(bucket, root.landing, store, queue, root.secret, Later(), source_of, lambda: False)
    assert swept.complete
    assert swept.listed == len(lake.versions(bucket))
    return swept.missing


def composed(lake: RunningLake, function: str, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Compose the ports of a deployed function in this process, from the environment the template gives it."""
    configured = client(lake.endpoints, "lambda").get_function_configuration(FunctionName=lake.named(function))
    access = {
        "AWS_ENDPOINT_URL": lake.endpoints.s3,
        "AWS_ACCESS_KEY_ID": lake.endpoints.accessKeyId,
        "AWS_SECRET_ACCESS_KEY": lake.endpoints.secretAccessKey,
        "AWS_REGION": lake.endpoints.region,
    }
    variables: dict[str, Any] = {**configured["Environment"]["Variables"], **access}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Lake(Settings.from_env(variables))


def test_three_hundred_poisoned_objects_do_not_hold_up_a_study(lake: RunningLake) -> None:
    alone = _seconds_to_ready(lake, 106, poison=0)

    beside = _seconds_to_ready(lake, 107, poison=300)

    assert beside < 4 * alone + 20, (alone, beside)


def _seconds_to_ready(lake: RunningLake, number: int, poison: int) -> float:
    """Put a study between damaged objects of many kinds; return how long after its last object it is ready."""
    whole = ct_slice(number, 9, 1)
    damaged = [
        whole[: 140 + place] if place % 2 else b"\0" * 128 + b"DICM" + bytes([place % 256]) * 400
        for place in range(poison)
    ]
    landed = [lake.put(f"poison/{number}/{place}", body) for place, body in enumerate(damaged)]
    study = [lake.put(f"good/{number}/{place}", ct_slice(number, 1, place)) for place in range(1, 11)]
    began = time.monotonic()
    ready = lake.ready(f"{ROOT}.{number}")
    took = time.monotonic() - began
    assert ready["instances"] == len(study)
    assert {entry["outcome"] for entry in lake.decided(landed)} <= {"quarantined"}
    return took


def test_steps_of_an_entry_are_in_time_order(lake: RunningLake) -> None:
    began = format_time(datetime.now(UTC))
    landed = lake.put("timed", ct_slice(108, 1, 1))

    (entry,) = lake.decided([landed])

    times = [step["at"] for step in entry["steps"]]
    assert times == sorted(times)
    assert began <= times[0] <= times[-1] <= format_time(datetime.now(UTC))

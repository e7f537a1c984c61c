"""The bill follows from the log lines: counted calls at their price, modelled lines marked."""

import re
from pathlib import Path
from typing import Any

import pytest

from dicomlake.cli.billing import INGEST_STAGES, STAGES, Bill, make_bill, share
from dicomlake.domain.errors import InvalidRequestError
from dicomlake.prices import DATE, OPERATIONS, PRICES

ROOT = Path(__file__).parents[3]


def line(event: str = "ingest", **values: Any) -> tuple[dict[str, Any], int]:
    """A canonical line of a function with a whole core that did nothing."""
    plain = {
        "event": event,
        "ms": 0.0,
        "cpuMs": 0.0,
        "memoryMb": 1769,
        "calls": {},
        "units": {"read": 0.0, "write": 0.0},
    }
    return plain | values, 0


def usd(bill: Bill, stage: str, price: str) -> float:
    return sum(one.usd for one in bill.lines if (one.stage, one.price) == (stage, price))


def test_calls_are_counted_by_operation_and_priced() -> None:
    bill = make_bill([line(images=10, calls={"s3:GetObject": 10, "s3:PutObject": 1, "sns:Publish": 1})])

    assert usd(bill, "ingest", "s3-get") == pytest.approx(10 * 0.40e-6)
    assert usd(bill, "ingest", "s3-put") == pytest.approx(5e-6)
    assert usd(bill, "ingest", "sns-publish") == pytest.approx(0.5e-6)
    assert usd(bill, "landing", "s3-put") == pytest.approx(10 * 5e-6)


def test_the_index_costs_the_units_that_dynamodb_reported_not_its_calls() -> None:
    bill = make_bill([line(calls={"dynamodb:TransactWriteItems": 3}, units={"read": 2.0, "write": 164.0})])

    assert usd(bill, "ingest", "dynamodb-write") == pytest.approx(164 * 0.625e-6)
    assert usd(bill, "ingest", "dynamodb-read") == pytest.approx(2 * 0.125e-6)


def test_lambda_time_is_the_cpus_on_the_functions_share_of_a_core_and_the_waiting_for_calls() -> None:
    half_a_core = line("track-study", memoryMb=884, cpuMs=100.0, ms=900.0, calls={"dynamodb:Query": 5})

    bill = make_bill([half_a_core])

    seconds = (100 / (884 / 1769) + 5 * 6) / 1000
    assert usd(bill, "study", "lambda-time") == pytest.approx(seconds * 884 / 1024 * 0.0000166667)
    assert bill.measured_lambda_usd == pytest.approx(0.9 * 884 / 1024 * 0.0000166667)


def test_queue_polling_keys_and_deliveries_are_modelled_and_say_so() -> None:
    bill = make_bill([line(images=100, messages=100, calls={"s3:GetObject": 100})])

    modelled = {(one.stage, one.price) for one in bill.lines if one.modelled}

    assert ("ingest", "sqs-request") in modelled
    assert ("ingest", "kms-request") in modelled
    assert ("landing", "sns-publish") in modelled
    assert ("ingest", "s3-get") not in modelled


def test_a_message_of_the_topic_is_delivered_received_and_deleted() -> None:
    told, sent = make_bill([line("track-study", messages=10)]), make_bill([line("settle-study", messages=10)])

    assert usd(told, "study", "sqs-request") == pytest.approx((10 + 1 + 1) * 0.4e-6)
    assert usd(sent, "study", "sqs-request") == pytest.approx((1 + 1) * 0.4e-6)


def test_a_million_images_cost_what_these_cost_scaled_up_without_what_is_apart() -> None:
    bill = make_bill([line(images=4), line("deidentify", calls={"s3:PutObject": 1000}), line("operations")])

    assert bill.images == 4
    assert bill.per_million == pytest.approx(bill.usd(*INGEST_STAGES) / 4 * 1e6)
    assert bill.usd("de-identified copy") > 0.004
    assert bill.usd() > bill.usd(*INGEST_STAGES)


def test_duplicates_and_quarantined_objects_landed_too() -> None:
    assert make_bill([line(images=1, duplicates=2, quarantined=3)]).images == 6


def test_compaction_counts_no_image_twice() -> None:
    assert make_bill([line(images=5), line("compact-series", images=5)]).images == 5


def test_a_study_pays_its_share_of_a_batch_by_images() -> None:
    bill = make_bill([line(images=10, calls={"s3:PutObject": 1})])

    part = share(bill, 4)

    assert sum(one.usd for one in part) == pytest.approx(bill.usd() * 0.4)


def test_no_work_is_a_bill_of_nothing() -> None:
    bill = make_bill([])

    assert (bill.usd(), bill.per_million, bill.lines) == (0, None, ())


def test_an_operation_without_a_price_is_no_free_operation() -> None:
    with pytest.raises(InvalidRequestError, match="s3:RestoreObject has no price"):
        make_bill([line(calls={"s3:RestoreObject": 1})])


def test_prices_are_dated_positive_and_name_their_source() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", DATE)
    assert set(OPERATIONS.values()) <= set(PRICES)
    for name, price in PRICES.items():
        assert price.source.startswith("aws.amazon.com/"), name
        assert (price.usd > 0) == (name != "s3-free"), name


def test_every_event_that_a_handler_logs_has_its_part_of_the_bill() -> None:
    package = ROOT / "layers/core/python/dicomlake/entry"
    source = "".join(path.read_text() for path in sorted(package.glob("*.py")))

    events = set(re.findall(r'handler\("([a-z-]+)",', source)) | set(re.findall(r'logged\("([a-z-]+)",', source))

    assert len(events) >= 12
    assert events <= set(STAGES)

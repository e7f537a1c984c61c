"""docs/cost.md against the templates, the prices and the bill."""

import json
from collections import Counter
from typing import Any

from dicomlake.cli.billing import FULL_CORE_MB, LAMBDA_LINES_BYTES, MESSAGES_A_CALL, WAIT_MS
from dicomlake.prices import PRICES
from tests.docs.docs_given import DOCS, ROOT, section, tables

PAGE = (DOCS / "cost.md").read_text(encoding="utf-8")
SECONDS_A_MONTH = 30 * 24 * 3600
POLLERS, POLL_SECONDS = 5, 20


def resources() -> list[dict[str, Any]]:
    files = (ROOT / "tests/golden/prod").glob("*.template.json")
    return [one for file in files for one in json.loads(file.read_text())["Resources"].values()]


def at_rest() -> dict[str, tuple[str, str]]:
    return {row[0]: (row[1], row[2]) for row in tables(section(PAGE, "Cost at rest"))[1:]}


def test_the_cost_at_rest_is_that_of_the_templates_resources() -> None:
    count = Counter(one["Type"].removeprefix("AWS::") for one in resources())
    polled = sum(
        1
        for one in resources()
        if one["Type"] == "AWS::Lambda::EventSourceMapping" and "StartingPosition" not in one["Properties"]
    )
    polls = polled * POLLERS * SECONDS_A_MONTH // POLL_SECONDS
    expected = {
        "KMS key": (count["KMS::Key"], PRICES["kms-key"]),
        "Secrets Manager secret": (count["SecretsManager::Secret"], PRICES["secret"]),
        "CloudWatch alarms": (count["CloudWatch::Alarm"], PRICES["alarm"]),
        "CloudWatch dashboard": (count["CloudWatch::Dashboard"], PRICES["dashboard"]),
        "metrics of our own": (_own_metrics(), PRICES["metric"]),
        f"empty receives of {polled} queues that Lambda polls (modelled: 5 pollers each, 20 s a poll)": (
            polls,
            PRICES["sqs-request"],
        ),
    }

    told = at_rest()

    sum_told = told.pop("together")[1]
    assert told == {name: (f"{many:,}", f"{price.of(many):.2f}") for name, (many, price) in expected.items()}
    assert sum_told == f"{sum(price.of(many) for many, price in expected.values()):.2f}"


def _own_metrics() -> int:
    entries = (ROOT / "layers/core/python/dicomlake/entry").glob("*.py")
    return sum(path.read_text().count("line.metric(") for path in entries)


def test_every_price_of_the_bill_is_explained() -> None:
    explained = section(PAGE, "Lines")
    apart = {
        "s3-free",
        "s3-storage",
        "dynamodb-storage",
        "kms-key",
        "secret",
        "metric",
        "alarm",
        "dashboard",
        "api-request",
    }

    for price in set(PRICES) - apart - {"standard-transition"}:
        assert f"`{price}`" in explained, price


def test_the_models_are_those_of_the_bill() -> None:
    explained = section(PAGE, "Lines")

    assert f"{FULL_CORE_MB:,} MB is one" in explained
    assert f"{min(WAIT_MS.values()):.0f} to {max(WAIT_MS.values()):.0f} ms of waiting" in explained
    assert f"{MESSAGES_A_CALL} messages a call" in explained
    assert f"modelled at {LAMBDA_LINES_BYTES} bytes" in explained

"""The design on paper at 960 million images: items, heat of partitions, concurrency, quotas, and the bill.

    python benchmarks/simulate_scale.py [--write]

Nothing runs: row sizes are those of docs/index.md, write units those it counts, prices those of `dicomlake cost`, the
bill per million that of the last run of bench_bill.py. Prints the tables that docs/scale.md shows; --write puts them
into the page.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from dicomlake.prices import PRICES

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
FIRST_HEADING = "## Rows of the index"

HELD, A_DAY, PEAK = 960_000_000, 700_000, 500
"""Images held, received a day, and received a second at peak."""
IMAGES_A_STUDY, SERIES_A_STUDY, AT_ONCE = 150, 3, 200
"""Images and series of a study; studies that arrive interleaved at peak."""
LANDED_BYTES, STORED_BYTES = 525_000, 184_000
"""Bytes of a 512x512x16 CT slice as it lands, and as its share of a pack."""
BATCH, WINDOW = 300, 3
"""Objects of one ingest batch at peak, and the seconds that it waits for them at most (stacks/config.py, prod)."""
COMMIT = 20
"""Images of one commit, on average over a day; at peak it is taken as one: a batch meets a study once or twice."""
RUN, APPEND, MARKED_DAYS = 20, 97, 7
"""Changes of one item on average; commits that are numbered at once at peak; days that a marker stays."""
MS_AN_IMAGE = 13.0
"""Milliseconds that a function of one core takes for an image on AWS: 8 of CPU, GETs four at a time, commits."""
ITEM_OVERHEAD = 100
"""Bytes that DynamoDB's storage adds to each item (DynamoDB, "Item sizes and formats")."""
SEARCH_ROWS, SEARCH_ROW_BYTES = 8, 110
SIZES = {
    "instance": 546,
    "claim": 196,
    "ledger": 223,
    "20 changes of 20 studies": 2426,
    "change marker of 20": 440,
    "study": 225,
    "series": 228,
}
"""Bytes of a row, as docs/index.md lists them and its test compares."""
PARTITION_UNITS = 1000
"""Write units a second that one DynamoDB partition takes."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a quota the peak takes. `quota` is AWS's default in us-east-1."""

    what: str
    peak: float
    quota: float
    note: str

    def row(self) -> list[str]:
        """Return the use as cells."""
        return [
            self.what,
            f"{self.peak:,.0f}",
            f"{self.quota:,.0f}",
            f"{100 * self.peak / self.quota:.1f} %",
            self.note,
        ]


def items() -> list[tuple[str, int, int]]:
    """Return name, count and bytes of each kind of row."""
    studies = HELD // IMAGES_A_STUDY
    runs, marked = HELD // COMMIT // RUN, A_DAY * MARKED_DAYS // COMMIT // RUN
    counted = {"instance": HELD, "claim": HELD, "ledger": HELD}
    counted |= {"20 changes of 20 studies": runs, "change marker of 20": marked}
    counted |= {"study": studies, "series": studies * SERIES_A_STUDY}
    rows = [(name, count, SIZES[name]) for name, count in counted.items()]
    return [*rows, ("search row", studies * SEARCH_ROWS, SEARCH_ROW_BYTES)]


def table_bytes() -> float:
    """Return the index table's size as DynamoDB charges for it."""
    return sum(count * (size + ITEM_OVERHEAD) for _, count, size in items())


def heat() -> list[Use]:
    """Return what the busiest partitions take at peak, every commit holding one image: the worst case."""
    study = PEAK / AT_ONCE
    note = "instance, commit row and its deletion: 6 units an image"
    change = SIZES["20 changes of 20 studies"] / RUN
    return [
        Use("one study of 200, units/s", study * 6, PARTITION_UNITS, note),
        Use("one study alone at 100 images/s, units/s", 100 * 2 + 100 / 33 * 4, PARTITION_UNITS, "33 images a commit"),
        Use("`studies`, the list of all, units/s", PEAK / IMAGES_A_STUDY * 2, PARTITION_UNITS, "one row a study"),
        Use("change feed, newest thousand, units/s", _feed(change), PARTITION_UNITS, "commits of one image, 97 a run"),
        Use("change feed's head, units/s", PEAK / APPEND * 2, PARTITION_UNITS, "once a run"),
        Use("`open`, one shard of 8, units/s", PEAK / IMAGES_A_STUDY * 4 / 8, PARTITION_UNITS, "written and deleted"),
    ]


def _feed(change: float) -> float:
    """Return the units a second that runs of changes take at peak: by the started kilobyte, twice."""
    return PEAK / APPEND * 2 * -(-APPEND * change // 1024)


def quotas() -> list[Use]:
    """Return what AWS's quotas leave at peak."""
    batches = PEAK / BATCH
    ingest = PEAK * MS_AN_IMAGE / 1000
    study = PEAK / IMAGES_A_STUDY
    return [
        Use("Lambda, ingest at once", ingest, 100, "prod's own cap; 1,000 is the account's"),
        Use("Lambda, all at once", ingest + 2 * batches * 0.1 + study * 3, 1000, "may be raised"),
        Use("S3 PUT/s, landing", PEAK, 3500, "a prefix; partitions split by themselves"),
        Use("S3 GET/s, landing", PEAK, 5500, "a prefix"),
        Use("S3 PUT/s, packs", batches + study * SERIES_A_STUDY * 2, 3500, "a day's prefix"),
        Use("SNS publish/s, landed", PEAK, 30_000, "S3 publishes"),
        Use("SQS messages in flight", PEAK * WINDOW + PEAK * BATCH * MS_AN_IMAGE / 1000, 120_000, "window and work"),
        Use("DynamoDB write units/s, table", PEAK * 13, 40_000, "a new table starts at 4,000: warm it first"),
        Use("Step Functions Express starts/s", study, 6000, ""),
        Use("KMS requests/s", PEAK * 2 * 0.01 + PEAK * 2, 20_000, "bucket keys for S3; SNS and SQS data keys"),
    ]


def bill() -> list[list[str]]:
    """Return the monthly bill's lines."""
    ways = json.loads((RESULTS / "bill.json").read_text(encoding="utf-8"))["ways"]
    a_month = A_DAY * 30
    storage = PRICES["s3-storage"].of(HELD * STORED_BYTES)
    landed = PRICES["s3-storage"].of(HELD * LANDED_BYTES)
    index = PRICES["dynamodb-storage"].of(table_bytes())
    worked = []
    for name in ("one at a time", "interleaved, peak", "interleaved, light"):
        usd = ways[name]["usd_per_million"]
        worked.append([f"requests and compute, {name}", f"{usd} USD a million", f"{a_month / 1e6 * usd:,.0f}"])
    return [
        *worked,
        ["packs, S3 Standard", f"{HELD * STORED_BYTES / 1e12:,.0f} TB", f"{storage:,.0f}"],
        ["index, DynamoDB Standard", f"{table_bytes() / 1e12:,.2f} TB", f"{index:,.0f}"],
        ["landed originals, where they are kept", f"{HELD * LANDED_BYTES / 1e12:,.0f} TB", f"{landed:,.0f}"],
    ]


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def report() -> str:
    """Return every table under its heading."""
    rows = [
        [name, f"{count:,}", f"{size}", f"{count * (size + ITEM_OVERHEAD) / 1e9:,.0f}"] for name, count, size in items()
    ]
    use = ["what", "at peak", "limit", "used", "note"]
    return "\n\n".join(
        (
            FIRST_HEADING,
            table(["row", "items", "bytes each", "GB with overhead"], rows),
            "## Heat of partitions at 500 images a second",
            table(use, [one.row() for one in heat()]),
            "## Quotas at 500 images a second",
            table(use, [one.row() for one in quotas()]),
            "## Bill of a month",
            table(["what", "how much", "USD"], bill()),
        )
    )


def page(text: str) -> str:
    """Return the page with the tables as they are now: from the first one's heading on it is all theirs."""
    return text[: text.index(FIRST_HEADING)] + report() + "\n"


def main() -> None:
    """Print the tables, or write them into the page."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(report() + "\n")


if __name__ == "__main__":
    main()

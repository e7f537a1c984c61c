"""What the lake's work costs on AWS: every call a handler made, counted in its log line, priced by one dated table.

Lines that no log can tell are modelled and marked so (docs/cost.md). With STUDY-UID, that study's share: the work done
from its first image until it was ready, shared by images.
"""

import argparse
from datetime import datetime

from dicomlake.cli.billing import INGEST_STAGES, Bill, make_bill, share
from dicomlake.cli.commands import OK, add_common
from dicomlake.cli.output import print_facts, print_json, print_line, print_table
from dicomlake.client.finding import find_lake
from dicomlake.client.lake import Document, LakeClient
from dicomlake.client.loglines import logs_client, read_lines
from dicomlake.prices import DATE, PRICES, REGION


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", nargs="?", metavar="STUDY-UID", help="the bill of one study")
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the bill."""
    endpoints = find_lake(arguments.data)
    lake = LakeClient(endpoints)
    study = lake.study(arguments.study) if arguments.study else None
    since, until = _span(study)
    bill = make_bill(read_lines(logs_client(endpoints), since, until))
    if study:
        bill = Bill(tuple(share(bill, study["landed"])), study["landed"], bill.measured_lambda_usd)
    if arguments.json:
        print_json(bill.document() | {"prices": {"date": DATE, "region": REGION}})
    else:
        print_bill(bill)
        print_line()
        print_facts(storage_facts(study or lake.statistics()))
    return OK


def print_bill(bill: Bill) -> None:
    """Print every line, then what they add up to."""
    rows = [
        (
            one.stage,
            one.price,
            f"{one.quantity:,.2f}".rstrip("0").rstrip("."),
            PRICES[one.price].unit,
            f"{one.usd:.7f}",
            f"{one.usd / bill.images * 1e6:.3f}" if bill.images else "",
            ": ".join(part for part in ("modelled" if one.modelled else "", one.note) if part),
        )
        for one in bill.lines
    ]
    print_table(("part", "what", "quantity", "unit", "USD", "per million", ""), rows)
    print_line()
    apart = {f"apart: {stage}": f"{bill.usd(stage):.6f} USD" for stage in _stages_apart(bill)}
    print_facts(bill_facts(bill) | apart)


def bill_facts(bill: Bill) -> dict[str, object]:
    """Return the sums in words."""
    per_million = f"{bill.per_million:.2f} USD per million images" if bill.per_million is not None else None
    return {
        "images": f"{bill.images:,}",
        "requests and compute": f"{bill.usd(*INGEST_STAGES):.6f} USD",
        "at this mix": per_million,
        "Lambda time": f"{bill.measured_lambda_usd:.6f} USD as measured on this machine; the lines above model AWS",
        "prices": f"{REGION}, {DATE}",
    }


def storage_facts(held: Document) -> dict[str, object]:
    """Return what keeping the bytes costs a month."""
    usd = PRICES["s3-storage"].of(held["storedBytes"])
    return {"apart: storage": f"{usd:.6f} USD a month for {held['storedBytes']:,} bytes of packs"}


def _stages_apart(bill: Bill) -> list[str]:
    return sorted({one.stage for one in bill.lines} - set(INGEST_STAGES))


def _span(study: Document | None) -> tuple[int, int]:
    """Return the time from just before a study's first image until it was ready; everything without a study."""
    if study is None:
        return 0, 0
    began, ready = study["generationStartedAt"], study["readyAt"]
    return _milliseconds(began) - 2_000, _milliseconds(ready) + 2_000 if ready else 0


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)

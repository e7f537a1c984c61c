"""What the demo looks at, what has to hold, and how it is told."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from dicomlake.cli.billing import Bill, make_bill
from dicomlake.cli.cost import bill_facts
from dicomlake.cli.listing import STUDY_COLUMNS, heads_of, rows_of
from dicomlake.cli.output import print_facts, print_line, print_table, size
from dicomlake.cli.phantom import Phantom
from dicomlake.cli.pushing import Pushed
from dicomlake.cli.studies import counted
from dicomlake.client.frames import fetch_frame
from dicomlake.client.lake import Document, LakeClient
from dicomlake.client.loglines import logs_client, read_lines
from dicomlake.client.restoring import landed_bytes
from dicomlake.dicom.codecs import lossless
from dicomlake.dicom.codecs.markers import bare_stream
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid
from dicomlake.local.lake import DEFAULT_PORT

COUNTED_WITHIN = 60.0
"""Seconds that the totals may lag behind what was decided: they follow from the change feed, which a stream fills."""

LISTED = 12
"""Studies that are shown of the table; the count says how many there are."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A filled lake: the CT's push, the other files' push, and when each began (Unix time)."""

    lake: LakeClient
    phantom: Phantom
    slices: tuple[Path, ...]
    first: Pushed
    second: Pushed
    began: float
    between: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, and for each promise whether it held."""

    studies: tuple[Document, ...]
    statistics: Document
    first: Pushed
    second: Pushed
    bill: Bill
    whole_bill: Bill
    urls: dict[str, str]
    promises: dict[str, bool]

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        return all(self.promises.values())

    @property
    def images_per_second(self) -> float:
        """CT images from the first one's sending to all of them decided."""
        return self.first.landed / self.first.decided_seconds if self.first.decided_seconds else 0.0

    def document(self) -> dict[str, Any]:
        """Return all of it for scripts."""
        return {
            "held": self.held,
            "promises": self.promises,
            "statistics": self.statistics,
            "imagesPerSecond": round(self.images_per_second, 1),
            "lastObjectToReadyMs": self.first.ready_ms,
            "ct": self.first.document() | {"bill": self.bill.document()},
            "others": self.second.document(),
            "bill": self.whole_bill.document(),
            "studies": list(self.studies),
            "urls": self.urls,
        }


def check(demo: Demo) -> Findings:
    """Look at everything once, and judge."""
    lake = demo.lake
    studies = tuple(lake.search_all("studies", {"includefield": "00081030"}))
    statistics = _counted(lake, demo.first.landed + demo.second.landed)
    logs = logs_client(lake.endpoints)
    bill = make_bill(read_lines(logs, round(demo.began * 1000), round(demo.between * 1000)))
    whole = make_bill(read_lines(logs, round(demo.began * 1000)))
    endpoints = lake.endpoints
    urls = {
        "console": endpoints.console,
        "DICOMweb": endpoints.dicomweb,
        "uploads": endpoints.uploads,
        "operations": endpoints.lake,
        "S3": f"{endpoints.s3}/{endpoints.landingBucket}",
    }
    promises = _promises(demo, studies, statistics)
    return Findings(studies, statistics, demo.first, demo.second, bill, whole, urls, promises)


def _counted(lake: LakeClient, landed: int) -> Document:
    """The totals once they count all that landed, or as they are when that takes too long."""
    deadline = time.monotonic() + COUNTED_WITHIN
    while (told := lake.statistics())["landed"] < landed and time.monotonic() < deadline:
        time.sleep(0.25)
    return told


def _promises(demo: Demo, studies: tuple[Document, ...], statistics: Document) -> dict[str, bool]:
    landed = demo.first.landed + demo.second.landed
    sum_of = statistics["stored"] + statistics["duplicates"] + statistics["quarantined"]
    known = {str(study["0020000D"]["Value"][0]) for study in studies}
    ready = {study["studyUid"] for study in (*demo.first.studies, *demo.second.studies)}
    middle = demo.phantom.slices // 2
    key = InstanceKey(
        StudyUid(demo.phantom.study_uid),
        SeriesUid(demo.phantom.series_uid),
        InstanceUid(demo.phantom.instance_uid(middle)),
    )
    return {
        "landed = stored + duplicates + quarantined": landed == statistics["landed"] == sum_of,
        "every slice of the CT is stored": demo.first.count("stored") == demo.phantom.slices,
        "every study that is ready is found by the look-up API": ready <= known,
        "a frame fetched back equals its source, pixel by pixel": _frame_is_equal(demo, key, middle),
        "a landed object is rebuilt byte by byte from its pack": _bytes_are_equal(demo, key, middle),
    }


def _frame_is_equal(demo: Demo, key: InstanceKey, index: int) -> bool:
    decoded = lossless.decode_openjph(bare_stream(fetch_frame(demo.lake, key, 1)))
    return bool(np.array_equal(np.asarray(decoded).squeeze(), demo.phantom.pixels(index)))


def _bytes_are_equal(demo: Demo, key: InstanceKey, index: int) -> bool:
    source = hashlib.sha256(demo.slices[index].read_bytes()).digest()
    rebuilt = hashlib.sha256(b"".join(landed_bytes(demo.lake, key))).digest()
    return source == rebuilt


def show(findings: Findings, data: Path, *, running: bool) -> None:
    """Tell it to a person."""
    print_line()
    print_table(heads_of(STUDY_COLUMNS), rows_of(findings.studies[:LISTED], STUDY_COLUMNS))
    print_line(counted(len(findings.studies)))
    print_line()
    print_facts(_facts(findings))
    print_line()
    print_facts({promise: "yes" if held else "NO" for promise, held in findings.promises.items()})
    print_line()
    if not running:
        print_line(f"To go on: {_way_back(data, findings.urls['console'])}; then")
    print_facts(findings.urls)


def _way_back(data: Path, console: str) -> str:
    """Return the command that brings the lake back on the same addresses."""
    port = urlsplit(console).port or DEFAULT_PORT
    return f"make up DATA={_short(data)}" + (f" PORT={port}" if port != DEFAULT_PORT else "")


def _facts(findings: Findings) -> dict[str, object]:
    held, first, second = findings.statistics, findings.first, findings.second
    reasons = {**first.reasons(), **second.reasons()}
    return {
        "landed": f"{held['landed']} = {held['stored']} stored + {held['duplicates']} duplicates"
        f" + {held['quarantined']} quarantined",
        "quarantined": [f"{count} {reason}" for reason, count in sorted(reasons.items())],
        "bytes": f"{size(held['landedBytes'])} in, {size(held['storedBytes'])} stored, ratio {held['ratio']}",
        "CT": f"{first.landed} images, {findings.images_per_second:.0f} images/s from first byte to decided",
        "last object to ready": f"{first.ready_ms} ms, the quiet period included",
        "AWS bill of the CT": bill_facts(findings.bill)["at this mix"],
        "AWS bill of everything": bill_facts(findings.whole_bill)["at this mix"],
        "bill": f"{bill_facts(findings.bill)['prices']}; `dicomlake cost` has every line",
    }


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path

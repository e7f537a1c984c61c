"""The corpus in a running lake: what was put there under which key, and what became of it."""

from dataclasses import dataclass

from tests.pipeline.running import Document, Landed, RunningLake
from tests.unit.dicom.corpus import Row, rows

AWKWARD_KEYS = (
    "患者 a+b/ü%20.dcm",
    "a/../b/./c//d",
    "../../up",
    "/leading",
    "trailing/",
    "q?x=1&y=%2F#frag",
    "a'b\"c<d>&e",
    "tab\there",
    "new\nline",
    "\\back\\slash",
    "+ +%2B%25",
    "😀/e\u0301",
    "sources/hospital 7/山田.dcm",
    "x" * 1024,
    "患" * 341,
)
"""S3 takes any UTF-8 of up to 1,024 bytes as a key; events spell it percent-encoded."""


@dataclass(frozen=True, slots=True)
class CorpusLake:
    """A running lake that has decided every file of the corpus."""

    lake: RunningLake
    landed: dict[Row, Landed]
    entries: dict[Row, Document]


def fill(lake: RunningLake) -> CorpusLake:
    """Put every file of the corpus into the lake, the first of them under awkward keys, and wait for the outcomes."""
    names = {row: f"corpus/{number:03}/{row.path}" for number, row in enumerate(rows())}
    names |= dict(zip(names, AWKWARD_KEYS, strict=False))
    landed = {row: lake.put(name, row.read()) for row, name in names.items()}
    entries = lake.decided(list(landed.values()))
    return CorpusLake(lake, landed, dict(zip(landed, entries, strict=True)))

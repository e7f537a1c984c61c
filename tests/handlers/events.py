"""Golden events of AWS: read from tests/events, with a test's own versions and UIDs put in for the capital words."""

import json
from pathlib import Path
from typing import Any

from tests.usecases.dicom_files import ROOT, ct_slice

EVENTS = Path(__file__).parents[1] / "events"
KEY = "sources/hospital-7/患者 Sentinel+Otto/ü%20.dcm"
"""As the events spell it: sources/hospital-7/%E6%82%A3%E8%80%85+Sentinel%2BOtto/%C3%BC%2520.dcm."""

STUDY, SERIES = f"{ROOT}.601", f"{ROOT}.601.1"
NAME = "Sentinel^Otto"
IMAGE = ct_slice(601, 1, 1, name=NAME)
MARKS = ("Sentinel", "P601", ROOT, "患者")
"""What no log line may hold: of the patient, of the study, of the key."""


def event(name: str, **words: str) -> dict[str, Any]:
    """Return a golden event; `VERSION="..."` and the like replace the words of that name."""
    text = (EVENTS / name).read_text()
    for word, value in {"STUDY": STUDY, "SERIES": SERIES, "CLINICAL": "clinical", **words}.items():
        text = text.replace(word, value)
    found: dict[str, Any] = json.loads(text)
    return found

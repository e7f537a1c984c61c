"""What a function raises is written to the log by its runtime: it tells the error's class, and nothing of a patient."""

import json
import traceback
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dicomlake.composition import Lake
from dicomlake.domain.errors import ThrottledError
from dicomlake.entry.handling import UnforeseenError, logged
from dicomlake.settings import Settings

PATIENT = "Marked^Patient"
DENIED = {"Error": {"Code": "AccessDenied", "Message": f"not authorized on arn:aws:s3:::landing/{PATIENT}.dcm"}}


@pytest.mark.parametrize("error", [ValueError(f"bad date of {PATIENT}"), ClientError(DENIED, "GetObject")])
def test_an_unforeseen_error_is_told_by_its_class_and_traceback_alone(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def look_at_patient() -> None:
        raise error

    with pytest.raises(UnforeseenError) as raised, logged("ingest", Lake(Settings.from_env({})), None):
        look_at_patient()

    told = "".join(traceback.format_exception(raised.value))
    assert PATIENT not in told
    assert type(error).__name__ in told
    assert "look_at_patient" in told
    assert line_in(capsys)["error"] == type(error).__name__


def test_an_error_of_our_own_passes_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ThrottledError), logged("ingest", Lake(Settings.from_env({})), None):
        raise ThrottledError("asked to slow down")

    assert line_in(capsys)["outcome"] == "error"


def line_in(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line

"""A decoder that does not come back costs a frame, not the function that waits for it."""

from threading import Event

import pytest

from dicomlake.dicom.codecs import bounded
from dicomlake.dicom.codecs.bounded import in_time
from dicomlake.domain.errors import MalformedError


def test_what_comes_back_in_time_is_the_answer() -> None:
    assert in_time(lambda: 7, 1) == 7


def test_an_error_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        in_time(lambda: 1 // 0, 1)


def test_what_does_not_come_back_is_a_damaged_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "PATIENCE_SECONDS", 0.05)
    never = Event()

    with pytest.raises(MalformedError, match="too long"):
        in_time(never.wait, 1)
    never.set()


def test_a_large_frame_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "PATIENCE_SECONDS", 0.0)

    assert in_time(lambda: "done", 60 * bounded.SLOWEST) == "done"

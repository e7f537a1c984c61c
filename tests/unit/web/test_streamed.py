"""Answers and bodies of any size, where a server streams: nothing is redirected, and nothing is left out in silence."""

from dataclasses import replace
from typing import Any

import pytest

from dicomlake.domain.errors import NotAcceptableError
from dicomlake.web import large
from dicomlake.web.app import respond
from dicomlake.web.instances import _whole
from dicomlake.web.request import Request, read_event
from dicomlake.web.response import Response
from tests.unit.web.events import body_of, event, get
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import changed, ct_slice

ALL = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> PixelLake:
    """A lake whose answers are long from 1 kB on."""
    monkeypatch.setattr(large, "MAX_BODY", 1_000)
    lake = PixelLake()
    lake.store_files(*(changed(ct_slice(), SOPInstanceUID=f"1.2.1.1.{number}") for number in (1, 2)))
    return lake


def study_of(lake: PixelLake) -> str:
    (found,) = lake.store.state.studies
    return f"{ROOT}/studies/{found}"


def ask(lake: PixelLake, url: str, **headers: Any) -> Response:
    request: Request = read_event(event(url, accept=ALL, **headers))
    return respond(request, replace(lake.services(), streams=True))


def test_a_long_answer_is_streamed_and_is_what_the_redirect_leads_to(lake: PixelLake) -> None:
    redirected = get(lake.services(), study_of(lake), ALL)
    streamed = ask(lake, study_of(lake))

    assert redirected["statusCode"] == 303
    assert streamed.status == 200
    assert streamed.pieces is not None
    sent = b"".join(bytes(piece) for piece in streamed.pieces)
    assert sent.count(b"Content-Type: application/dicom") == 2
    assert sent.endswith(b"--\r\n")


def test_a_range_of_a_long_answer_is_left_to_the_object(lake: PixelLake) -> None:
    assert ask(lake, study_of(lake), range="bytes=0-9").status == 303


def test_a_short_answer_has_its_body(lake: PixelLake) -> None:
    answer = ask(lake, f"{study_of(lake)}/series?limit=1")

    assert answer.pieces is None
    assert answer.headers["x-request-id"] == "request-1"


def test_an_error_is_the_same_answer_as_a_functions(lake: PixelLake) -> None:
    url = f"{ROOT}/studies/9.9.9/metadata"

    assert ask(lake, url).body == body_of(get(lake.services(), url, ALL))


def test_what_cannot_be_had_behind_the_headers_ends_the_answer_with_an_error() -> None:
    refused: list[NotAcceptableError] = []

    def body() -> Any:
        yield b"first"
        refused.append(NotAcceptableError("no"))
        yield b"third"

    pieces = _whole(body(), refused)

    assert next(pieces) == b"first"
    with pytest.raises(NotAcceptableError):
        next(pieces)

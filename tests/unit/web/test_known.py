"""Answers about one instance that the caller has already: 304 without its pixels, and never after a change."""

from dataclasses import replace
from typing import Any

import pytest

from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.domain.model import Visibility
from tests.unit.web.events import body_of, get
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import ct_slice

INSTANCE = f"{ROOT}/studies/{UIDS}.1/series/{UIDS}.1.1/instances/{UIDS}.1.1.1"
ANSWERS = ["frames/1", "bulkdata/pixeldata", "rendered", "frames/1/rendered", "frames/1/thumbnail"]


@pytest.fixture
def lake() -> PixelLake:
    lake = PixelLake()
    lake.store_files(ct_slice())
    return lake


def ask(lake: PixelLake, what: str, accept: str = "", **headers: str) -> dict[str, Any]:
    return get(lake.services(), f"{INSTANCE}/{what}", accept, **headers)


@pytest.mark.parametrize("what", ANSWERS)
def test_what_is_known_is_not_sent_again(lake: PixelLake, what: str) -> None:
    first = ask(lake, what)
    tag = first["headers"]["etag"]

    again = ask(lake, what, if_none_match=f'"other", {tag}')

    assert (first["statusCode"], first["headers"]["cache-control"]) == (200, "private, no-cache")
    assert (again["statusCode"], again["headers"]["etag"], body_of(again)) == (304, tag, b"")
    assert ask(lake, what, if_none_match="*")["statusCode"] == 304
    assert ask(lake, what, if_none_match='W/"0"')["statusCode"] == 200


def test_a_known_picture_is_told_without_reading_it(lake: PixelLake, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = ask(lake, "rendered")["headers"]["etag"]
    read: list[str] = []
    monkeypatch.setattr(MemoryObjectStore, "read_range", lambda self, key, *place: read.append(key))

    assert ask(lake, "rendered", if_none_match=tag)["statusCode"] == 304
    assert read == []


def test_another_request_is_another_version(lake: PixelLake) -> None:
    asked = [("rendered", ""), ("rendered", "image/png"), ("rendered?quality=50", ""), ("frames/1/rendered", "")]

    assert len({ask(lake, what, accept)["headers"]["etag"] for what, accept in asked}) == len(asked)


@pytest.mark.parametrize("what", ANSWERS)
def test_what_was_changed_since_is_sent_and_what_was_deleted_is_gone(lake: PixelLake, what: str) -> None:
    tag = ask(lake, what)["headers"]["etag"]
    ((key, record),) = lake.store.state.instances.items()

    lake.store.state.instances[key] = replace(record, version=2, changed_at="2026-02-03T04:05:06Z")
    changed = ask(lake, what, if_none_match=tag)
    lake.store.state.instances[key] = replace(record, version=3, visibility=Visibility.DELETED)
    deleted = ask(lake, what, if_none_match=tag)

    assert changed["statusCode"] == 200
    assert deleted["statusCode"] == 410


@pytest.mark.parametrize(("what", "status"), [("frames/9", 404), ("rendered?window=1", 400), ("rendered", 406)])
def test_what_cannot_be_has_no_version(lake: PixelLake, what: str, status: int) -> None:
    answer = ask(lake, what, "image/webp" if status == 406 else "", if_none_match="*")

    assert answer["statusCode"] == status
    assert "etag" not in answer["headers"]


def test_a_range_of_a_weak_version_is_the_whole(lake: PixelLake) -> None:
    tag = ask(lake, "bulkdata/pixeldata", "application/octet-stream")["headers"]["etag"]

    part = ask(lake, "bulkdata/pixeldata", "application/octet-stream", range="bytes=0-9")
    whole = ask(lake, "bulkdata/pixeldata", "application/octet-stream", range="bytes=0-9", if_range=tag)

    assert (part["statusCode"], len(body_of(part))) == (206, 10)
    assert (whole["statusCode"], len(body_of(whole))) == (200, 24 * 24 * 2)

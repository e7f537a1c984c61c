"""Whatever landed, nothing that is asked of it is the lake's fault, and no form of it has other pixels than another."""

import os
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from dicomlake.adapters.decoder_processes import DecoderProcesses
from dicomlake.adapters.memory import MemoryObjectStore
from dicomlake.dicom.codecs.bounded import in_thread, run_decoders_by
from tests.fuzz.cases import damaged, seed_file
from tests.unit.dicom.corpus import rows
from tests.unit.web.events import get
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.attack import OCTETS, Attacked, attack

pytestmark = pytest.mark.filterwarnings("ignore")
FIRST, CASES = 100_020, 20
SOAK = os.environ.get("DICOMLAKE_SOAK") == "1"
SMALL, ONE_IN = (sys.maxsize, 1) if SOAK else (100_000, 6)
"""Bytes of the largest corpus file that is attacked, and one in how many; `make soak` takes all."""


@pytest.fixture(autouse=True, scope="module")
def decoders_in_processes() -> Iterator[None]:
    processes = DecoderProcesses()
    run_decoders_by(processes)
    yield
    run_decoders_by(in_thread)
    processes.close()


def faults(found: list[Attacked]) -> list[str]:
    return [fault for one in found for fault in (*one.errors(), *one.differing())]


@pytest.mark.parametrize("first", range(FIRST, FIRST + CASES, 20))
def test_a_damaged_file_is_answered_or_refused_and_its_forms_agree(first: int) -> None:
    attacked = {number: attack(damaged(number)) for number in range(first, first + 20)}

    assert {number: told for number, found in attacked.items() if (told := faults(found))} == {}
    statuses = Counter(
        answer["statusCode"] for found in attacked.values() for one in found for answer in one.answers.values()
    )
    assert statuses[200] > 50
    assert statuses[406] > 20


@pytest.mark.parametrize("number", [100_474, 200_038, 300_122, 300_127])
def test_files_that_once_were_the_lakes_fault_are_not(number: int) -> None:
    assert faults(attack(damaged(number))) == []


def test_files_of_the_corpus_are_answered_or_refused_and_its_forms_agree(corpus: object) -> None:
    some = [row for row in rows() if len(row.read()) < SMALL][::ONE_IN]

    attacked = {row.path: attack(row.read()) for row in some}

    assert {path: told for path, found in attacked.items() if (told := faults(found))} == {}
    assert sum(map(len, attacked.values())) > 25


@pytest.mark.parametrize("path", ["/frames/1", "/frames/1/rendered", "/thumbnail", ""])
@pytest.mark.parametrize("seed", [0, 15], ids=["proved", "as it landed"])
def test_what_was_damaged_since_is_loud_and_never_shown(seed: int, path: str) -> None:
    lake = PixelLake()
    lake.store_files(seed_file(seed))
    (record,) = lake.store.state.instances.values()
    _damage_frames(lake, record.pointer.pack)
    key = record.key
    url = f"{ROOT}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}{path}"

    answer = get(lake.services(), url, {"": "application/dicom", "/frames/1": OCTETS}.get(path, "image/png"))

    assert (answer["statusCode"], "damaged" in answer["body"]) == (500, True)


def _damage_frames(lake: PixelLake, pack: str) -> None:
    """Change one bit of the first frame's last codes: its decoders would give pixels all the same."""
    objects = lake.store.objects
    assert isinstance(objects, MemoryObjectStore)
    kept = objects._buckets.find("lake", pack)
    body = bytearray(kept.body)
    start = body.find(b"\xff\x4f\xff\x51")
    first = body.find(b"\xff\xd9", start)
    body[first - 30] ^= 4
    objects.put(pack, bytes(body))


def test_a_study_is_answered_without_the_image_that_landed_damaged() -> None:
    lake = PixelLake()
    whole, broken = seed_file(14), seed_file(14).replace(b"1.2.3\0", b"1.2.4\0")
    lake.store_files(whole, broken[: broken.find(b"\xff\xd9") - 200])
    records = sorted(lake.store.state.instances.values(), key=lambda one: one.key.instance_uid)
    study = f"{ROOT}/studies/{records[0].key.study_uid}"

    file = get(lake.services(), study, 'multipart/related; type="application/dicom"')
    pictures = get(lake.services(), f"{study}/rendered", "image/jpeg")
    thumbnail = get(lake.services(), f"{study}/thumbnail", "image/jpeg")

    assert [len(record.warnings) > 0 for record in records] == [False, True]
    assert (file["statusCode"], pictures["statusCode"], thumbnail["statusCode"]) == (206, 206, 200)
    assert file["headers"]["warning"] == pictures["headers"]["warning"]
    assert "1 instances cannot be had so" in file["headers"]["warning"]


def test_pixels_that_landed_damaged_are_said_to_be_where_they_are_sent_as_they_are() -> None:
    lake = PixelLake()
    lake.store_files(seed_file(1)[:-40])
    (record,) = lake.store.state.instances.values()
    key = record.key
    url = f"{ROOT}/studies/{key.study_uid}/series/{key.series_uid}/instances/{key.instance_uid}"

    frame = get(lake.services(), f"{url}/frames/2", OCTETS)
    file = get(lake.services(), url, "application/dicom")

    for answer in (frame, file):
        assert answer["statusCode"] == 200
        assert "landed damaged: truncated" in answer["headers"]["warning"]

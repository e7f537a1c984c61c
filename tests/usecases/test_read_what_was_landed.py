"""What was landed is what the web gives back: search, metadata, frames and restore plans over the real pipeline."""

import hashlib
import io
import json
from email import message_from_bytes
from typing import Any
from urllib.parse import unquote, urlsplit

import imagecodecs
import numpy as np
import pydicom
import pytest
import zstandard

from dicomlake.adapters.memory import MemoryAccessKeys, MemoryDatastoreRegistry, MemoryObjectStore, MemorySecretSource
from dicomlake.adapters.memory.uploads import MemoryUploadSigner
from dicomlake.domain.errors import NotFoundError
from dicomlake.lake.frames import parse_frame_record
from dicomlake.lake.pack import landed_parts
from dicomlake.lake.splices import decode_splices
from dicomlake.usecases.retrieve_frames import retrieve_frames
from dicomlake.web.services import OpenStore, Services
from tests.unit.web.events import body_of, get, get_json
from tests.usecases.dicom_files import ROOT, ct_slice
from tests.usecases.memory_lake import DATASTORE, MemoryLake

STUDY = f"{ROOT}.1"
SERIES = f"{STUDY}.2"
WEB = f"/dicomweb/{DATASTORE}"
FILES = {f"{SERIES}.{number}": ct_slice(1, 2, number) for number in (1, 2, 3)}


def named(patient: str) -> bytes:
    """A slice of another study, of a patient with a name in UTF-8."""
    dataset = pydicom.dcmread(io.BytesIO(ct_slice(2, 1, 1)))
    dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 192", patient
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def lake() -> MemoryLake:
    lake = MemoryLake()
    for number, body in enumerate(FILES.values()):
        lake.land(f"in/{number}", body)
    lake.land("in/other", named("髙橋^太郎"))
    lake.pump()
    return lake


@pytest.fixture(scope="module")
def services(lake: MemoryLake) -> Services:
    return Services(
        stores={DATASTORE: OpenStore(DATASTORE, lake.store, cleared=True)},
        default_store=DATASTORE,
        landing_bucket="landing",
        uploads=MemoryUploadSigner(MemoryObjectStore("landing")),
        quarantine=lake.quarantine,
        secret=MemorySecretSource(lake.secret.value),
        access_keys=MemoryAccessKeys(),
        datastores=MemoryDatastoreRegistry(),
        clock=lake.clock,
        ids=lake.ids,
    )


def test_a_landed_study_is_found_by_what_its_header_says(services: Services) -> None:
    (study,) = get_json(services, f"{WEB}/studies?PatientID=P1&AccessionNumber=A1&StudyDate=20260101-20260131")

    assert study["0020000D"]["Value"] == [STUDY]
    assert study["00201208"]["Value"] == [3]
    assert study["00080061"]["Value"] == ["CT"]


def test_metadata_is_the_header(services: Services) -> None:
    found = get_json(services, f"{WEB}/studies/{STUDY}/series/{SERIES}/metadata")

    for content, landed in zip(found, FILES.values(), strict=True):
        dataset = pydicom.dcmread(io.BytesIO(landed))
        read = pydicom.Dataset.from_json(
            {tag: element for tag, element in content.items() if "BulkDataURI" not in element}
        )
        assert read.SOPInstanceUID == dataset.SOPInstanceUID
        assert read.PatientName == dataset.PatientName
        assert list(read.ImagePositionPatient) == list(dataset.ImagePositionPatient)


def test_frames_decode_to_the_landed_pixels(services: Services) -> None:
    for uid, landed in FILES.items():
        response = get(services, f"{WEB}/studies/{STUDY}/series/{SERIES}/instances/{uid}/frames/1")

        head = f"Content-Type: {response['headers']['content-type']}\r\n\r\n".encode()
        _, part = message_from_bytes(head + body_of(response)).walk()
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        pixels = imagecodecs.htj2k_decode(content)
        assert np.array_equal(pixels, pydicom.dcmread(io.BytesIO(landed)).pixel_array)


def test_a_client_rebuilds_the_landed_bytes_from_the_restore_plan_alone(lake: MemoryLake, services: Services) -> None:
    for uid, landed in FILES.items():
        plan = get_json(services, f"/lake/restore/{STUDY}/{SERIES}/{uid}")

        rebuilt = rebuild(plan, lake)

        assert rebuilt == landed
        assert hashlib.sha256(rebuilt).hexdigest() == plan["landedSha256"]
        assert plan["restorable"] == "bytes"


def rebuild(plan: dict[str, Any], lake: MemoryLake) -> bytes:
    """What a client does: ranged reads of the pack by its URL, zstd, HTJ2K, splices."""
    key = unquote(urlsplit(plan["pack"]["url"]).path).lstrip("/")
    pack = bytes(lake.store.objects.get(key))
    assert len(pack) == plan["pack"]["size"]

    def read(span: list[int]) -> bytes:
        return pack[span[0] : span[0] + span[1]]

    first = plan["headBlocks"][0]["stream"][0]
    stream = b"".join(zstandard.decompress(read(block["place"])) for block in plan["headBlocks"])
    head, splices = (
        stream[plan[name][0] - first : plan[name][0] - first + plan[name][1]] for name in ("head", "splices")
    )
    parse_frame_record(read([plan["frameTable"]["place"][0], plan["frameTable"]["recordSize"]]))
    frames = [imagecodecs.htj2k_decode(read(span)).astype("<u2").tobytes() for span in plan["frames"]]
    return b"".join(
        part
        if isinstance(part, bytes)
        else frames[part.frame_index][part.frame_offset : part.frame_offset + part.length]
        for part in landed_parts(head, decode_splices(splices))
    )


def test_a_settled_study_is_answered_by_its_pre_built_metadata(lake: MemoryLake, services: Services) -> None:
    response = get(services, f"{WEB}/studies/{STUDY}/metadata", accept_encoding="gzip")

    series = next(iter(lake.store.state.series.values()))
    assert all(one.metadata_key for one in series.values())
    assert response["headers"]["content-encoding"] == "gzip"


def test_a_landed_object_is_found_by_its_key(services: Services) -> None:
    found = get_json(services, "/lake/where?key=in/0")

    assert [entry["outcome"] for entry in found["objects"]] == ["stored"]
    assert json.dumps(found).count("in/0") == 0


def test_a_name_in_old_characters_is_found_by_the_new_ones(services: Services) -> None:
    assert len(get_json(services, f"{WEB}/studies?PatientName=%E9%AB%98%E6%A9%8B*")) == 1


def test_frames_that_share_bytes_are_stored_as_one_run() -> None:
    data = pydicom.dcmread(io.BytesIO(ct_slice(1, 1, 1)))
    data.Rows = data.Columns = 3
    data.NumberOfFrames, data.BitsAllocated, data.BitsStored, data.HighBit = 5, 1, 1, 0
    data.PixelData = bytes(range(6))
    landed = io.BytesIO()
    data.save_as(landed)
    lake = MemoryLake()
    lake.land("segmentation", landed.getvalue())
    lake.pump()
    (record,) = lake.store.state.instances.values()

    run = retrieve_frames(record.key, [1], lake.store).frames[0]

    assert bytes(run) == bytes(range(6))
    with pytest.raises(NotFoundError, match="frames 1 to 1"):
        retrieve_frames(record.key, [2], lake.store)

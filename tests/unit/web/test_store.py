"""STOW-RS: what a sender sends, what it is told, and what readers find right after."""

import json
from collections.abc import Iterator

import pytest

from dicomlake.domain.errors import Reason
from dicomlake.domain.model import Outcome
from dicomlake.domain.store_response import FAILURE_REASONS
from dicomlake.usecases import receive_instances
from dicomlake.web.store import store_stream
from tests.unit.web.events import body_of, get, get_json
from tests.unit.web.pixel_lake import ROOT
from tests.unit.web.stow_lake import BOUNDARY, MULTIPART, StowLake, items, multipart, told
from tests.usecases.dicom_files import ROOT as UID
from tests.usecases.dicom_files import changed, ct_slice

REFERENCED, FAILED, OTHER_FAILURES = "00081199", "00081198", "0008119A"
INSTANCE, SOP_CLASS, URL, FAILURE, WARNING = "00081155", "00081150", "00081190", "00081197", "00081196"
NO_DICOM = b"this is no DICOM file, but as long as many a one is"


def test_what_is_stored_is_found_by_the_next_search() -> None:
    lake = StowLake()

    response = lake.post(multipart(ct_slice(1, 1, 1), ct_slice(1, 1, 2)))

    assert response["statusCode"] == 200, response
    studies = get_json(lake.services(), f"{ROOT}/studies?PatientID=P1")
    assert [study["0020000D"]["Value"][0] for study in studies] == [f"{UID}.1"]
    assert studies[0]["00201208"]["Value"] == [2]
    assert len(get_json(lake.services(), f"{ROOT}/studies/{UID}.1/series/{UID}.1.1/metadata")) == 2


def test_every_instance_is_named_with_its_class_and_where_it_can_be_had() -> None:
    lake = StowLake()

    response = lake.post(multipart(ct_slice(1, 1, 1), ct_slice(1, 2, 1)))

    place = f"https://lake.example.org{ROOT}/studies/{UID}.1"
    assert response["headers"]["content-type"] == "application/dicom+json"
    assert told(response)[URL] == {"vr": "UR", "Value": [place]}
    assert items(response, REFERENCED) == [
        {
            SOP_CLASS: "1.2.840.10008.5.1.4.1.1.2",
            INSTANCE: f"{UID}.1.{series}.1",
            URL: f"{place}/series/{UID}.1.{series}/instances/{UID}.1.{series}.1",
        }
        for series in (1, 2)
    ]


def test_instances_of_several_studies_have_no_retrieve_url_in_common() -> None:
    response = StowLake().post(multipart(ct_slice(1), ct_slice(2)))

    assert response["statusCode"] == 200
    assert URL not in told(response)


@pytest.mark.parametrize(
    "content_type",
    [
        MULTIPART,
        f"multipart/related; type=application/dicom; boundary={BOUNDARY}",
        f"multipart/related; boundary={BOUNDARY}; type=application/dicom",
        f'Multipart/Related;Type="application/dicom";Boundary="{BOUNDARY}"',
        f'multipart/related; type="application/dicom; transfer-syntax=1.2.840.10008.1.2.1"; boundary={BOUNDARY}',
        f"multipart/related; boundary={BOUNDARY}",
    ],
)
def test_type_and_boundary_are_taken_with_and_without_quotes(content_type: str) -> None:
    """Orthanc's issue 190."""
    assert StowLake().post(multipart(ct_slice()), content_type)["statusCode"] == 200


@pytest.mark.parametrize(
    "boundary", ["a", "=_Part_1.2", "with space inside", "x" * 70, "----WebKitFormBoundary7MA4YWxk"]
)
def test_any_boundary_is_taken(boundary: str) -> None:
    body = multipart(ct_slice(), boundary=boundary)

    assert (
        StowLake().post(body, f'multipart/related; type="application/dicom"; boundary="{boundary}"')["statusCode"]
        == 200
    )


@pytest.mark.parametrize("head", [b"", b"Content-Type: application/octet-stream\r\n", b"MIME-Version: 1.0\r\n"])
def test_a_part_without_a_content_type_is_a_dicom_file(head: bytes) -> None:
    assert StowLake().post(multipart(ct_slice(), head=head))["statusCode"] == 200


def test_preamble_epilogue_and_bare_line_feeds_are_tolerated() -> None:
    lake = StowLake()

    framed = lake.post(b"preamble\r\n" + multipart(ct_slice(1)) + b"epilogue")
    bare = lake.post(multipart(ct_slice(2), newline=b"\n"))

    assert (framed["statusCode"], bare["statusCode"]) == (200, 200)
    assert lake.landing.get(next(key for _, key in lake.landing._buckets.objects)) == ct_slice(1)


def test_one_instance_may_be_the_body_itself() -> None:
    response = StowLake().post(ct_slice(), "application/dicom")

    assert response["statusCode"] == 200
    assert len(items(response, REFERENCED)) == 1


def test_some_stored_and_some_not_is_a_202_that_tells_which() -> None:
    """Orthanc's issue 196: it answered 200."""
    lake = StowLake()

    response = lake.post(multipart(ct_slice(), NO_DICOM))

    assert response["statusCode"] == 202
    assert len(items(response, REFERENCED)) == 1
    assert items(response, OTHER_FAILURES) == [{FAILURE: 0xC000}]
    assert "part 2: The object is not DICOM." in response["headers"]["warning"]
    assert "location" not in response["headers"]


def test_what_is_no_dicom_goes_to_quarantine_with_its_reason() -> None:
    lake = StowLake()

    response = lake.post(multipart(NO_DICOM))

    assert response["statusCode"] == 409
    kept = lake.store.ledger.quarantined().items
    assert [(entry.reason, entry.size) for entry in kept] == [(Reason.NOT_DICOM, len(NO_DICOM))]
    assert lake.quarantine.get(kept[0].quarantine_key) == NO_DICOM


def test_an_instance_of_another_study_fails_and_its_neighbours_are_stored() -> None:
    lake = StowLake()

    response = lake.post(multipart(ct_slice(1), ct_slice(2)), study=f"{UID}.1")

    assert response["statusCode"] == 202
    assert [item[INSTANCE] for item in items(response, REFERENCED)] == [f"{UID}.1.1.1"]
    assert items(response, FAILED) == [
        {SOP_CLASS: "1.2.840.10008.5.1.4.1.1.2", INSTANCE: f"{UID}.2.1.1", FAILURE: 0xA901}
    ]
    assert get(lake.services(), f"{ROOT}/studies?StudyInstanceUID={UID}.2")["statusCode"] == 204


def test_the_same_again_is_a_200_and_stored_once() -> None:
    lake = StowLake()
    lake.post(multipart(ct_slice()))

    response = lake.post(multipart(ct_slice()))

    assert response["statusCode"] == 200
    assert items(response, REFERENCED)[0].keys() == {SOP_CLASS, INSTANCE, URL}
    assert lake.outcomes() == [Outcome.STORED, Outcome.DUPLICATE]


def test_other_content_under_the_same_uid_is_kept_beside_and_the_answer_names_what_differs() -> None:
    lake = StowLake()
    lake.post(multipart(ct_slice()))

    response = lake.post(multipart(changed(ct_slice(), PatientName="Other^Name", StudyDescription="new")))

    assert response["statusCode"] == 200
    (item,) = told(response)[REFERENCED]["Value"]
    assert item[WARNING]["Value"] == [0xB000]
    (original,) = item["04000561"]["Value"]
    assert original["04000550"]["Value"] == [
        {
            "00081030": {"vr": "LO", "Value": ["new"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Other^Name"}]},
        }
    ]
    assert original["04000562"]["Value"][0].endswith("+0000")
    names = get_json(lake.services(), f"{ROOT}/studies?PatientID=P1")
    assert names[0]["00100010"]["Value"] == [{"Alphabetic": "Law^1"}]


def test_other_pixels_alone_are_named_as_what_differs() -> None:
    lake = StowLake()
    lake.post(multipart(ct_slice()))

    response = lake.post(multipart(ct_slice(seed=5)))

    (item,) = told(response)[REFERENCED]["Value"]
    assert item["04000561"]["Value"][0]["04000550"]["Value"] == [{"7FE00010": {"vr": "OW"}}]


def test_a_uid_that_another_study_holds_is_kept_without_a_url() -> None:
    lake = StowLake()
    lake.post(multipart(ct_slice(1)))

    response = lake.post(multipart(changed(ct_slice(1), StudyInstanceUID=f"{UID}.9")))

    (item,) = told(response)[REFERENCED]["Value"]
    assert URL not in item
    assert item[WARNING]["Value"] == [0xB000]
    assert "0020000D" in item["04000561"]["Value"][0]["04000550"]["Value"][0]


@pytest.mark.parametrize(
    ("file", "differs"),
    [
        (changed(ct_slice(), PatientName="Other^Name"), "00100010"),
        (ct_slice(seed=5), "7FE00010"),
        (changed(ct_slice(), StudyInstanceUID=f"{UID}.9"), "0020000D"),
    ],
)
def test_a_store_that_rejects_conflicts_answers_409_with_0111_and_what_differs(file: bytes, differs: str) -> None:
    lake = StowLake()
    lake.rejects = True
    lake.post(multipart(ct_slice()))

    response = lake.post(multipart(file))

    assert response["statusCode"] == 409
    (item,) = told(response)[FAILED]["Value"]
    assert item[FAILURE]["Value"] == [0x0111]
    assert list(item["04000561"]["Value"][0]["04000550"]["Value"][0]) == [differs]
    assert lake.outcomes() == [Outcome.STORED, Outcome.QUARANTINED]
    assert lake.post(multipart(ct_slice()))["statusCode"] == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status", "told_of"),
    [
        ("application/json", b"{}", 415, "instances are taken as"),
        ("", b"x", 415, "instances are taken as"),
        ('multipart/related; type="image/jpeg"; boundary=b', b"--b--", 415, "instances are taken as"),
        ('multipart/form-data; boundary="b"', b"--b--", 415, "instances are taken as"),
        ('multipart/related; type="application/dicom"', multipart(b"x"), 400, "boundary"),
        ('multipart/related; type="application/dicom"; boundary=other', multipart(b"x"), 400, "boundary"),
        (MULTIPART, multipart(b"x")[:-6], 400, "cut short"),
        (MULTIPART, multipart(), 400, "no instance"),
        (MULTIPART, b"", 400, "boundary"),
        ("application/dicom", b"", 400, "no instance"),
        (MULTIPART, multipart(b"x", head=b"Content-Type: text/plain\r\n"), 415, "part"),
        (MULTIPART, multipart(b"x" * 4_500_001), 413, "/uploads"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(content_type: str, body: bytes, status: int, told_of: str) -> None:
    response = StowLake().post(body, content_type)

    assert response["statusCode"] == status
    assert told_of in json.loads(body_of(response))["message"]


def test_a_caller_who_takes_no_answer_of_ours_is_told_before_anything_is_stored() -> None:
    lake = StowLake()

    assert lake.post(multipart(ct_slice()), accept="text/html")["statusCode"] == 406
    assert not lake.landing.versions().items


@pytest.mark.parametrize("accept", ["application/dicom+xml", 'multipart/related; type="application/dicom+xml"'])
def test_the_answer_comes_as_xml_where_that_is_accepted(accept: str) -> None:
    response = StowLake().post(multipart(ct_slice()), accept=accept)

    assert response["headers"]["content-type"].startswith(accept)
    assert b'keyword="ReferencedSOPSequence"' in body_of(response)


def test_a_data_store_of_copies_takes_no_instances() -> None:
    lake = PixelStore()

    assert lake.post(multipart(ct_slice()))["statusCode"] == 403


class PixelStore(StowLake):
    """A store whose function stores nothing."""

    services = StowLake.__mro__[1].services  # type: ignore[assignment,attr-defined]


def test_a_body_is_stored_while_it_arrives() -> None:
    lake = StowLake()
    body = multipart(*(ct_slice(1, 1, number) for number in range(1, 4)))

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    response = store_stream(lake.call(), chunks())

    assert response.status == 200
    assert len(json.loads(response.body)[REFERENCED]["Value"]) == 3


def test_parts_that_arrived_before_the_connection_broke_are_not_lost() -> None:
    lake = StowLake()
    body = multipart(ct_slice(1, 1, 1), ct_slice(1, 1, 2))

    refused = lake.post(body[: -len(ct_slice()) // 2])
    lake.announce_landed()
    lake.pump()

    assert refused["statusCode"] == 400
    assert lake.outcomes() == [Outcome.STORED]


def test_the_event_of_a_stored_part_changes_nothing() -> None:
    lake = StowLake()
    lake.post(multipart(ct_slice()))
    packs = lake.store.objects.versions().items

    lake.announce_landed()
    lake.pump()

    assert lake.outcomes() == [Outcome.STORED]
    assert [pack.key for pack in packs if pack.key.startswith("packs/")] == [
        pack.key for pack in lake.store.objects.versions().items if pack.key.startswith("packs/")
    ]


def test_a_part_that_a_request_still_works_on_is_left_to_it_for_a_minute() -> None:
    lake = StowLake()
    lake.landing.put("stow/1/0", ct_slice())
    lake.announce_landed()

    lake.ingest(lake.in_flight)

    ((command, delay),) = lake.again.take()
    assert (command, delay) == (lake.in_flight[0].command, 60)
    assert lake.reports[-1].sent == {"in-request": 1}
    assert lake.outcomes() == []


def test_a_large_part_is_read_by_ranges_and_stored_before_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive_instances, "HELD", 500)
    lake = StowLake()

    response = lake.post(multipart(ct_slice(1, 1, 1), NO_DICOM, ct_slice(1, 1, 2)))

    assert response["statusCode"] == 202
    assert len(items(response, REFERENCED)) == 2
    assert sorted(lake.outcomes()) == [Outcome.QUARANTINED, Outcome.STORED, Outcome.STORED]
    assert get_json(lake.services(), f"{ROOT}/studies?PatientID=P1")[0]["00201208"]["Value"] == [2]


def test_many_parts_are_decided_a_pack_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive_instances, "BATCH_PARTS", 2)
    lake = StowLake()

    response = lake.post(multipart(*(ct_slice(1, 1, number) for number in range(1, 6))))

    assert response["statusCode"] == 200
    assert len(lake.store.objects.versions("packs/").items) == 3


def test_what_has_no_time_is_a_202_whose_location_tells_when_it_is_done() -> None:
    lake = StowLake()
    lake.late = lambda: True  # type: ignore[method-assign]

    response = lake.post(multipart(ct_slice(), NO_DICOM))

    assert response["statusCode"] == 202
    assert told(response) == {}
    place = response["headers"]["location"].removeprefix("https://lake.example.org")
    assert get(lake.services(), place)["statusCode"] == 202

    lake.pump()
    done = get(lake.services(), place)

    assert done["statusCode"] == 200
    assert [item[INSTANCE] for item in items(done, REFERENCED)] == [f"{UID}.1.1.1"]
    assert items(done, OTHER_FAILURES) == [{FAILURE: 0xC000}]


@pytest.mark.parametrize("receipt", ["x", "0" * 32 + "-1", "0" * 32 + "-0", "0" * 32 + "-999999"])
def test_an_address_that_no_request_was_answered_with_is_not_found(receipt: str) -> None:
    assert get(StowLake().services(), f"{ROOT}/received/{receipt}")["statusCode"] == 404


def test_every_reason_for_quarantine_has_a_code() -> None:
    assert FAILURE_REASONS.keys() == set(Reason)

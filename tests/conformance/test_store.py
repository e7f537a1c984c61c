"""STOW-RS (PS3.18 10.5), and DELETE where a service offers it: the standard has none."""

import json

import pytest

from tests.conformance.conftest import Stored
from tests.conformance.made_study import MadeStudy, picture, pictured, uid
from tests.conformance.service import Service, media_type, multipart, values

REFERENCED, FAILED = "00081199", "00081198"
JSON_TYPE = "application/dicom+json"


@pytest.mark.clause("10.5.3.1")
def test_storing_all_is_a_200(stored: Stored) -> None:
    assert stored.answer.status_code == 200, f"answered {stored.answer.status_code}"


@pytest.mark.clause("10.5.3")
def test_the_answer_names_every_instance_and_where_it_is(stored: Stored) -> None:
    told = stored.answer.json()

    items = values(told[0] if isinstance(told, list) else told, REFERENCED)
    assert media_type(stored.answer.headers["Content-Type"]) == JSON_TYPE
    assert sorted(values(one, "00081155")[0] for one in items) == sorted(stored.made.instances)
    assert all(values(one, "00081190") and values(one, "00081150") for one in items)


@pytest.mark.clause("10.5.3")
def test_the_answer_is_xml_where_that_is_accepted(service: Service) -> None:
    made = MadeStudy()
    body, kind = multipart([("application/dicom", "", made.file(1))], "application/dicom")

    answer = service.post(body, kind, accept="application/dicom+xml")

    assert answer.status_code == 200, f"answered {answer.status_code}"
    assert b"NativeDicomModel" in answer.content
    assert made.instances[0].encode() in answer.content


@pytest.mark.clause("10.5.1")
def test_instances_are_stored_into_their_study(service: Service) -> None:
    made = MadeStudy()

    assert service.store([made.file(1)], made.study).status_code == 200
    assert service.holds(made, 1)


@pytest.mark.clause("10.5.3.1")
def test_an_instance_of_another_study_is_a_409(service: Service) -> None:
    made, other = MadeStudy(), uid()

    answer = service.store([made.file(1)], other)

    assert answer.status_code == 409, f"answered {answer.status_code}"
    assert service.find(f"studies/{other}/instances") == [], "it was stored in the other study"


@pytest.mark.clause("10.5.3.1")
def test_some_stored_and_some_not_is_a_202_that_names_them(service: Service) -> None:
    made, other = MadeStudy(), MadeStudy()

    answer = service.store([made.file(1), other.file(1)], made.study)

    assert answer.status_code == 202, f"answered {answer.status_code}"
    told = answer.json()
    told = told[0] if isinstance(told, list) else told
    assert [values(one, "00081155") for one in values(told, REFERENCED)] == [[made.instances[0]]]
    (failed,) = values(told, FAILED)
    assert values(failed, "00081155") == [other.instances[0]]
    assert values(failed, "00081197"), "no Failure Reason"


@pytest.mark.clause("10.5.3.1")
def test_what_is_no_dicom_file_is_a_400_or_409(service: Service) -> None:
    answer = service.store([b"this is no DICOM file" * 20])

    assert answer.status_code in (400, 409), f"answered {answer.status_code}"


@pytest.mark.clause("10.5.3.1")
def test_a_body_without_a_boundary_is_a_400(service: Service) -> None:
    answer = service.post(b"--x\r\n\r\n--x--", 'multipart/related; type="application/dicom"')

    assert answer.status_code == 400, f"answered {answer.status_code}"


@pytest.mark.clause("10.5.3.1")
@pytest.mark.parametrize("kind", ["text/plain", 'multipart/related; type="text/plain"; boundary=x'])
def test_a_type_that_is_not_taken_is_a_415(service: Service, kind: str) -> None:
    answer = service.post(b"--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n", kind)

    assert answer.status_code == 415, f"answered {answer.status_code}"


@pytest.mark.clause("10.5.2")
def test_an_instance_stored_twice_is_there_once(service: Service) -> None:
    made = MadeStudy()

    first, second = (service.store([made.file(2)]).status_code for _ in range(2))

    assert (first, second) in ((200, 200), (200, 202), (200, 409))
    assert len(service.find(f"studies/{made.study}/instances")) == 1


@pytest.mark.clause("10.5.1.1")
@pytest.mark.parametrize("quote", ['"', ""], ids=["quoted", "unquoted"])
def test_type_and_boundary_are_taken_in_quotes_or_without(service: Service, quote: str) -> None:
    made = MadeStudy()
    body = b"--cut\r\nContent-Type: application/dicom\r\n\r\n" + made.file(1) + b"\r\n--cut--\r\n"

    answer = service.post(body, f"multipart/related; type={quote}application/dicom{quote}; boundary={quote}cut{quote}")

    assert answer.status_code == 200, f"answered {answer.status_code}"


@pytest.mark.clause("10.5.1.2")
def test_metadata_with_bulk_data_become_an_instance(service: Service) -> None:
    study, series, instance = uid(), uid(), uid()
    data = picture(instance, study, series)
    image = pictured(1, (24, 32), 8)
    pixels = image.PixelData
    del image.PixelData
    data.update(image)
    told = data.to_json_dict() | {
        "7FE00010": {"vr": "OB", "BulkDataURI": "pixels"},
        "00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
    }
    parts = [(JSON_TYPE, "", json.dumps([told]).encode()), ("application/octet-stream", "pixels", pixels)]
    body, kind = multipart(parts, JSON_TYPE)

    answer = service.post(body, kind)

    assert answer.status_code == 200, f"answered {answer.status_code}"
    assert len(service.find(f"studies/{study}/instances")) == 1


@pytest.mark.clause("beyond the standard")
@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_what_is_deleted_is_found_no_more(service: Service, level: str) -> None:
    made = MadeStudy()
    service.store([made.file(1), made.file(4)])
    assert service.holds(made, 2)
    place = {"study": f"studies/{made.study}", "series": made.series_place(1), "instance": made.place(1)}[level]

    answer = service.session.delete(f"{service.base}/{place}", timeout=60)

    if answer.status_code in (401, 403, 404, 405, 501):
        pytest.skip(f"DELETE was answered {answer.status_code}: not offered, or not to this caller")
    assert answer.status_code in (200, 202, 204), f"answered {answer.status_code}"
    assert service.holds(made, {"study": 0}.get(level, 1))
    assert service.get(made.place(1)).status_code in (404, 410)

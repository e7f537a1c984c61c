"""Accept: PS3.18 8.7, the same by header and by query parameter."""

import pytest

from tests.conformance.made_study import MadeStudy
from tests.conformance.service import JSON, Service, media_type, parts_of

JPEG, PNG = b"\xff\xd8", b"\x89PNG"


@pytest.mark.clause("8.7.5")
@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/dicom"',
        "multipart/related; type=application/dicom",
        'multipart/related;type="application/dicom"',
        'Multipart/Related; Type="application/dicom"',
        'text/html, multipart/related; type="application/dicom"; q=0.5',
        "*/*",
        None,
    ],
    ids=["quoted", "unquoted", "no space", "capitals", "second choice", "anything", "no header"],
)
def test_files_come_however_the_type_is_written(service: Service, made: MadeStudy, accept: str | None) -> None:
    answer = service.get(made.place(1), accept)

    assert answer.status_code == 200, f"answered {answer.status_code}"
    if media_type(answer.headers["Content-Type"]) == "multipart/related":
        assert [part.body[128:132] for part in parts_of(answer)] == [b"DICM"]
    else:
        assert answer.content[128:132] == b"DICM"


@pytest.mark.clause("8.7.5")
@pytest.mark.parametrize("accept", ["application/dicom+json", "application/json", "*/*", None], ids=str)
def test_metadata_are_json_however_that_is_asked_for(service: Service, made: MadeStudy, accept: str | None) -> None:
    answer = service.get(f"{made.place(1)}/metadata", accept)

    assert answer.status_code == 200, f"answered {answer.status_code}"
    assert media_type(answer.headers["Content-Type"]) in ("application/dicom+json", "application/json")


@pytest.mark.clause("8.7.5")
@pytest.mark.parametrize(
    ("accept", "begins"),
    [("image/png;q=0.2, image/jpeg;q=0.9", JPEG), ("image/jpeg;q=0.2, image/png;q=0.9", PNG)],
    ids=["JPEG", "PNG"],
)
def test_the_larger_q_value_wins(service: Service, made: MadeStudy, accept: str, begins: bytes) -> None:
    assert service.get(f"{made.place(1)}/rendered", accept).content.startswith(begins)


@pytest.mark.clause("8.7.5")
def test_a_type_of_q_0_is_not_sent(service: Service, made: MadeStudy) -> None:
    assert service.get(f"{made.place(1)}/rendered", "image/jpeg;q=0, image/png").content.startswith(PNG)


@pytest.mark.clause("8.3.3.1")
def test_accept_is_taken_as_a_query_parameter(service: Service, made: MadeStudy) -> None:
    answer = service.session.get(f"{service.base}/{made.place(1)}/rendered", params="accept=image/png", timeout=60)

    assert answer.content.startswith(PNG)


@pytest.mark.clause("10.4.3")
@pytest.mark.parametrize(
    ("rest", "accept"),
    [
        ("", "text/html"),
        ("", 'multipart/related; type="text/html"'),
        ("/metadata", "image/jpeg"),
        ("/rendered", "application/zip"),
        ("/frames/1", "text/plain"),
    ],
    ids=["file", "file in parts", "metadata", "rendered", "frame"],
)
def test_a_type_that_is_not_there_is_a_406(service: Service, made: MadeStudy, rest: str, accept: str) -> None:
    answer = service.get(f"{made.place(1)}{rest}", accept)

    assert answer.status_code == 406, f"answered {answer.status_code}"


@pytest.mark.clause("10.4.3")
def test_a_transfer_syntax_that_is_none_is_a_406(service: Service, made: MadeStudy) -> None:
    answer = service.get(made.place(1), 'multipart/related; type="application/dicom"; transfer-syntax=1.2.3.4')

    assert answer.status_code == 406, f"answered {answer.status_code}"


@pytest.mark.clause("8.9")
def test_options_describes_the_service(service: Service, made: MadeStudy) -> None:
    answer = service.session.options(service.base, headers={"Accept": "application/vnd.sun.wadl+xml"}, timeout=60)

    assert answer.status_code == 200, f"answered {answer.status_code}"
    assert answer.content


@pytest.mark.clause("10.6.3.1")
def test_a_search_that_is_to_be_a_picture_is_a_406(service: Service, made: MadeStudy) -> None:
    assert service.get("studies", "image/jpeg", StudyInstanceUID=made.study).status_code == 406
    assert service.get("studies", JSON["Accept"], StudyInstanceUID=made.study).status_code == 200

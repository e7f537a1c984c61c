"""Structured reports and key object selections through the web: what a reader sees, and that it is harmless."""

import io
from html.parser import HTMLParser

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, KeyObjectSelectionDocumentStorage

from dicomlake.domain.change import ChangeKind, Scope, StudyChange
from dicomlake.domain.model import JsonObject, StudyUid
from tests.unit.web.events import body_of, get
from tests.unit.web.pixel_lake import ROOT, PixelLake
from tests.usecases.dicom_files import ROOT as UIDS
from tests.usecases.dicom_files import ct_slice

IMAGE = f"{UIDS}.1.1.1"
REPORT = f"{ROOT}/studies/{UIDS}.1/series/{UIDS}.1.2/instances/{UIDS}.1.2.1/rendered"


def made(**attributes: object) -> Dataset:
    data = Dataset()
    for keyword, value in attributes.items():
        setattr(data, keyword, value)
    return data


def coded(meaning: str, value: str = "1", scheme: str = "99TEST") -> Sequence:
    return Sequence([made(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


def item(kind: str, concept: str, **attributes: object) -> Dataset:
    return made(RelationshipType="CONTAINS", ValueType=kind, ConceptNameCodeSequence=coded(concept), **attributes)


MEASURED = Sequence([made(NumericValue="12.5", MeasurementUnitsCodeSequence=coded("millimeter", "mm", "UCUM"))])
REFERENCE = Sequence([made(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID=IMAGE)])
EVIDENCE = made(
    StudyInstanceUID=f"{UIDS}.1",
    ReferencedSeriesSequence=Sequence(
        [made(SeriesInstanceUID=f"{UIDS}.1.1", ReferencedSOPSequence=Sequence([REFERENCE[0]]))]
    ),
)
CONTENT = [
    item("TEXT", "Finding", TextValue="<script>alert(1)</script> & 山田"),
    item(
        "CONTAINER",
        "Measurements",
        ContentSequence=Sequence(
            [
                item("NUM", "Diameter", MeasuredValueSequence=MEASURED),
                item("CODE", "Side", ConceptCodeSequence=coded("Left")),
            ]
        ),
    ),
    item("IMAGE", "Seen in", ReferencedSOPSequence=REFERENCE),
    made(RelationshipType="SELECTED FROM", ReferencedContentItemIdentifier=[1, 2, 1]),
]


def report(number: int, sop_class: str) -> bytes:
    data = pydicom.dcmread(io.BytesIO(ct_slice(series=2, number=number)))
    del data.PixelData
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = sop_class
    data.Modality, data.ValueType, data.PatientName = "SR", "CONTAINER", "Bold^<b>"
    data.ConceptNameCodeSequence = coded("Imaging Report")
    data.ContentSequence, data.CurrentRequestedProcedureEvidenceSequence = Sequence(CONTENT), Sequence([EVIDENCE])
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


@pytest.fixture(scope="module")
def lake() -> PixelLake:
    lake = PixelLake()
    lake.store_files(report(1, ComprehensiveSRStorage), report(2, KeyObjectSelectionDocumentStorage))
    return lake


class Page(HTMLParser):
    """A page's elements and text, and whether every element that was opened was closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.links, self.words = list[str](), set[str](), list[str](), list[str]()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/*;q=0.5, image/jpeg"])
def test_a_report_is_a_page_of_its_content_tree(lake: PixelLake, accept: str) -> None:
    response = get(lake.services(), REPORT, accept)

    assert (response["statusCode"], response["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(body_of(response).decode())
    shown = " ".join(word for word in page.words if word)
    for told in ("Imaging Report", "Finding:", "Measurements Diameter: 12.5 mm Side: Left", "see 1.2.1", "山田"):
        assert told in shown


def test_a_key_object_selection_is_a_page_too(lake: PixelLake) -> None:
    response = get(lake.services(), REPORT.replace(f"{UIDS}.1.2.1/", f"{UIDS}.1.2.2/"))

    assert response["headers"]["content-type"] == "text/html; charset=utf-8"
    assert f"instance {IMAGE}" in Page(body_of(response).decode()).words


def test_nothing_of_a_report_is_markup_or_runs(lake: PixelLake) -> None:
    response = get(lake.services(), REPORT, "text/html")

    page = Page(body_of(response).decode())
    assert "script" not in page.tags
    assert "<script>alert(1)</script> & 山田" in page.words
    assert "Bold^<b>" in page.words
    assert response["headers"]["content-security-policy"].startswith("default-src 'none'")


def test_an_image_of_the_evidence_is_linked_to_where_it_is_rendered(lake: PixelLake) -> None:
    page = Page(body_of(get(lake.services(), REPORT, "text/html")).decode())

    place = f"https://lake.example.org{ROOT}/studies/{UIDS}.1/series/{UIDS}.1.1/instances/{IMAGE}/rendered"
    assert page.links == [place]


def test_a_report_is_plain_text_where_that_is_asked_for(lake: PixelLake) -> None:
    response = get(lake.services(), REPORT, "text/plain")

    assert response["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert "\nMeasurements\n  Diameter: 12.5 mm\n  Side: Left\n" in body_of(response).decode()


def test_a_report_is_no_picture(lake: PixelLake) -> None:
    response = get(lake.services(), REPORT, "image/jpeg")

    assert response["statusCode"] == 406
    assert b"text/html" in body_of(response)


def test_a_corrected_report_is_shown_corrected_and_is_another_version(
    lake: PixelLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = get(lake.services(), REPORT)
    study = StudyUid(f"{UIDS}.1")
    name: JsonObject = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Right^Name"}]}}
    change = StudyChange("c1", ChangeKind.CORRECT, Scope(study), "2026-02-03T04:05:06Z", "me", number=1, values=name)
    monkeypatch.setattr(type(lake.store.changes), "history", lambda self, of: (change,) if of == study else ())

    after = get(lake.services(), REPORT, if_none_match=before["headers"]["etag"])

    assert after["statusCode"] == 200
    assert "Right^Name" in Page(body_of(after).decode()).words

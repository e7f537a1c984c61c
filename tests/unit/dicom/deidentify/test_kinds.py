"""Kinds of objects that need rules of their own: slides, documents, structure sets, colour profiles, code streams."""

import struct
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from dicomlake.dicom.deidentify import Dataset, Element, Subject, apply_edits, plan_edits, profile_for
from dicomlake.dicom.deidentify.dataset import PixelHeader
from dicomlake.dicom.deidentify.faces import may_show_a_face
from dicomlake.dicom.deidentify.gate import Look, admit
from dicomlake.dicom.deidentify.icc import without_texts as icc_without_texts
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.streams import without_texts
from dicomlake.domain.errors import RefusedError
from tests.unit.dicom.deidentify.deid_given import CT, NAMES

ROOT = "1.2.840.10008.5.1.4.1.1."
PIXELS = PixelHeader(0x7FE00010, "OW", 2)


def values(sop_class: str, **more: bytes) -> Dataset:
    tags = {
        "image_type": (0x00080008, "CS"),
        "conversion": (0x00080064, "CS"),
        "study": (0x00081030, "LO"),
        "part": (0x00180015, "CS"),
        "rows": (0x00280010, "US"),
        "columns": (0x00280011, "US"),
        "spacing": (0x00280030, "DS"),
        "burned": (0x00280301, "CS"),
        "label": (0x00480010, "CS"),
        "overlay": (0x60000102, "US"),
    }
    rest = [Element(*tags[name], value) for name, value in more.items()]
    return tuple(sorted([Element(0x00080016, "UI", sop_class.encode()), *rest]))


def field(millimetres: int) -> dict[str, bytes]:
    side = struct.pack("<H", 512)
    return {"rows": side, "columns": side, "spacing": f"{millimetres / 512:.4f}\\{millimetres / 512:.4f}".encode()}


@pytest.mark.parametrize(
    ("given", "shows"),
    [
        (values(CT, part=b"HEAD", **field(500)), True),
        (values(CT, part=b"CHEST ", **field(400)), False),
        (values(CT, part=b"CHEST", study=b"CT Head wo contrast", **field(250)), True),
        (values(CT, study="頭部単純CT".encode(), **field(400)), True),
        (values(CT, **field(250)), True),
        (values(CT, **field(450)), False),
        (values(CT), True),
        (values(f"{ROOT}1", part=b"HEAD"), False),
        (values(f"{ROOT}104.3"), True),
        (values(f"{ROOT}77.1.4"), True),
        (values(f"{ROOT}88.11", study=b"Head"), False),
    ],
)
def test_a_face_is_told_by_what_is_shown_said_and_how_large_it_is(given: Dataset, shows: bool) -> None:
    assert may_show_a_face(given) is shows


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (values(f"{ROOT}77.1.6", image_type=b"ORIGINAL\\PRIMARY\\LABEL\\NONE"), "label"),
        (values(f"{ROOT}77.1.6", image_type=b"ORIGINAL\\PRIMARY\\OVERVIEW\\NONE"), "label"),
        (values(f"{ROOT}77.1.6", label=b"YES"), "label"),
        (values("1.2.3.4"), "SOP class"),
        (values(f"{ROOT}1", overlay=b"\x0c\0"), "overlay"),
    ],
)
def test_what_cannot_be_made_safe_is_refused(given: Dataset, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        admit(given, PIXELS, Policy())


def test_how_pixels_are_looked_at_follows_from_what_they_are() -> None:
    looks = {
        name: admit(given, PIXELS, Policy(faces=Faces.ACCEPT_RISK)).look
        for name, given in {
            "ct": values(CT, part=b"CHEST"),
            "screen": values(CT, image_type=b"DERIVED\\SECONDARY\\SCREEN SAVE", part=b"CHEST"),
            "us": values(f"{ROOT}6.1"),
            "film": values(f"{ROOT}1"),
            "seg": values(f"{ROOT}66.4"),
            "slide": values(f"{ROOT}77.1.6", image_type=b"ORIGINAL\\PRIMARY\\VOLUME\\NONE"),
        }.items()
    }

    assert looks == {
        "ct": Look.WHERE_DRAWN,
        "screen": Look.ALWAYS,
        "us": Look.ALWAYS,
        "film": Look.ALWAYS,
        "seg": Look.NOT,
        "slide": Look.NOT,
    }


def test_burned_in_text_is_not_passed_where_nobody_looks() -> None:
    with pytest.raises(RefusedError, match="Burned In"):
        admit(values(CT, part=b"CHEST", burned=b"YES"), PIXELS, Policy(text=TextInPixels.NONE))


def clean(dataset: Dataset, sop_class: str) -> dict[int, Element]:
    profile = profile_for(sop_class, frozenset(element.tag for element in dataset))
    edits = plan_edits(dataset, profile, Subject(NAMES, "DLAAAAAAAAAAAAAAAA"))
    return {element.tag: element for element in apply_edits(dataset, edits)}


def test_a_document_becomes_an_empty_page_and_its_length_that_pages() -> None:
    pdf = b"%PDF-1.4 (Mustermann)"
    dataset = (Element(0x00420011, "OB", pdf), Element(0x00420015, "UL", len(pdf).to_bytes(4, "little")))

    after = clean(dataset, f"{ROOT}104.1")

    page = after[0x00420011].value[: int.from_bytes(after[0x00420015].value, "little")]
    assert page.startswith(b"%PDF-1.4\n")
    assert page.endswith(b"%%EOF\n")
    assert page[page.index(b"xref") - 1 :].count(b" n \n") == 3
    assert all(page[int(entry[:10]) :].startswith(b"%d 0 obj" % n) for n, entry in offsets(page))
    assert int(page.split(b"startxref\n")[1].split()[0]) == page.index(b"xref\n")


def offsets(page: bytes) -> list[tuple[int, bytes]]:
    return [(n, line) for n, line in enumerate(page.split(b"xref\n0 4\n")[1].split(b"\n")[:4]) if n]


def test_regions_of_a_structure_set_are_named_by_their_number() -> None:
    names = tuple((Element(0x30060026, "LO", name),) for name in (b"GTV Mustermann", b"Heart "))

    after = clean((Element(0x30060020, "SQ", b"", names),), f"{ROOT}481.3")

    assert [item[0].value for item in after[0x30060020].items or ()] == [b"ROI-1", b"ROI-2"]


def test_a_colour_profile_keeps_its_colours_and_no_word() -> None:
    raw = (Path(str(get_testdata_file("CT_small.dcm"))).parent / "crayons.icc").read_bytes()

    cleaned = icc_without_texts(raw + b"Mustermann")

    assert len(cleaned) == len(raw) + 10
    assert b"Mustermann" not in cleaned
    assert "Crayon".encode("utf-16-be") in raw
    assert "Crayon".encode("utf-16-be") not in cleaned
    assert cleaned[cleaned.index(b"rTRC") :][:12] == raw[raw.index(b"rTRC") :][:12]
    assert icc_without_texts(b"Mustermann") == bytes(10)


@pytest.mark.parametrize(
    "stream",
    [
        b"\xff\xd8\xff\xfe\0\x0cMustermann\xff\xe1\0\x0cMustermann\xff\xda\0\2\x11\x22\xff\xd9Mustermann",
        b"\xff\x4f\xff\x51\0\4\1\2\xff\x64\0\x0e\0\1Mustermann\xff\x90\0\2\x33\xff\xd9Mustermann",
        b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x12xml Mustermann\0\0\0\0jp2c\xff\x4f\xff\x90\0\2\xff\xd9Mustermann",
    ],
)
def test_code_streams_keep_their_length_and_no_comment(stream: bytes) -> None:
    cleaned = without_texts(stream)

    assert b"Muster" not in cleaned
    assert len(cleaned) == len(stream)
    assert cleaned[:4] == stream[:4]


def test_what_decoders_need_of_application_data_stays() -> None:
    adobe = b"\xff\xd8\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\1\xff\xda\0\2\xff\xd9"

    assert without_texts(adobe) == adobe

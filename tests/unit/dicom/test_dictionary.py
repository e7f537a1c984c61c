"""The dictionary is the standard's as pydicom holds it; its committed tables are what the generator makes of it."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom._dicom_dict import DicomDictionary

from dicomlake.dicom.dictionary.lookup import keyword_of, private_vr_of, tag_of, vr_of

ROOT = Path(__file__).parents[3]
NAMES = {"US or SS": "xs", "OB or OW": "ox", "US or OW": "uw", "US or SS or OW": "xw"}


def test_the_committed_tables_are_a_fresh_generation() -> None:
    generator = runpy.run_path(str(ROOT / "layers" / "core" / "build_dictionary.py"))

    for name, text in generator["tables"]().items():
        assert (ROOT / "layers/core/python/dicomlake/dicom/dictionary" / name).read_text(encoding="utf-8") == text


def test_every_standard_element_has_its_vr_and_keyword() -> None:
    for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
        if vr != "NONE":
            assert vr_of(f"{tag:08X}") == NAMES.get(vr, vr)
            assert keyword_of(f"{tag:08X}") == (keyword or None)


@pytest.mark.parametrize(
    ("tag", "vr", "keyword"),
    [
        ("60003000", "ox", "OverlayData"),
        ("60FE0010", "US", "OverlayRows"),
        ("50020005", "US", "CurveDimensions"),
        ("60013000", None, None),
        ("00091001", None, None),
        ("00080007", None, None),
    ],
)
def test_repeating_groups_and_unknown_tags(tag: str, vr: str | None, keyword: str | None) -> None:
    assert (vr_of(tag), keyword_of(tag)) == (vr, keyword)


def test_a_keyword_has_its_tag() -> None:
    assert (tag_of("PatientName"), tag_of("PatientNam")) == ("00100010", None)


def test_a_private_element_is_known_by_its_creator_in_any_block() -> None:
    assert private_vr_of("GEMS_IDEN_01", "00091001") == private_vr_of("GEMS_IDEN_01", "0009AB01") == "LO"
    assert private_vr_of("GEMS_IDEN_01", "00091099") is private_vr_of("NOBODY", "00091001") is None


def test_reading_a_sound_file_imports_neither_pydicom_nor_numpy() -> None:
    code = (
        "import sys, dicomlake.dicom.header.parse, dicomlake.dicom.dictionary.lookup as d; d.vr_of('00080005');"
        "late = ('pydicom', 'numpy', 'dicomlake.dicom.dictionary.private_table');"
        "sys.exit(any(name in sys.modules for name in late))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code

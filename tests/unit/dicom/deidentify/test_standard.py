"""The tables are the standard's, and a Type in this object decides what a choice comes to."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydicom.datadict import tag_for_keyword

from dicomlake.dicom.deidentify.standard import TOP, modules_in, standard, types_in
from tests.unit.dicom.deidentify.deid_given import CT, MR, PET, ROOT

FACTS = Path(os.environ.get("DICOMLAKE_FACTS", ROOT.parent / "shared/data"))


def test_the_committed_table_is_what_the_script_makes() -> None:
    if not (FACTS / "ps3_15_table_e1_1.json").is_file():
        pytest.skip("the standard's tables are not here: set DICOMLAKE_FACTS")
    spec = importlib.util.spec_from_file_location("build_deid_tables", ROOT / "layers/core/build_deid_tables.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    fresh = script.compact(FACTS)

    assert script.TARGET.read_text() == fresh


def test_every_row_of_the_table_is_there() -> None:
    rows = standard().actions

    assert len(rows) == 656 - 4  # the four rows for groups and private attributes are rules of the profile
    assert rows[0x00100010] == "Z"
    assert rows[0x00080021] == "X/D"
    assert rows[0x00081140] == "X/Z/U*"
    assert rows[0x0020000D] == "U"


@pytest.mark.parametrize(
    ("sop_class", "tag", "type_"),
    [
        (CT, 0x00080021, None),  # Series Date: Type 3 in General Series
        (PET, 0x00080021, "1"),  # Type 1 in PET Series
        (CT, 0x00080020, "2"),
        (MR, 0x00180010, "2"),
        (PET, 0x00080022, "2"),
    ],
)
def test_types_are_of_the_iod(sop_class: str, tag: int, type_: str | None) -> None:
    types = types_in(sop_class, modules_in(sop_class, frozenset()))

    assert types is not None
    assert types.get((TOP, tag)) == type_


def test_an_optional_module_counts_where_its_type_1_attributes_are_there() -> None:
    container, description = 0x00400512, 0x00400560
    place = (description, 0x00400562)

    without = types_in(CT, modules_in(CT, frozenset({container})))
    with_both = types_in(CT, modules_in(CT, frozenset({container, description})))

    assert without is not None
    assert with_both is not None
    assert place not in without
    assert with_both[place] == "2"


def test_an_unknown_sop_class_has_no_types() -> None:
    assert types_in("1.2.3", modules_in("1.2.3", frozenset())) is None


@pytest.mark.parametrize("sop_class", [CT, MR, PET])
def test_a_type_by_the_parent_alone_is_the_type_by_the_whole_path(sop_class: str) -> None:
    """The compact table knows an attribute by its parent only; the source knows its whole path."""
    facts = needed_facts("dicom_types_for_e1_1.json")
    modules = [name for name, usage, _ in facts["iods"][facts["sop_classes"][sop_class]] if usage == "M"]
    paths = [(path.split("/"), type_) for name in modules for path, type_ in facts["modules"].get(name, {}).items()]
    compact = types_in(sop_class, modules_in(sop_class, frozenset()))
    assert compact is not None

    for keywords, type_ in paths:
        parent, tag = ([TOP] + [tag_for_keyword(keyword) or 0 for keyword in keywords])[-2:]
        if standard().actions[tag] not in ("X", "D", "U"):
            assert compact[parent, tag] == type_, keywords


def needed_facts(name: str) -> Any:
    if not (FACTS / name).is_file():
        pytest.skip("the standard's tables are not here: set DICOMLAKE_FACTS")
    return json.loads((FACTS / name).read_text())

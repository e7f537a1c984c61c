"""What each option of the profile keeps, cleans and says."""

import pytest

from dicomlake.dicom.deidentify import Action, Dataset, Element, Subject, apply_edits, plan_edits, profile_for
from dicomlake.dicom.deidentify.dates import shifted
from dicomlake.dicom.deidentify.names import KeyedNames, PatientIdentity
from dicomlake.dicom.deidentify.options import OPTIONS, Option
from dicomlake.dicom.deidentify.standard import standard
from dicomlake.dicom.deidentify.statements import Done, statements
from tests.unit.dicom.deidentify.deid_given import CT, NAMES

SUBJECT = Subject(NAMES, "DLAAAAAAAAAAAAAAAA", -400)


def clean(dataset: Dataset, *options: Option) -> dict[int, Element]:
    profile = profile_for(CT, frozenset(element.tag for element in dataset), frozenset(options))
    return {element.tag: element for element in apply_edits(dataset, plan_edits(dataset, profile, SUBJECT))}


@pytest.mark.parametrize("option", [option for option in Option if option is not Option.SAFE_PRIVATE])
def test_every_row_of_an_options_column_is_followed(option: Option) -> None:
    profile = profile_for(CT, frozenset(), frozenset({option}))
    rows = {tag: code for tag, code in standard().options[OPTIONS[option].column].items() if tag >= 0x00080000}

    kept = {tag: profile.decide(0, tag, "LO").action for tag in rows}

    assert rows
    assert {kept[tag] for tag, code in rows.items() if code == "K"} <= {Action.KEEP}
    assert {kept[tag] for tag, code in rows.items() if code == "C"} <= {Action.CLEAN}


def test_uids_institutions_and_devices_stay_where_asked() -> None:
    dataset = (
        Element(0x00080018, "UI", b"1.2.3"),
        Element(0x00080080, "LO", b"Klinikum"),
        Element(0x00181000, "LO", b"SN-1"),
    )

    assert clean(dataset, Option.UIDS)[0x00080018].value == b"1.2.3"
    assert clean(dataset, Option.INSTITUTION)[0x00080080].value == b"Klinikum"
    assert clean(dataset, Option.DEVICE)[0x00181000].value == b"SN-1"
    assert 0x00181000 not in clean(dataset)


def test_dates_move_by_the_patients_days_and_times_stay() -> None:
    dataset = (Element(0x00080020, "DA", b"20240229"), Element(0x00080030, "TM", b"101112"))

    after = clean(dataset, Option.MODIFIED_DATES)

    assert after[0x00080020].value == b"20230125"
    assert after[0x00080030].value == b"101112"
    assert clean(dataset, Option.FULL_DATES)[0x00080020].value == b"20240229"


def test_a_date_that_is_none_goes_the_profiles_way() -> None:
    assert clean((Element(0x00080020, "DA", b"yesterday "),), Option.MODIFIED_DATES)[0x00080020].value == b""


def test_a_description_is_kept_but_for_what_identifies() -> None:
    dataset = (
        Element(0x00081030, "LO", b"CT Thorax Okonkwo 15.02.2024 "),
        Element(0x00101001, "PN", b"Okonkwo^Theodora"),
    )

    assert clean(dataset, Option.DESCRIPTORS)[0x00081030].value == b"CT Thorax *** *** "


def test_ages_above_89_are_one_age() -> None:
    ages = {b"045Y": b"045Y", b"089Y": b"089Y", b"090Y": b"090Y", b"103Y": b"090Y", b"011M": b"011M"}

    assert {age: clean((Element(0x00101010, "AS", age),), Option.PATIENT)[0x00101010].value for age in ages} == ages


def test_safe_private_attributes_stay_with_their_creator_and_get_their_vr() -> None:
    dataset = (
        Element(0x00190010, "LO", b"GEMS_ACQU_01"),
        Element(0x00191023, "UN", b"1.5 "),
        Element(0x00191099, "LO", b"MARK"),
        Element(0x00290010, "LO", b"NOBODY"),
        Element(0x00291023, "LO", b"MARK"),
    )

    after = clean(dataset, Option.SAFE_PRIVATE)

    assert sorted(after) == [0x00190010, 0x00191023]
    assert after[0x00191023].vr == "DS"


def test_the_codes_of_what_was_done_are_said() -> None:
    done = Done(frozenset({Option.MODIFIED_DATES, Option.UIDS}), pixels_cleaned=True)

    said = {element.tag: element for element in statements("DLAAAAAAAAAAAAAAAA", done)}

    codes = [item[0].value for item in said[0x00120064].items or ()]
    assert codes == [b"113100", b"113101", b"113107", b"113110"]
    assert said[0x00120062].value == b"YES"
    assert said[0x00280301].value == b"NO"
    assert said[0x00280303].value == b"MODIFIED"
    assert all(len(line) <= 64 for line in said[0x00120063].value.split(b"\\"))


@pytest.mark.parametrize(
    ("value", "vr", "expected"),
    [
        (b"20240229", "DA", b"20230125"),
        (b"2023.01.02", "DA", b"2021.11.28"),
        (b"202301", "DA", b"202111"),
        (b"20230101-20230201", "DA", b"20211127-20211228"),
        (b"20200101-", "DA", b"20181127-"),
        (b"20240101\\20240102 ", "DA", b"20221127\\20221128"),
        (b"20240215081530.123+0900", "DT", b"20230111081530.123+0900"),
        (b"2024-0500", "DT", b"2022-0500"),
        (b"20240215-20240216", "DT", b"20230111-20230112"),
        (b"101112", "TM", b"101112"),
        (b"20241399", "DA", None),
        (b"soon", "DA", None),
    ],
)
def test_dates_move_in_every_form(value: bytes, vr: str, expected: bytes | None) -> None:
    assert shifted(value, vr, -400) == expected


def test_one_patient_has_one_number_of_days_and_strangers_have_their_own() -> None:
    names = KeyedNames(b"k" * 32)
    first = PatientIdentity(b"KH-1", b"A", "site", "1.2")

    assert names.days(first) == names.days(PatientIdentity(b"KH-1", b"A", "other", "9.9"))
    assert names.days(first) != names.days(PatientIdentity(b"KH-1", b"B", "site", "1.2"))
    assert names.days(PatientIdentity(b"", b"", "site", "1.2")) != names.days(PatientIdentity(b"", b"", "site", "1.3"))
    assert -3653 <= names.days(first) <= -366

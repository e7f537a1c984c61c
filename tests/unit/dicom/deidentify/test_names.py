"""Keyed names: stable, injective, valid, and shared by nobody who is not the same person."""

import uuid

import pydicom.uid
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.dicom.deidentify import KeyedNames, PatientIdentity
from tests.unit.dicom.deidentify.deid_given import NAMES

uids = st.lists(st.integers(0, 10**12), min_size=1, max_size=4).map(lambda parts: ".".join(["1.3", *map(str, parts)]))


@settings(deadline=None)
@given(st.lists(uids, unique=True))
def test_the_uid_map_is_injective_and_stable(originals: list[str]) -> None:
    mapped = [NAMES.uid(uid) for uid in originals]

    assert len(set(mapped)) == len(originals)
    assert mapped == [KeyedNames(NAMES.key).uid(uid) for uid in originals]


@settings(deadline=None)
@given(uids)
def test_a_mapped_uid_is_a_valid_version_8_uuid(original: str) -> None:
    mapped = NAMES.uid(original)

    root, _, number = mapped.rpartition(".")
    assert root == "2.25"
    assert pydicom.uid.UID(mapped).is_valid
    assert uuid.UUID(int=int(number)).version == 8
    assert uuid.UUID(int=int(number)).variant == uuid.RFC_4122


def test_uids_of_the_standard_stay() -> None:
    assert NAMES.uid("1.2.840.10008.1.4.1.1") == "1.2.840.10008.1.4.1.1"
    assert NAMES.uid("1.2.840.100080.1") != "1.2.840.100080.1"
    assert "SMITH" not in NAMES.uid("1.2.840.10008.SMITH")


def identity(patient_id: bytes, issuer: bytes = b"", source: str = "default", study: str = "1.2.3") -> PatientIdentity:
    return PatientIdentity(patient_id, issuer, source, study)


def test_one_patient_has_one_pseudonym_in_every_study() -> None:
    first = NAMES.patient(identity(b"MS-000001 ", b"HOSPITAL", "a", "1.2.3"))
    again = NAMES.patient(identity(b"MS-000001", b"HOSPITAL ", "b", "1.2.4"))

    assert first == again
    assert len(first) == 18
    assert first.isascii()
    assert first.isalnum()


def test_the_same_id_of_another_issuer_or_source_is_another_patient() -> None:
    pseudonyms = {
        NAMES.patient(identity(b"12345")),
        NAMES.patient(identity(b"12345", b"A")),
        NAMES.patient(identity(b"12345", b"B")),
        NAMES.patient(identity(b"12345", source="other")),
        NAMES.patient(identity(b"12345", b"default")),
    }

    assert len(pseudonyms) == 5


def test_a_placeholder_is_nobodys_id() -> None:
    for placeholder in (b"", b"  ", b"000000", b"0", b"unknown", b"ANONYMOUS", b"-", b"N/A"):
        assert not identity(placeholder).has_id
        assert NAMES.patient(identity(placeholder, study="1.2")) != NAMES.patient(identity(placeholder, study="1.3"))
        assert NAMES.patient(identity(placeholder, study="1.2")) == NAMES.patient(identity(placeholder, study="1.2"))


def test_a_key_is_not_shown() -> None:
    assert "key of the test" not in repr(NAMES)


def test_a_mapping_that_is_to_be_written_forgets_nothing() -> None:
    few, all_of_them = KeyedNames(b"k", most=2), KeyedNames(b"k", most=1 << 20)

    for number in range(100):
        assert few.uid(f"1.2.{number}") == all_of_them.uid(f"1.2.{number}")

    assert (len(few.remembered), len(all_of_them.remembered)) == (2, 100)

"""A clean head opens in pydicom, holds nothing of the original's identity, and its pixels still belong to it."""

import csv
import hashlib
import json
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicomlake.dicom.deidentify import NATIVE_SYNTAXES, TAKEN_SOP_CLASSES, KeyedNames
from dicomlake.dicom.header.parse import BULK_LIMIT
from dicomlake.domain.errors import Reason, RefusedError
from tests.unit.dicom.deidentify.deid_given import (
    CT,
    EXPLICIT,
    MR,
    NAMES,
    PET,
    PIXELS,
    Cut,
    corpus_file,
    cut,
    encode,
    image,
    pydicom_file,
    reread,
)

DEFLATED = "1.2.840.10008.1.2.1.99"
NO_MARKS = {"123456", "REMOVED"}
"""An ID that is also the file's Series Number, and a date somebody else removed: finding them again tells nothing."""
ENCODINGS = [(False, True), (True, True), (False, False)]


def marked() -> tuple[Dataset, list[bytes]]:
    """An image with a marked value in every place that identifiers are found in, and the marks."""
    dataset = image()
    dataset.PatientName = "MARK-NAME^Erika"
    dataset.PatientID = "MARK-ID"
    dataset.IssuerOfPatientID = "MARK-ISSUER"
    dataset.PatientBirthDate, dataset.StudyDate, dataset.AcquisitionDate = "19580714", "20240215", "20240216"
    dataset.StudyTime = "081530"
    dataset.AcquisitionDateTime = "20240217081530"
    dataset.AccessionNumber, dataset.StudyID = "MARK-ACC", "MARK-STUDY"
    dataset.InstitutionName, dataset.StationName = "MARK-HOSPITAL", "MARK-STATION"
    dataset.StudyDescription, dataset.ImageComments = "MARK-DESCRIPTION", "MARK-COMMENT"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = "1.2.777.1.4", "1.2.777.1"
    dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2.777.1.3", "1.2.777.9"
    dataset.private_block(0x0029, "MARK-PRIVATE", create=True).add_new(0x10, "LO", "MARK-PRIVATE-VALUE")
    inner = Dataset()
    inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = CT, "1.2.777.5"
    inner.PatientName, inner.OperatorsName = "MARK-NESTED^A", "MARK-OPERATOR^O"
    inner.private_block(0x0031, "MARK-INNER", create=True).add_new(0x10, "OB", b"MARK-BLOB!")
    inner.ReferencedImageSequence = Sequence([reference("1.2.777.6")])
    dataset.MACParametersSequence = Sequence([inner])  # a sequence that the table does not name
    dataset.ReferencedImageSequence = Sequence([reference("1.2.777.7")])
    dataset.add_new(0x60003000, "OW", b"MARK-OVERLAY")
    dataset.add_new(0x50003000, "OW", b"MARK-CURVE")
    dataset.add_new(0x60004000, "LT", "MARK-OVERLAY-TEXT")
    dataset.add_new(0x00081190, "UR", "http://MARK-SERVER/studies/1.2.777.1")
    marks = [b"MARK", b"1.2.777", b"19580714", b"2024021", b"081530"]
    return dataset, marks


def reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid
    return item


@pytest.mark.parametrize(("implicit", "little"), ENCODINGS)
def test_nothing_marked_survives_in_any_encoding(implicit: bool, little: bool) -> None:
    dataset, marks = marked()
    given = encode(dataset, implicit, little)
    assert all(mark in given.head for mark in marks)

    clean = given.clean()

    assert [mark for mark in marks if mark in clean.before + clean.after] == []
    assert reread(clean).Rows == 8


def test_every_encoding_gives_the_same_clean_head() -> None:
    heads = {encode(marked()[0], implicit, little).clean().before for implicit, little in ENCODINGS}

    assert len(heads) == 1


def test_preamble_file_meta_and_what_follows_the_pixels_are_new() -> None:
    given = encode(image())
    meta = b"MARK-AE-TITLE   "
    head = b"MARK" * 32 + b"DICM" + b"\x02\x00\x16\x00AE" + len(meta).to_bytes(2, "little") + meta
    dirty = Cut(head + given.head + b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0MARK", given.pixels, EXPLICIT)

    clean = dirty.clean()

    assert clean.before[:128] == bytes(128)
    assert b"MARK" not in clean.before + clean.after
    written = reread(clean)
    assert written.file_meta.MediaStorageSOPInstanceUID == written.SOPInstanceUID == clean.key.instance_uid
    assert "SourceApplicationEntityTitle" not in written.file_meta
    assert clean.before[144 + written.file_meta.FileMetaInformationGroupLength :].startswith(b"\x08\0")


def test_references_inside_unlisted_sequences_follow_the_instances_they_name() -> None:
    dataset, _ = marked()

    clean = reread(encode(dataset).clean())

    inner = clean.MACParametersSequence[0]
    assert inner.ReferencedSOPClassUID == CT
    assert inner.ReferencedSOPInstanceUID == NAMES.uid("1.2.777.5")
    assert inner.ReferencedImageSequence[0].ReferencedSOPInstanceUID == NAMES.uid("1.2.777.6")
    assert clean.ReferencedImageSequence[0].ReferencedSOPInstanceUID == NAMES.uid("1.2.777.7")
    assert clean.FrameOfReferenceUID == NAMES.uid("1.2.777.9")


def test_a_clean_object_says_what_was_done_and_that_it_is_not_cleared() -> None:
    clean = reread(encode(image()).clean())

    assert clean.PatientIdentityRemoved == "NO"
    assert clean.DeidentificationMethod
    assert [(code.CodeValue, code.CodingSchemeDesignator) for code in clean.DeidentificationMethodCodeSequence] == [
        ("113100", "DCM")
    ]
    assert clean.LongitudinalTemporalInformationModified == "REMOVED"


def test_a_pet_image_keeps_a_value_where_its_iod_requires_one() -> None:
    dates = {"SeriesDate": "20240215", "SeriesTime": "081530", "AcquisitionDate": "20240215", "StudyDate": "20240215"}
    pet, ct = image(PET), image(CT)
    for keyword, value in dates.items():
        setattr(pet, keyword, value)
        setattr(ct, keyword, value)

    pet, ct = reread(encode(pet).clean()), reread(encode(ct).clean())

    assert (pet.SeriesDate, pet.SeriesTime) == ("19000101", "000000")
    assert pet["AcquisitionDate"].is_empty
    assert "SeriesDate" not in ct
    assert "AcquisitionDate" not in ct
    assert pet["StudyDate"].is_empty
    assert ct["StudyDate"].is_empty


def test_an_odd_number_of_pixel_bytes_is_padded() -> None:
    given = encode(image())

    clean = Cut(given.head, b"\1\2\3", EXPLICIT).clean()

    assert clean.after == b"\0"
    assert clean.before[-4:] == (4).to_bytes(4, "little")
    assert reread(clean, b"\1\2\3").PixelData == b"\1\2\3\0"
    assert clean.size == len(clean.before) + 4


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"])
def test_pydicoms_own_images_come_out_clean_and_readable(name: str) -> None:
    original = pydicom.dcmread(pydicom_file(name))
    given = cut(pydicom_file(name))

    clean = given.clean()

    again = reread(clean, given.pixels)
    written = clean.before + clean.after
    for keyword in ("PatientID", "PatientName", "SOPInstanceUID", "StudyInstanceUID", "StudyDate"):
        value = str(original.get(keyword, "")).encode()
        assert not value or value not in written
    assert (again.Rows, again.Columns, again.BitsAllocated) == (original.Rows, original.Columns, original.BitsAllocated)
    assert again.Modality == original.Modality
    assert not [element for element in again.iterall() if element.tag.is_private]


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_native_images_of_the_corpus_come_out_without_any_original_uid_name_or_date() -> None:
    taken = 0
    for path in native_images():
        given = cut(path)
        originals = identifying(pydicom.dcmread(path, force=True))

        clean = given.clean()

        left = {value for value in originals if value in clean.before + clean.after}
        assert not left, path
        assert list(reread(clean, given.pixels).iterall()), path
        taken += 1
    assert taken > 30


def native_images() -> list[Path]:
    """The CT, MR and PET images of the corpus that came uncompressed and sound, with their pixels."""
    with corpus_file("manifest.csv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest))
    native = [
        row for row in rows if row["sop_class"] in TAKEN_SOP_CLASSES and row["transfer_syntax"] in NATIVE_SYNTAXES
    ]
    sound = [row for row in native if row["expected"] == "ok" and row["transfer_syntax"] != DEFLATED]
    return [corpus_file(row["path"]) for row in sound if not row["path"].startswith("pydicom:")]


def identifying(dataset: Dataset) -> set[bytes]:
    """Every original UID that is not the standard's, and every name, date and ID that is long enough to search for."""
    found = set()
    for element in dataset.iterall():
        values = [str(value) for value in (element.value if element.VM > 1 else [element.value])]
        if element.VR == "UI" and element.keyword not in ("CodingSchemeUID", "ImplementationClassUID"):
            found |= {value for value in values if value and not value.startswith("1.2.840.10008.")}
        if element.VR in ("DA", "DT", "PN") or element.keyword in ("PatientID", "AccessionNumber"):
            found |= {value for value in values if len(value) > 5 and value not in NO_MARKS}
    return {value.encode("utf-8", "replace") for value in found}


def test_twice_gives_the_same_bytes_and_another_key_other_names() -> None:
    given = encode(marked()[0])

    first, again, other = given.clean(), given.clean(), given.clean(KeyedNames(b"another key"))

    assert first.before == again.before
    assert first.key != other.key
    assert reread(first).PatientID != reread(other).PatientID


def test_the_pixels_are_not_touched_by_their_header() -> None:
    clean = encode(image(MR)).clean()

    assert hashlib.sha256(reread(clean).PixelData).digest() == hashlib.sha256(PIXELS).digest()


def test_a_header_that_ends_early_is_refused_without_its_values() -> None:
    given = encode(image())

    with pytest.raises(RefusedError) as refused:
        Cut(given.head[: given.head.index(b"MS-000001") + 3], given.pixels, EXPLICIT).clean()

    assert refused.value.reason is Reason.DEID_REFUSED
    assert "MS-" not in str(refused.value)


def test_the_view_is_of_the_new_head_and_its_offsets_are_the_objects() -> None:
    dataset = image()
    dataset.RedPaletteColorLookupTableData = bytes(2 * BULK_LIMIT)
    clean = encode(dataset).clean()

    parsed, text = clean.view()

    (bulk,) = parsed.bulk
    assert (clean.before + PIXELS + clean.after)[bulk.start : bulk.end] == bytes(2 * BULK_LIMIT)
    assert parsed.key == clean.key
    assert json.loads(text) == parsed.json
    assert parsed.pixels is not None
    assert (parsed.pixels.value_offset, parsed.pixels.truncated) == (len(clean.before), False)


def test_groups_that_no_data_set_has_are_dropped() -> None:
    given = encode(image())
    at = given.head.index(b"\x08\0\x08\0CS")
    command = b"\0\0\x20\x10LO\x08\0MARK-CMD"

    clean = Cut(given.head[:at] + command + given.head[at:], given.pixels, EXPLICIT).clean()

    assert b"MARK" not in clean.before

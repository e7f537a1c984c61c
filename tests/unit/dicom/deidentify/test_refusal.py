"""What is not taken is refused with the rule's name and nothing of the object's."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicomlake.dicom.deidentify import refuse_class
from dicomlake.domain.errors import Reason, RefusedError
from tests.unit.dicom.deidentify.deid_given import CT, EXPLICIT, MR, PET, Cut, encode, image, reread

HTJ2K, JPEG, SECONDARY_CAPTURE = "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.50", "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.parametrize("sop_class", [CT, MR, PET])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"])
def test_ct_mr_and_pet_of_native_source_are_taken(sop_class: str, syntax: str) -> None:
    refuse_class(sop_class, syntax, HTJ2K)


@pytest.mark.parametrize(
    ("sop_class", "source", "stored", "rule"),
    [
        (SECONDARY_CAPTURE, EXPLICIT, HTJ2K, "SOP class"),
        ("1.2.840.10008.5.1.4.1.1.2.1", EXPLICIT, HTJ2K, "SOP class"),
        (CT, JPEG, JPEG, "source transfer syntax"),
        (CT, HTJ2K, HTJ2K, "source transfer syntax"),
        (CT, EXPLICIT, EXPLICIT, "stored frames"),
    ],
)
def test_another_kind_of_object_is_refused(sop_class: str, source: str, stored: str, rule: str) -> None:
    with pytest.raises(RefusedError, match=rule) as refused:
        refuse_class(sop_class, source, stored)

    assert refused.value.reason is Reason.DEID_REFUSED


def burned_in(dataset: Dataset) -> None:
    dataset.BurnedInAnnotation = "YES"


def screen_save(dataset: Dataset) -> None:
    dataset.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]


def converted(dataset: Dataset) -> None:
    dataset.ConversionType = "WSD"


def coloured(dataset: Dataset) -> None:
    dataset.PhotometricInterpretation = "RGB"


def overlay_in_pixels(dataset: Dataset) -> None:
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 12)


def document(dataset: Dataset) -> None:
    dataset.EncapsulatedDocument = b"%PDF"


def waveform(dataset: Dataset) -> None:
    dataset.WaveformSequence = [Dataset()]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (burned_in, "Burned In Annotation"),
        (screen_save, "Image Type"),
        (converted, "Conversion Type"),
        (coloured, "Photometric Interpretation"),
        (overlay_in_pixels, "overlay"),
        (document, "encapsulated document"),
        (waveform, "waveforms"),
    ],
)
def test_what_may_show_the_patient_is_refused(change: Callable[[Dataset], None], rule: str) -> None:
    dataset = image()
    change(dataset)

    with pytest.raises(RefusedError, match=rule) as refused:
        encode(dataset).clean()

    assert "Mustermann" not in str(refused.value)
    assert "1.2.3" not in str(refused.value)


def test_an_overlay_beside_the_pixels_is_dropped_not_refused() -> None:
    dataset = image()
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", bytes(8))

    clean = reread(encode(dataset).clean())

    assert not [element for element in clean if element.tag.group == 0x6000]


@pytest.mark.parametrize(
    ("element", "rule"),
    [
        (b"\x29\0\x10\x10SQ\0\0\xff\xff\xff\xffGARBAGE!", "sequence"),
        (b"\x08\0\x40\x11UN\0\0\x08\0\0\0GARBAGE!", "sequence"),
        (b"\x29\0\x10\x10\x01\x02\x03\x04", "value representation"),
        (b"\x29\0\x10\x10LO\xff\x7fshort", "ends outside"),
    ],
)
def test_what_cannot_be_read_is_refused(element: bytes, rule: str) -> None:
    whole = encode(image())
    at = whole.head.rindex(b"\xe0\x7f\x10\0OW")

    with pytest.raises(RefusedError, match=rule):
        Cut(whole.head[:at] + element + whole.head[at:], whole.pixels, EXPLICIT).clean()


def test_an_image_without_pixels_is_refused() -> None:
    whole = encode(image())
    at = whole.head.rindex(b"\xe0\x7f\x10\0OW")

    with pytest.raises(RefusedError, match="without pixels"):
        Cut(whole.head[:at], b"", EXPLICIT).clean()


DAMAGE = st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4)
ENCODINGS = st.sampled_from([(False, True), (True, True), (False, False)])


@settings(deadline=None, max_examples=300)
@given(DAMAGE, ENCODINGS)
def test_damage_is_refused_or_cleaned_never_anything_else(
    damage: list[tuple[int, bytes]], encoding: tuple[bool, bool]
) -> None:
    cut = encode(nested(), *encoding)
    head = bytearray(cut.head)
    for place, what in damage:
        at = 132 + place % (len(head) - 132)
        head[at : at + len(what)] = what

    with suppress(RefusedError):
        clean = Cut(bytes(head), cut.pixels, cut.syntax).clean()
        parsed, _ = clean.view()
        assert parsed.key == clean.key


def nested() -> Dataset:
    """An image with items in items, private and not."""
    dataset, item, inner = image(), Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID, inner.PatientName = "1.2.3.4.6", "Mustermann^Erika"
    item.PurposeOfReferenceCodeSequence = [inner]
    item.private_block(0x0029, "PRIVATE", create=True).add_new(0x10, "SQ", [inner])
    dataset.SourceImageSequence = [item, item]
    return dataset

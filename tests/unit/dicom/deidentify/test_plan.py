"""The plan is data: tested with literals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.dicom.deidentify import (
    Action,
    Dataset,
    Element,
    KeyedNames,
    Subject,
    apply_edits,
    plan_edits,
    profile_for,
)
from dicomlake.dicom.deidentify.dataset import encode_dataset, known_vr, read_head
from dicomlake.dicom.deidentify.dummies import DUMMIES
from dicomlake.dicom.deidentify.standard import standard
from dicomlake.dicom.deidentify.statements import Done, statements
from dicomlake.dicom.header.vr import KNOWN
from tests.unit.dicom.deidentify.deid_given import CT, NAMES, PET

PSEUDONYM = "DLAAAAAAAAAAAAAAAA"
SUBJECT = Subject(NAMES, PSEUDONYM)
STATED = statements(PSEUDONYM, Done())
IDENTITY = Element(0x00080016, "UI", CT.encode()), Element(0x00080018, "UI", b"1.2.3.4")


class SettledNames(KeyedNames):
    """Names that map what they gave out to itself, so that only the plan's own edits show."""

    def uid(self, original: str) -> str:
        return original if original.startswith("2.25.") else KeyedNames.uid(self, original)


def plan(dataset: Dataset, sop_class: str = CT) -> dict[tuple[int, ...], Element | None]:
    profile = profile_for(sop_class, frozenset(element.tag for element in dataset))
    return {edit.path: edit.element for edit in plan_edits(dataset, profile, SUBJECT, STATED)}


def test_an_edit_names_its_path_action_reason_and_clause() -> None:
    operators = Element(0x00081070, "PN", b"Oscar")
    unlisted = Element(0x4FFE0001, "SQ", b"", ((operators,),))

    edits = plan_edits((unlisted,), profile_for(CT, frozenset()), SUBJECT)

    edit = edits[0]
    assert edit.path == (0x4FFE0001, 0, 0x00081070)
    assert edit.action is Action.REMOVE
    assert edit.why == "X/Z/D, Type 3"
    assert edit.clause == "PS3.15 Table E.1-1"
    assert "Oscar" not in repr(edits)


def test_private_groups_overlays_and_curves_go_whole() -> None:
    dataset = tuple(
        Element(tag, "OB", b"xx") for tag in (0x00290010, 0x00291010, 0x50003000, 0x50FE0005, 0x60000010, 0x601E3000)
    )

    planned = plan(dataset)

    assert all(planned[(element.tag,)] is None for element in dataset)


def test_an_unlisted_sequence_is_entered_at_every_depth() -> None:
    leaf = Element(0x00081155, "UI", b"1.2.3.9")
    for _ in range(5):
        leaf = Element(0x00089215, "SQ", b"", ((leaf,), (leaf,)))

    planned = plan((leaf,))

    deepest = [path for path in planned if len(path) == 11]
    assert len(deepest) == 2**5
    assert {planned[path] for path in deepest} == {Element(0x00081155, "UI", NAMES.uid("1.2.3.9").encode())}


def test_names_dates_and_addresses_that_the_table_leaves_out_go_too() -> None:
    dataset = (
        Element(0x00080120, "UR", b"urn:oid:1.2"),
        Element(0x00081190, "UR", b"http://server"),
        Element(0x00401234, "UN", b"??"),
        Element(0x30060099, "PN", b"Name"),
        Element(0x0018F000, "DA", b"20240101"),
        Element(0x00181111, "DS", b"1099.3"),
    )

    planned = plan(dataset)

    assert {path[0] for path, after in planned.items() if after is None} == {
        0x00081190,
        0x00401234,
        0x30060099,
        0x0018F000,
    }
    assert (0x00080120,) not in planned
    assert (0x00181111,) not in planned


def test_uids_that_the_table_leaves_out_are_mapped_but_classes_and_coding_schemes_stay() -> None:
    volume_frame_of_reference, coding_scheme = 0x00209312, 0x0008010C
    dataset = (
        Element(coding_scheme, "UI", b"2.16.840.1.113883.6.96"),
        Element(volume_frame_of_reference, "UI", b"1.2"),
    )

    planned = plan(dataset)

    assert planned[(volume_frame_of_reference,)] == Element(volume_frame_of_reference, "UI", NAMES.uid("1.2").encode())
    assert (coding_scheme,) not in planned


def test_every_uid_of_a_multiple_value_is_mapped_and_empty_ones_stay_empty() -> None:
    dataset = (Element(0x00080014, "UI", b"1.2\\\\1.2.840.10008.1.2\\1.2.3\0"),)

    planned = plan(dataset)

    expected = "\\".join([NAMES.uid("1.2"), "", "1.2.840.10008.1.2", NAMES.uid("1.2.3")])
    assert planned[(0x00080014,)] == Element(0x00080014, "UI", expected.encode())


def test_a_sequence_that_needs_a_value_keeps_its_shape_with_dummies() -> None:
    code = (Element(0x00080100, "SH", b"007"), Element(0x00080102, "SH", b"99HOSP"), Element(0x00080104, "LO", b"Bond"))
    person = Element(0x00401101, "SQ", b"", (code,))

    planned = plan((person,))

    assert {path[2]: after for path, after in planned.items() if path[0] == 0x00401101} == {
        0x00080100: Element(0x00080100, "SH", b"REMOVED"),
        0x00080102: Element(0x00080102, "SH", b"99REMOVED"),
        0x00080104: Element(0x00080104, "LO", b"REMOVED"),
    }


def test_the_patient_gets_one_pseudonym_even_where_none_was_named() -> None:
    planned = plan(IDENTITY)

    assert planned[(0x00100010,)] == Element(0x00100010, "PN", PSEUDONYM.encode())
    assert planned[(0x00100020,)] == Element(0x00100020, "LO", PSEUDONYM.encode())


def test_every_vr_has_a_dummy_of_its_own_form() -> None:
    assert KNOWN - DUMMIES.keys() == {"UI", "SQ"}
    assert all(DUMMIES.values())


@pytest.mark.parametrize("sop_class", [CT, PET])
def test_every_attribute_that_the_iod_requires_a_value_for_keeps_one(sop_class: str) -> None:
    profile = profile_for(sop_class, frozenset(range(0x00080000, 0x00800000, 0x10000)))
    assert profile.types is not None
    types = {
        place: type_
        for place, type_ in profile.types.items()
        if not (type_.endswith("C") and standard().actions[place[1]] == "X")
    }
    required = [place for place, type_ in types.items() if type_.startswith("1")]

    actions = {place: profile.decide(*place, known_vr(place[1])).action for place in required}

    present = {place: profile.decide(*place, known_vr(place[1])).action for place in types}
    assert required
    assert Action.REMOVE not in present.values()
    assert {Action.REMOVE, Action.EMPTY}.isdisjoint(actions.values())


def test_what_the_profile_removes_but_the_iod_requires_is_emptied_or_a_dummy() -> None:
    softcopy, creation_date = "1.2.840.10008.5.1.4.1.1.11.1", 0x00700082
    date = Element(creation_date, "DA", b"20240215")

    planned = plan((date,), softcopy)

    assert planned[(creation_date,)] == date._replace(value=b"19000101")
    assert plan((date,))[(creation_date,)] is None


PRIVATE = (0x00290010,)


def elements(depth: int, more: tuple[int, ...]) -> st.SearchStrategy[Element]:
    """Elements of tags that the table names or not, of any VR, nested."""
    listed = sorted(standard().actions)
    tags = st.sampled_from([*listed[5:600:7], 0x00181111, 0x00080008, 0x0018F000, *more])
    values = st.binary(max_size=12).map(lambda value: value + b" " * (len(value) & 1))
    plain = st.builds(Element, tags, st.sampled_from(["LO", "PN", "DA", "UI", "OB", "US", "CS"]), values, st.none())
    if not depth:
        return plain
    items = st.lists(data_sets(more, depth - 1), max_size=2).map(tuple)
    return plain | st.builds(Element, tags, st.just("SQ"), st.just(b""), items)


def data_sets(more: tuple[int, ...], depth: int = 2) -> st.SearchStrategy[Dataset]:
    unique = st.lists(elements(depth, more), max_size=6, unique_by=lambda element: element.tag)
    return unique.map(lambda found: tuple(sorted(found, key=lambda element: element.tag)))


@settings(deadline=None)
@given(data_sets(PRIVATE))
def test_a_second_pass_changes_nothing(dataset: Dataset) -> None:
    names = SettledNames(b"key")
    profile = profile_for(CT, frozenset(element.tag for element in dataset))

    subject = Subject(names, PSEUDONYM)

    once = apply_edits(dataset, plan_edits(dataset, profile, subject, STATED))
    twice = apply_edits(once, plan_edits(once, profile, subject, STATED))

    assert encode_dataset(twice) == encode_dataset(once)


@settings(deadline=None)
@given(data_sets(()))
def test_what_is_written_reads_back(dataset: Dataset) -> None:
    written = encode_dataset(dataset)

    assert encode_dataset(read_head(written).dataset) == written

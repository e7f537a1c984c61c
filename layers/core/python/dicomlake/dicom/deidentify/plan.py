"""The plan: which edits make a data set a clean one. Pure; `apply_edits` carries it out."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dicomlake.dicom.deidentify.dataset import Dataset, Element
from dicomlake.dicom.deidentify.dummies import dummy_of, map_uids
from dicomlake.dicom.deidentify.names import KeyedNames
from dicomlake.dicom.deidentify.profile import Action, Profile
from dicomlake.dicom.deidentify.standard import TOP

type Path = tuple[int, ...]
"""Where an element is: tags and item indices (from 0) in turn, ending with its tag."""

PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020

CID_7050_BASIC = ("113100", "Basic Application Confidentiality Profile")
"""The code of what was applied (PS3.16 CID 7050)."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: where, what kind, why, and by which clause; `element` is what stands there after (None: nothing)."""

    path: Path
    action: Action
    why: str
    clause: str
    element: Element | None = field(default=None, repr=False)


def plan_edits(dataset: Dataset, profile: Profile, names: KeyedNames, patient: str) -> tuple[Edit, ...]:
    """Return the edits that de-identify a data set by a profile; elements without an edit stay as they are.

    `patient` is the pseudonym that PatientName and PatientID get. Planning an edited data set again under names that
    map their own results to themselves plans nothing that changes it.
    """
    stated = {element.tag: element for element in _statements(patient)}
    found = {element.tag for element in dataset}
    table = [edit for edit in _plan(dataset, (), TOP, profile, names) if edit.path[0] not in stated]
    return (*table, *[_state(element, element.tag in found) for element in stated.values()])


def _plan(dataset: Dataset, around: Path, parent: int, profile: Profile, names: KeyedNames) -> Iterator[Edit]:
    for element in dataset:
        decision = profile.decide(parent, element.tag, element.vr)
        action = decision.action
        if action is Action.KEEP:
            continue
        path = (*around, element.tag)
        if action is not Action.ENTER:
            after = _AFTER[action](element, names)
            yield Edit(path, action, decision.why, decision.clause, after)
        elif element.items is not None:
            for index, item in enumerate(element.items):
                yield from _plan(item, (*path, index), element.tag, profile, names)


def _removed(_element: Element, _names: KeyedNames) -> None:
    return None


def _emptied(element: Element, _names: KeyedNames) -> Element:
    return element._replace(value=b"", items=None if element.items is None else ())


_AFTER = {
    Action.REMOVE: _removed,
    Action.EMPTY: _emptied,
    Action.DUMMY: dummy_of,
    Action.UID: map_uids,
}


def _statements(patient: str) -> tuple[Element, ...]:
    """What a clean data set says of itself, whatever it said before (PS3.15 E.1.1; PS3.3 C.7.1.1, C.12.1).

    PatientIdentityRemoved is NO: the pixels and free text have not been looked at, so nobody may rely on it yet.
    """
    code, meaning = CID_7050_BASIC
    method = (
        Element(0x00080100, "SH", code.encode()),
        Element(0x00080102, "SH", b"DCM"),
        Element(0x00080104, "LO", meaning.encode()),
    )
    return (
        Element(PATIENT_NAME, "PN", patient.encode()),
        Element(PATIENT_ID, "LO", patient.encode()),
        Element(0x00120062, "CS", b"NO"),
        Element(0x00120063, "LO", b"PS3.15 Basic Profile; pixels and free text not reviewed"),
        Element(0x00120064, "SQ", b"", (method,)),
        Element(0x00280303, "CS", b"REMOVED"),
    )


def _state(element: Element, there: bool) -> Edit:
    action = Action.DUMMY if there else Action.ADD
    clause = "PS3.15 E.1.1, PS3.3 C.7.1.1" if element.tag >> 16 in (0x0010, 0x0012) else "PS3.15 E.1.1, PS3.3 C.12.1"
    return Edit((element.tag,), action, "stated of every de-identified object", clause, element)


def apply_edits(dataset: Dataset, edits: tuple[Edit, ...]) -> Dataset:
    """Return the data set with the edits carried out, in tag order."""
    changes = {edit.path: edit.element for edit in edits}
    entered = {edit.path[:depth] for edit in edits for depth in range(1, len(edit.path), 2)}
    edited = _apply(dataset, (), changes, entered)
    added = [edit.element for edit in edits if edit.action is Action.ADD and edit.element is not None]
    return tuple(sorted([*edited, *added], key=lambda element: element.tag))


def _apply(dataset: Dataset, around: Path, changes: dict[Path, Element | None], entered: set[Path]) -> list[Element]:
    result: list[Element] = []
    for element in dataset:
        path = (*around, element.tag)
        after = changes.get(path, element)
        if after is element and path in entered and element.items is not None:
            items = [tuple(_apply(item, (*path, i), changes, entered)) for i, item in enumerate(element.items)]
            after = element._replace(items=tuple(items))
        if after is not None:
            result.append(after)
    return result

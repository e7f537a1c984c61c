"""The Basic Application Level Confidentiality Profile as decisions: what happens to an attribute, and by which clause.

Order of the rules: what the lake never carries over, the columns of the options asked for, Table E.1-1 by the
attribute's Type in this object, then what the table leaves open and an identifier may hide in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from dicomlake.dicom.deidentify.dataset import is_private
from dicomlake.dicom.deidentify.kept_uids import KEPT_UIDS
from dicomlake.dicom.deidentify.options import OPTIONS, Option, in_order
from dicomlake.dicom.deidentify.standard import Place, modules_in, standard, types_in


class Action(StrEnum):
    """What is done to an attribute, in the letters of PS3.15 Table E.1-1a.

    CLEAN keeps a value but for what is found in it, SHIFT moves dates by the patient's days (both are C of the table),
    HASH and REPLACE are a policy's own; ENTER looks into a sequence's items.
    """

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
    CLEAN = "C"
    SHIFT = "shift"
    HASH = "hash"
    REPLACE = "replace"
    ENTER = "enter"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, why, and the clause that asks for it."""

    action: Action
    why: str
    clause: str


TABLE = "PS3.15 Table E.1-1"
BEYOND = "PS3.15 E.1.1, beyond Table E.1-1"

_X, _Z, _D, _U, _ENTER = Action.REMOVE, Action.EMPTY, Action.DUMMY, Action.UID, Action.ENTER
# Action code -> what it comes to for Type 1, 2, 3, and for an object whose IOD is not known.
# An empty value is no value: Z of a Type 1 attribute is a dummy (PS3.15 E.1.1 allows Z either). X of what the IOD
# always requires would break the object; what is required only in some case (1C, 2C) is removed.
_BY_TYPE: Mapping[str, Mapping[str | None, Action]] = {
    "X": {"1": _D, "2": _Z, "3": _X, None: _X},
    "D": {"1": _D, "2": _D, "3": _D, None: _D},
    "U": {"1": _U, "2": _U, "3": _U, None: _U},
    "Z": {"1": _D, "2": _Z, "3": _Z, None: _Z},
    "Z/D": {"1": _D, "2": _Z, "3": _Z, None: _D},
    "X/Z": {"1": _D, "2": _Z, "3": _X, None: _Z},
    "X/D": {"1": _D, "2": _D, "3": _X, None: _D},
    "X/Z/D": {"1": _D, "2": _Z, "3": _X, None: _D},
    "X/Z/U*": {"1": _ENTER, "2": _ENTER, "3": _ENTER, None: _ENTER},
}

_BEYOND_TAGS: Mapping[int, Decision] = {
    0x00420015: Decision(_D, "the length of the document that stands in", BEYOND),
    0x00080120: Decision(Action.KEEP, "names a code, like a code value", TABLE),
    0x00282000: Decision(Action.CLEAN, "texts of an ICC profile", BEYOND),
}
_BEYOND_VRS: Mapping[str, Decision] = {
    "UN": Decision(_X, "an element that nothing tells how to read", BEYOND),
    "PN": Decision(_X, "a person's name", BEYOND),
    "DA": Decision(_X, "a date", BEYOND),
    "DT": Decision(_X, "a date", BEYOND),
    "TM": Decision(_X, "a time", BEYOND),
    "AE": Decision(_X, "names a system of the institution", BEYOND),
    "UR": Decision(_X, "an address may hold identifiers", BEYOND),
    "UI": Decision(_U, "a UID of an instance or of something in it", BEYOND),
}
_GROUP_LENGTH = Decision(_X, "lengths of groups change", "PS3.5 7.2")
_NO_DATA_SET = Decision(_X, "a group that no data set has: commands, file meta, directories", "PS3.10 7.1")
_PRIVATE = Decision(_X, "private", TABLE + ", private attributes")
_GROUPS: Mapping[int, Decision] = {
    0x50: Decision(_X, "curves and audio", TABLE + ", (50xx,xxxx)"),
    0x60: Decision(_X, "overlays: graphics and text over the image", TABLE + ", (60xx,3000) and (60xx,4000)"),
}
_BY_CONDITION: Mapping[int, Decision] = {
    0x00120081: Decision(_X, "D, Type 1C on (0012,0082), which is removed", f"{TABLE}, PS3.3 C.7.1.3"),
}
"""What may be there only beside an attribute that the profile removes."""
_DATE_VRS = frozenset({"DA", "DT", "TM"})
_KEEP = Decision(Action.KEEP, "not named by the profile", TABLE)
_INTO = Decision(Action.ENTER, "every sequence is entered", "PS3.15 E.1.1")

MAX_REMEMBERED = 1 << 14


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile for one kind of object: `types` as standard.types_in gives them (None: the IOD is not known), and the
    options in the order in which they are asked."""

    types: Mapping[Place, str] | None
    options: tuple[Option, ...] = ()
    remembered: dict[tuple[int, int, str], Decision] = field(default_factory=dict, repr=False, compare=False)

    def decide(self, parent: int, tag: int, vr: str) -> Decision:
        """Return what happens to an attribute under `parent` (standard.TOP, or its sequence's tag)."""
        key = (parent, tag, vr)
        decision = self.remembered.get(key)
        if decision is None:
            decision = self._decide(parent, tag, vr)
            if len(self.remembered) < MAX_REMEMBERED:
                self.remembered[key] = decision
        return decision

    def without_options(self, parent: int, tag: int, vr: str) -> Decision:
        """Return what the profile alone does: for a value that an option would keep, were it one."""
        return self._basic(parent, tag, vr)

    def _decide(self, parent: int, tag: int, vr: str) -> Decision:
        if is_private(tag):
            return _PRIVATE
        if tag < 0x00080000:
            return _NO_DATA_SET
        if not tag & 0xFFFF:
            return _GROUP_LENGTH
        return self._by_option(tag, vr) or self._basic(parent, tag, vr)

    def _by_option(self, tag: int, vr: str) -> Decision | None:
        for option in self.options:
            facts = OPTIONS[option]
            code = standard().options[facts.column].get(tag)
            if code is None and tag not in standard().actions and tag not in KEPT_UIDS:
                code = _UNLISTED.get((option, vr))
            if code:
                return Decision(_retained(code, vr), f"{code} of {option}", f"{TABLE}, {facts.clause}")
        return None

    def _basic(self, parent: int, tag: int, vr: str) -> Decision:
        if tag >> 24 in _GROUPS:
            return _GROUPS[tag >> 24]
        code = standard().actions.get(tag)
        if code is not None:
            return _BY_CONDITION.get(tag) or self._by_table(code, parent, tag)
        if vr == "SQ":
            return _INTO
        if tag in KEPT_UIDS:
            return _KEEP
        return _BEYOND_TAGS.get(tag) or _BEYOND_VRS.get(vr, _KEEP)

    def _by_table(self, code: str, parent: int, tag: int) -> Decision:
        """Resolve a choice by the attribute's Type; 1C and 2C count as 1 and 2, since the attribute is there."""
        type_ = None if self.types is None else self.types.get((parent, tag), "3")
        resolved = "3" if code == "X" and type_ in ("1C", "2C") else type_[:1] if type_ else None
        return Decision(_BY_TYPE[code][resolved], f"{code}, Type {type_ or 'unknown'}", TABLE)


_UNLISTED: Mapping[tuple[Option, str], str] = {
    **{(Option.FULL_DATES, vr): "K" for vr in _DATE_VRS},
    **{(Option.MODIFIED_DATES, vr): "C" for vr in _DATE_VRS},
    (Option.UIDS, "UI"): "K",
}
"""What an option says of attributes that the table leaves out, as it says it of those the table has."""


def _retained(code: str, vr: str) -> Action:
    """Return what K or C of an option comes to: every sequence is entered, dates are cleaned by moving them."""
    if vr == "SQ":
        return Action.ENTER
    if code == "K":
        return Action.KEEP
    return Action.SHIFT if vr in _DATE_VRS else Action.CLEAN


def profile_for(sop_class_uid: str, present: frozenset[int], options: frozenset[Option] = frozenset()) -> Profile:
    """Return the Basic Profile with options for an object of this SOP Class that has these attributes at its top."""
    return _profile(sop_class_uid, modules_in(sop_class_uid, present), options)


@lru_cache(maxsize=256)
def _profile(sop_class_uid: str, modules: tuple[bool, ...], options: frozenset[Option]) -> Profile:
    return Profile(types_in(sop_class_uid, modules), tuple(in_order(options)))

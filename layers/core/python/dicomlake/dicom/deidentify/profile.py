"""The Basic Application Level Confidentiality Profile as decisions: what happens to an attribute, and by which clause.

Order of the rules: what the lake never carries over, Table E.1-1 by the attribute's Type in this object, then what the
table leaves open and an identifier may hide in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from dicomlake.dicom.deidentify.dataset import is_private
from dicomlake.dicom.deidentify.standard import Place, modules_in, standard, types_in


class Action(StrEnum):
    """What is done to an attribute, in the letters of PS3.15 Table E.1-1a; ENTER looks into a sequence's items."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
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
# An empty value is no value: Z of a Type 1 attribute is a dummy (PS3.15 E.1.1 allows Z either).
_BY_TYPE: Mapping[str, Mapping[str | None, Action]] = {
    "X": {"1": _X, "2": _X, "3": _X, None: _X},
    "D": {"1": _D, "2": _D, "3": _D, None: _D},
    "U": {"1": _U, "2": _U, "3": _U, None: _U},
    "Z": {"1": _D, "2": _Z, "3": _Z, None: _Z},
    "Z/D": {"1": _D, "2": _Z, "3": _Z, None: _D},
    "X/Z": {"1": _D, "2": _Z, "3": _X, None: _Z},
    "X/D": {"1": _D, "2": _D, "3": _X, None: _D},
    "X/Z/D": {"1": _D, "2": _Z, "3": _X, None: _D},
    "X/Z/U*": {"1": _ENTER, "2": _ENTER, "3": _ENTER, None: _ENTER},
}

KEPT_UIDS = frozenset(
    {
        0x00080016,  # SOP Class
        0x0008001A,  # Related General SOP Class
        0x0008001B,  # Original Specialized SOP Class
        0x00080062,  # SOP Classes in Study
        0x0008010C,  # Coding Scheme
        0x0008010D,  # Context Group Extension Creator
        0x00080117,  # Context
        0x00080118,  # Mapping Resource
        0x00081150,  # Referenced SOP Class
        0x0008115A,  # SOP Classes Supported
        0x0008040E,  # Stored Instance Transfer Syntax
        0x00083002,  # Available Transfer Syntax
        0x00089123,  # Creator Version
        0x00340003,  # Flow Transfer Syntax
        0x04000010,  # MAC Calculation Transfer Syntax
        0x04000510,  # Encrypted Content Transfer Syntax
        0x30100052,  # Pertinent SOP Classes in Study
        0x30100053,  # Pertinent SOP Classes in Series
    }
)
"""UIDs that name kinds and vocabularies, not instances; every other one that the table leaves out is mapped, or
references would break and the original would stay."""

_BEYOND_TAGS: Mapping[int, Decision] = {
    0x00080120: Decision(Action.KEEP, "names a code, like a code value", TABLE),
    0x00282000: Decision(_X, "text of an ICC profile is not checked", BEYOND),
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
_KEEP = Decision(Action.KEEP, "not named by the profile", TABLE)
_INTO = Decision(Action.ENTER, "every sequence is entered", "PS3.15 E.1.1")

MAX_REMEMBERED = 1 << 14


@dataclass(frozen=True, slots=True)
class Profile:
    """The profile for one kind of object: `types` as standard.types_in gives them (None: the IOD is not known)."""

    types: Mapping[Place, str] | None
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

    def _decide(self, parent: int, tag: int, vr: str) -> Decision:
        if is_private(tag):
            return _PRIVATE
        if tag < 0x00080000:
            return _NO_DATA_SET
        if not tag & 0xFFFF:
            return _GROUP_LENGTH
        if tag >> 24 in _GROUPS:
            return _GROUPS[tag >> 24]
        code = standard().actions.get(tag)
        if code is not None:
            return self._by_table(code, parent, tag)
        if vr == "SQ":
            return _INTO
        if tag in KEPT_UIDS:
            return _KEEP
        return _BEYOND_TAGS.get(tag) or _BEYOND_VRS.get(vr, _KEEP)

    def _by_table(self, code: str, parent: int, tag: int) -> Decision:
        """Resolve a choice by the attribute's Type; 1C and 2C count as 1 and 2, since the attribute is there."""
        type_ = None if self.types is None else self.types.get((parent, tag), "3")[:1]
        return Decision(_BY_TYPE[code][type_], f"{code}, Type {type_ or 'unknown'}", TABLE)


def profile_for(sop_class_uid: str, present: frozenset[int]) -> Profile:
    """Return the Basic Profile for an object of this SOP Class that has these attributes at its top level."""
    return _profile(sop_class_uid, modules_in(sop_class_uid, present))


@lru_cache(maxsize=256)
def _profile(sop_class_uid: str, modules: tuple[bool, ...]) -> Profile:
    return Profile(types_in(sop_class_uid, modules))

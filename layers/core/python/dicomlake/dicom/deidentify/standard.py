"""The standard's own facts: PS3.15 Table E.1-1 with its options, Table E.3.10-1, and how an IOD types attributes.

The facts lie beside this file in `standard.json`, written by `layers/core/build_deid_tables.py`, and are read at first
use.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

TOP = 0
"""What stands for the parent of an attribute of the data set itself."""

type Place = tuple[int, int]
"""An attribute by the tag of the sequence around it (TOP where there is none) and its own."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of PS3.3: the top-level Type 1 attributes that show its presence, and the Types of attributes in it."""

    shown_by: frozenset[int]
    types: Mapping[Place, str]


@dataclass(frozen=True, slots=True)
class Standard:
    """The tables: action by tag; by option column `K` or `C` by tag; by private creator the VR of its safe attributes
    (group and offset as one number, ggggee); for each SOP Class its modules, with whether they are
    mandatory."""

    edition: str
    actions: Mapping[int, str]
    options: Mapping[str, Mapping[int, str]]
    safe_private: Mapping[str, Mapping[int, str]]
    sop_classes: Mapping[str, tuple[tuple[Module, bool], ...]]


@cache
def standard() -> Standard:
    """Return the tables; the first call reads them (2 ms)."""
    raw = json.loads(files(__package__).joinpath("standard.json").read_text())
    modules = {name: _module(row) for name, row in raw["modules"].items()}
    iods = {name: _iod(text, modules) for name, text in raw["iods"].items()}
    return Standard(
        edition=raw["edition"],
        actions=MappingProxyType(_actions(raw["actions"])),
        options=MappingProxyType({column: MappingProxyType(_actions(rows)) for column, rows in raw["options"].items()}),
        safe_private=MappingProxyType({creator: _safe(text) for creator, text in raw["safe_private"].items()}),
        sop_classes=MappingProxyType({uid: iods[name] for uid, name in raw["sop_classes"].items()}),
    )


def _actions(rows: Mapping[str, str]) -> dict[int, str]:
    """Return the action by tag; the rows for groups (50xx, 60xx, private) are rules of the profile."""
    return {int(tag, 16): code for code, tags in rows.items() for tag in tags.split() if _is_tag(tag)}


def _safe(text: str) -> Mapping[int, str]:
    entries = (entry.split(":") for entry in text.split())
    return MappingProxyType({int(place, 16): vr for place, vr in entries})


def _is_tag(text: str) -> bool:
    return len(text) == 8 and "x" not in text


def _module(row: Mapping[str, str]) -> Module:
    types = dict(_typed(entry) for entry in row["types"].split())
    return Module(frozenset(int(tag, 16) for tag in row["shown_by"].split()), MappingProxyType(types))


def _typed(entry: str) -> tuple[Place, str]:
    place, _, type_ = entry.partition(":")
    parent, _, tag = place.rpartition(">")
    return (int(parent, 16) if parent else TOP, int(tag, 16)), type_


def _iod(text: str, modules: Mapping[str, Module]) -> tuple[tuple[Module, bool], ...]:
    return tuple((modules[name.rstrip("?")], not name.endswith("?")) for name in text.split())


def modules_in(sop_class_uid: str, present: frozenset[int]) -> tuple[bool, ...]:
    """Return which of the SOP Class's modules an object has; `present` are the tags of the data set itself.

    A module counts where it is mandatory, or where all its top-level Type 1 attributes are there.
    """
    modules = standard().sop_classes.get(sop_class_uid, ())
    return tuple([mandatory or module.shown_by <= present for module, mandatory in modules])


def types_in(sop_class_uid: str, modules: tuple[bool, ...]) -> Mapping[Place, str] | None:
    """Return the Types that an object's modules give its attributes, or None for a SOP Class the tables do not know.

    An attribute without an entry is of Type 3; of several Types the strictest holds.
    """
    known = standard().sop_classes.get(sop_class_uid)
    if known is None:
        return None
    types: dict[Place, str] = {}
    for (module, _), counts in zip(known, modules, strict=True):
        for place, type_ in module.types.items() if counts else ():
            types[place] = min(type_, types.get(place, "3"))
    return MappingProxyType(types)

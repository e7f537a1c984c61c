"""The options of PS3.15 Annex E: what each retains or cleans, its column, its code, and what it leaves at risk."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from dicomlake.domain.errors import InvalidRequestError

type Code = tuple[str, str]
"""A code value of scheme DCM and its meaning (PS3.16 CID 7050)."""


class Option(StrEnum):
    """An option of the Basic Profile, by the name that policies and the command line call it (PS3.15 Table E.1-1)."""

    SAFE_PRIVATE = "retain-safe-private"
    UIDS = "retain-uids"
    DEVICE = "retain-device-identity"
    INSTITUTION = "retain-institution-identity"
    PATIENT = "retain-patient-characteristics"
    FULL_DATES = "retain-full-dates"
    MODIFIED_DATES = "retain-modified-dates"
    DESCRIPTORS = "clean-descriptors"
    STRUCTURED = "clean-structured-content"
    GRAPHICS = "clean-graphics"


@dataclass(frozen=True, slots=True)
class Facts:
    """An option's column in the table, its code, its clause, and the risk that stays (empty: none beyond the profile).

    `rank` decides where two options name one attribute: a value that must be modified is not kept for another's sake.
    """

    column: str
    code: Code
    clause: str
    risk: str = ""
    rank: int = 1


BASIC_CODE: Code = ("113100", "Basic Application Confidentiality Profile")
PIXELS_CODE: Code = ("113101", "Clean Pixel Data Option")
FACES_CODE: Code = ("113102", "Clean Recognizable Visual Features Option")

OPTIONS: MappingProxyType[Option, Facts] = MappingProxyType(
    {
        Option.MODIFIED_DATES: Facts(
            "rtnLongModifDatesOpt",
            ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
            "PS3.15 E.3.6",
            "intervals between a patient's studies are true, and times of day are kept",
            rank=0,
        ),
        Option.STRUCTURED: Facts("cleanStructContOpt", ("113104", "Clean Structured Content Option"), "PS3.15 E.3.4"),
        Option.DESCRIPTORS: Facts(
            "cleanDescOpt",
            ("113105", "Clean Descriptors Option"),
            "PS3.15 E.3.5",
            "free text is kept but for what was found in it",
        ),
        Option.GRAPHICS: Facts("cleanGraphOpt", ("113103", "Clean Graphics Option"), "PS3.15 E.3.3"),
        Option.PATIENT: Facts(
            "rtnPatCharsOpt",
            ("113108", "Retain Patient Characteristics Option"),
            "PS3.15 E.3.7",
            "age, sex, size and weight together may single a person out",
        ),
        Option.DEVICE: Facts(
            "rtnDevIdOpt",
            ("113109", "Retain Device Identity Option"),
            "PS3.15 E.3.8",
            "serial numbers and station names lead to the hospital",
            rank=2,
        ),
        Option.INSTITUTION: Facts(
            "rtnInstIdOpt",
            ("113112", "Retain Institution Identity Option"),
            "PS3.15 E.3.11",
            "the hospital is named",
            rank=2,
        ),
        Option.UIDS: Facts(
            "rtnUIDsOpt",
            ("113110", "Retain UIDs Option"),
            "PS3.15 E.3.9",
            "whoever has access to the original system finds the patient by a UID",
            rank=2,
        ),
        Option.FULL_DATES: Facts(
            "rtnLongFullDatesOpt",
            ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
            "PS3.15 E.3.6",
            "true dates and times single a patient out in a hospital's schedule",
            rank=2,
        ),
        Option.SAFE_PRIVATE: Facts("rtnSafePrivOpt", ("113111", "Retain Safe Private Option"), "PS3.15 E.3.10", rank=2),
    }
)

_NOISE = re.compile(r"[^a-z]+|opt(ion)?\b|\b(information|temporal|the|with)\b")
_SHORT = MappingProxyType({"rtn": "retain", "longitudinal": "long", "modif": "modified", "chars": "characteristics"})
_ALIASES: MappingProxyType[frozenset[str], Option] = MappingProxyType(
    {
        frozenset({"safe", "private"}): Option.SAFE_PRIVATE,
        frozenset({"uids"}): Option.UIDS,
        frozenset({"device"}): Option.DEVICE,
        frozenset({"device", "identity"}): Option.DEVICE,
        frozenset({"institution"}): Option.INSTITUTION,
        frozenset({"institution", "identity"}): Option.INSTITUTION,
        frozenset({"patient"}): Option.PATIENT,
        frozenset({"patient", "characteristics"}): Option.PATIENT,
        frozenset({"full", "dates"}): Option.FULL_DATES,
        frozenset({"long", "full", "dates"}): Option.FULL_DATES,
        frozenset({"modified", "dates"}): Option.MODIFIED_DATES,
        frozenset({"long", "modified", "dates"}): Option.MODIFIED_DATES,
        frozenset({"descriptors"}): Option.DESCRIPTORS,
        frozenset({"structured", "content"}): Option.STRUCTURED,
        frozenset({"graphics"}): Option.GRAPHICS,
    }
)
"""The words of an option's name without `retain` and `clean`: the standard's own wordings lead to the same option."""


def option_named(text: str) -> Option:
    """Return the option that a text names: its name here, the standard's wording, or its code of CID 7050.

    Raises InvalidRequestError with the names there are.
    """
    for option, facts in OPTIONS.items():
        if text.strip() in (option.value, facts.code[0], facts.column):
            return option
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    words = {_SHORT.get(word, word) for word in _NOISE.sub(" ", _NOISE.sub(" ", spaced)).split()}
    found = _ALIASES.get(frozenset(words - {"retain", "clean"}))
    if found is None:
        raise InvalidRequestError(f"There is no option of that name. There are: {', '.join(Option)}.")
    return found


def checked(options: Iterable[Option]) -> frozenset[Option]:
    """Return options as a set; InvalidRequestError where two of them contradict each other (PS3.15 E.3.6)."""
    chosen = frozenset(options)
    if {Option.FULL_DATES, Option.MODIFIED_DATES} <= chosen:
        raise InvalidRequestError(
            "retain-full-dates and retain-modified-dates exclude each other (PS3.15 E.3.6): give one."
        )
    return chosen


def in_order(options: frozenset[Option]) -> list[Option]:
    """Return options in the order in which they are asked about an attribute."""
    return sorted(options, key=lambda option: (OPTIONS[option].rank, OPTIONS[option].code))

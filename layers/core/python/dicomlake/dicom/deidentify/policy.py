"""A policy: what is asked for of a copy, beyond the Basic Profile that every copy gets."""

from dataclasses import dataclass
from enum import StrEnum

from dicomlake.dicom.deidentify.options import Option, checked
from dicomlake.dicom.deidentify.rules import NO_RULES, Rules


class Faces(StrEnum):
    """What happens to objects of which a face may be rebuilt (PS3.15 E.3.2)."""

    REFUSE = "refuse"
    MASK = "mask"
    ACCEPT_RISK = "accept-risk"


class TextInPixels(StrEnum):
    """What happens to text in pixels (PS3.15 E.3.1): all of it goes, what identifies goes, nobody looks."""

    ALL = "all"
    SENSITIVE = "sensitive"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """A named, versioned policy; InvalidRequestError where its options contradict each other."""

    name: str = "basic"
    version: int = 1
    options: frozenset[Option] = frozenset()
    faces: Faces = Faces.REFUSE
    text: TextInPixels = TextInPixels.ALL
    rules: Rules = NO_RULES

    def __post_init__(self) -> None:
        checked(self.options)


BASIC = Policy()

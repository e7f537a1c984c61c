"""Private attributes: all go, but for those that PS3.15 Table E.3.10-1 calls safe, where the option asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass

from dicomlake.dicom.deidentify.dataset import Dataset, Element, is_private
from dicomlake.dicom.deidentify.options import OPTIONS, Option
from dicomlake.dicom.deidentify.profile import Action, Decision, Profile
from dicomlake.dicom.deidentify.standard import standard

SAFE = "PS3.15 Table E.3.10-1"
_KEEP = Decision(Action.CLEAN, "safe private attribute", f"{SAFE}, {OPTIONS[Option.SAFE_PRIVATE].clause}")
_ENTER = Decision(Action.ENTER, "safe private sequence", f"{SAFE}, {OPTIONS[Option.SAFE_PRIVATE].clause}")


@dataclass(frozen=True, slots=True)
class PrivateRules:
    """What happens to the private attributes of one data set or item: the VR of each that is safe, by its tag; the
    creators that stand for them have LO."""

    safe: Mapping[int, str]

    @staticmethod
    def of(dataset: Dataset, profile: Profile) -> "PrivateRules":
        """Return the rules for a data set; without the option nothing private is safe."""
        if Option.SAFE_PRIVATE not in profile.options:
            return _NOTHING_SAFE
        blocks = {
            (element.tag >> 16, element.tag & 0xFF): creator
            for element in dataset
            if is_private(element.tag) and 0x10 <= element.tag & 0xFFFF <= 0xFF
            if (creator := standard().safe_private.get(element.value.strip(b" \0").decode("latin-1")))
        }
        safe: dict[int, str] = {}
        for element in dataset:
            vr = blocks.get((element.tag >> 16, element.tag >> 8 & 0xFF), {}).get(_place(element.tag))
            if vr:
                safe[element.tag] = vr
                safe[element.tag & 0xFFFF0000 | element.tag >> 8 & 0xFF] = "LO"
        return PrivateRules(safe)

    def decide(self, element: Element) -> tuple[Decision, Element] | None:
        """Return what happens to a safe attribute, with its VR where the object lacks it; None where it is not safe."""
        vr = self.safe.get(element.tag)
        if vr is None:
            return None
        if element.items is not None:
            return _ENTER, element
        if element.vr == "UN" and vr not in ("??", "SQ"):
            return _KEEP, element._replace(vr=vr)
        return _KEEP, element


_NOTHING_SAFE = PrivateRules({})


def _place(tag: int) -> int:
    """Return group and offset of a private attribute, without the block that its creator has reserved."""
    return (tag >> 16) << 8 | tag & 0xFF

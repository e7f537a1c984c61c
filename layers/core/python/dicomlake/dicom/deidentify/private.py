"""Private attributes: all go, but for those that PS3.15 Table E.3.10-1 calls safe, where the option asks for them, and
those that a policy has a rule for."""

from collections.abc import Mapping
from dataclasses import dataclass

from dicomlake.dicom.deidentify.dataset import Dataset, Element, is_private
from dicomlake.dicom.deidentify.options import OPTIONS, Option
from dicomlake.dicom.deidentify.profile import Action, Decision, Profile
from dicomlake.dicom.deidentify.rules import Rule, Rules
from dicomlake.dicom.deidentify.standard import standard

SAFE = "PS3.15 Table E.3.10-1"
_KEEP = Decision(Action.CLEAN, "safe private attribute", f"{SAFE}, {OPTIONS[Option.SAFE_PRIVATE].clause}")
_CREATOR = Decision(Action.CLEAN, "creator of a private attribute that stays", f"{SAFE}, PS3.5 7.8.1")


@dataclass(frozen=True, slots=True)
class PrivateRules:
    """What happens to the private attributes of one data set or item that do not simply go: by tag the decision, the
    VR where the table tells it, and what a policy's rule writes. The creators that stand for them are among them."""

    decided: Mapping[int, tuple[Decision, str, Rule | None]]

    @staticmethod
    def of(dataset: Dataset, profile: Profile, rules: Rules) -> "PrivateRules":
        """Return the rules for a data set; without the option or a policy's rule nothing private stays."""
        safe = Option.SAFE_PRIVATE in profile.options
        if not safe and not rules.private:
            return _NOTHING_STAYS
        creators = {
            (element.tag >> 16, element.tag & 0xFF): element.value.strip(b" \0").decode("latin-1")
            for element in dataset
            if is_private(element.tag) and 0x10 <= element.tag & 0xFFFF <= 0xFF
        }
        decided: dict[int, tuple[Decision, str, Rule | None]] = {}
        for element in dataset:
            creator = creators.get((element.tag >> 16, element.tag >> 8 & 0xFF))
            found = None if creator is None else _decided(creator, _place(element.tag), safe, rules)
            if found is not None:
                decided[element.tag] = found
                decided[element.tag & 0xFFFF0000 | element.tag >> 8 & 0xFF] = (_CREATOR, "LO", None)
        return PrivateRules(decided)

    def decide(self, element: Element) -> tuple[Decision, Element, Rule | None] | None:
        """Return what happens to an attribute, with its VR where the object lacks it; None where it simply goes."""
        found = self.decided.get(element.tag)
        if found is None:
            return None
        decision, vr, rule = found
        if element.items is not None and decision.action in (Action.CLEAN, Action.KEEP):
            return Decision(Action.ENTER, decision.why, decision.clause), element, rule
        if element.vr == "UN" and vr not in ("??", "SQ"):
            element = element._replace(vr=vr)
        return decision, element, rule


_NOTHING_STAYS = PrivateRules({})


def _decided(creator: str, place: int, safe: bool, rules: Rules) -> tuple[Decision, str, Rule | None] | None:
    vr = standard().safe_private.get(creator, {}).get(place)
    rule = rules.private.get((creator, place))
    if rule is not None:
        return rule.decision, vr or "??", rule
    return (_KEEP, vr, None) if safe and vr else None


def _place(tag: int) -> int:
    """Return group and offset of a private attribute, without the block that its creator has reserved."""
    return (tag >> 16) << 8 | tag & 0xFF

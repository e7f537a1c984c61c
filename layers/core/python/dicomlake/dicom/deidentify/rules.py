"""A policy's own rules: attributes that go another way than the profile's, by what they are or where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dicomlake.dicom.deidentify.dataset import Element
from dicomlake.dicom.deidentify.profile import Action, Decision

type Tags = tuple[int, ...]
"""An attribute with the sequences around it, outermost first; items are not told apart."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its place in the policy (the first that matches counts), what it does, and what `replace` writes."""

    order: int
    action: Action
    value: bytes = field(default=b"", repr=False)

    @property
    def decision(self) -> Decision:
        """The rule as a decision of the profile."""
        return Decision(self.action, f"rule {self.order + 1} of the policy", "policy")


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules by what they match: an attribute wherever it stands, one place, a VR, or a private attribute by its creator
    and its place (group and offset as one number)."""

    by_tag: Mapping[int, Rule] = field(default_factory=lambda: MappingProxyType({}))
    by_path: Mapping[Tags, Rule] = field(default_factory=lambda: MappingProxyType({}))
    by_vr: Mapping[str, Rule] = field(default_factory=lambda: MappingProxyType({}))
    private: Mapping[tuple[str, int], Rule] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.by_tag or self.by_path or self.by_vr or self.private)

    def find(self, path: tuple[int, ...], element: Element) -> Rule | None:
        """Return the first rule that matches a standard attribute at a path (tags and item numbers in turn)."""
        found = (
            self.by_tag.get(element.tag),
            self.by_path.get(path[::2]),
            self.by_vr.get(element.vr),
        )
        matching = [rule for rule in found if rule is not None]
        return min(matching, key=lambda rule: rule.order, default=None)


NO_RULES = Rules()

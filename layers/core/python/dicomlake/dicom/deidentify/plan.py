"""The plan: which edits make a data set a clean one. Pure; `apply_edits` carries it out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dicomlake.dicom.deidentify.dataset import Dataset, Element, is_private
from dicomlake.dicom.deidentify.dates import shifted
from dicomlake.dicom.deidentify.dummies import dummy_of, map_uids, stays_in_dummy
from dicomlake.dicom.deidentify.identifiers import Identifier, Kind, kind_of, terms_of
from dicomlake.dicom.deidentify.names import KeyedNames
from dicomlake.dicom.deidentify.options import Option
from dicomlake.dicom.deidentify.private import PrivateRules
from dicomlake.dicom.deidentify.profile import Action, Decision, Profile
from dicomlake.dicom.deidentify.rules import NO_RULES, Rule, Rules
from dicomlake.dicom.deidentify.search import Search
from dicomlake.dicom.deidentify.standard import TOP
from dicomlake.dicom.deidentify.texts import readings
from dicomlake.dicom.deidentify.values import SEARCHED, Kept, Path, search_values

CHARACTER_SET, PATIENT_AGE = 0x00080005, 0x00101010
ROI_NAME = 0x30060026
"""Emptied it would leave a plan without any name for what it outlines; its number in the series names nobody."""
OLDEST = b"090Y"
"""Ages above 89 single a person out (45 CFR 164.514(b)(2)(i)(C)); (0010,1010) with Retain Patient Characteristics."""

SEARCHED_FOR = "value pass, PS3.15 E.1.1"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: where, what kind, why, and by which clause; `element` is what stands there after (None: nothing)."""

    path: Path
    action: Action
    why: str
    clause: str
    element: Element | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose object it is: the names of the data store, this patient's pseudonym and days, and what is known of them
    from other objects."""

    names: KeyedNames
    pseudonym: str
    days: int = 0
    known: frozenset[Identifier] = field(default=frozenset(), repr=False)


def plan_edits(
    dataset: Dataset,
    profile: Profile,
    subject: Subject,
    stated: tuple[Element, ...] = (),
    rules: Rules = NO_RULES,
) -> tuple[Edit, ...]:
    """Return the edits that de-identify a data set by a profile; elements without an edit stay as they are.

    `stated` is what the clean data set says of itself and of its patient, whatever was there before. Planning an edited
    data set again under names that map their own results to themselves plans nothing that changes it.
    """
    walk = _Walk(profile, subject, frozenset(element.tag for element in stated), rules)
    table = list(walk.edits(dataset, (), TOP, b""))
    search = _search(subject.known | walk.identifiers, profile, subject)
    found = [
        Edit(hit.path, Action.CLEAN, ", ".join(hit.kinds), SEARCHED_FOR, hit.element)
        for hit in search_values(walk.kept, search)
    ]
    present = {element.tag for element in dataset}
    return (*table, *found, *[_state(element, element.tag in present) for element in stated])


def identifiers_in(dataset: Dataset, profile: Profile, subject: Subject) -> frozenset[Identifier]:
    """Return what in a data set identifies its patient: what the profile takes out of it."""
    walk = _Walk(profile, subject, frozenset())
    for _ in walk.edits(dataset, (), TOP, b""):
        pass
    return frozenset(walk.identifiers)


def search_for(dataset: Dataset, profile: Profile, subject: Subject) -> Search:
    """Return the search for what identifies the patient of a data set, by it and by what else is known."""
    return _search(subject.known | identifiers_in(dataset, profile, subject), profile, subject)


def _search(identifiers: Iterable[Identifier], profile: Profile, subject: Subject) -> Search:
    return Search(terms_of(identifiers), subject.names.uid, Option.FULL_DATES not in profile.options)


@dataclass(slots=True)
class _Walk:
    """One walk over a data set: yields edits, and gathers what stays and what is known by the way."""

    profile: Profile
    subject: Subject
    stated: frozenset[int]
    rules: Rules = NO_RULES
    kept: list[Kept] = field(default_factory=list)
    identifiers: set[Identifier] = field(default_factory=set)

    def edits(self, dataset: Dataset, around: Path, parent: int, charset: bytes) -> Iterator[Edit]:
        """Yield what is changed in a data set or item under `around`."""
        private = PrivateRules.of(dataset, self.profile, self.rules)
        for element in dataset:
            tag = element.tag
            if tag == CHARACTER_SET:
                charset = element.value
            if tag in self.stated and not around:
                self._remember(element, charset)
                continue
            path = (*around, tag)
            decision, typed, rule = self._decide(element, path, parent, private)
            if typed.vr != element.vr and decision.action in (Action.KEEP, Action.CLEAN):
                yield Edit(path, Action.CLEAN, "the VR that the table tells", decision.clause, typed)
            yield from self._edit(typed, decision, path, parent, charset, rule)

    def _decide(
        self, element: Element, path: Path, parent: int, private: PrivateRules
    ) -> tuple[Decision, Element, Rule | None]:
        if is_private(element.tag):
            decided = private.decide(element)
            return decided or (self.profile.decide(parent, element.tag, element.vr), element, None)
        rule = self.rules.find(path, element) if self.rules else None
        if rule is not None:
            return rule.decision, element, rule
        return self.profile.decide(parent, element.tag, element.vr), element, None

    def _edit(
        self, element: Element, decision: Decision, path: Path, parent: int, charset: bytes, rule: Rule | None
    ) -> Iterator[Edit]:
        action = decision.action
        if action in (Action.KEEP, Action.CLEAN):
            yield from self._keep(element, decision, path, charset)
        elif action is Action.ENTER:
            for index, item in enumerate(element.items or ()):
                yield from self.edits(item, (*path, index), element.tag, charset)
        elif action is Action.DUMMY and element.items:
            for index, item in enumerate(element.items):
                yield from self._dummies(item, (*path, index), decision, charset)
        else:
            self._remember(element, charset)
            yield self._changed(element, decision, path, parent, rule)

    def _dummies(self, item: Dataset, around: Path, decision: Decision, charset: bytes) -> Iterator[Edit]:
        """Yield what makes an item one of the same shape with dummies in every place."""
        for element in item:
            tag, path = element.tag, (*around, element.tag)
            charset = element.value if tag == CHARACTER_SET else charset
            if is_private(tag) or not tag & 0xFFFF or element.vr == "UN":
                yield Edit(path, Action.REMOVE, "in a dummy", decision.clause)
            elif tag == CHARACTER_SET or stays_in_dummy(element, item):
                yield from self._keep(element, _IN_DUMMY, path, charset)
            elif element.items:
                for index, inner in enumerate(element.items):
                    yield from self._dummies(inner, (*path, index), decision, charset)
            else:
                self._remember(element, charset)
                after = dummy_of(element, self.subject.names)
                yield Edit(path, Action.DUMMY, decision.why, decision.clause, after)

    def _keep(self, element: Element, decision: Decision, path: Path, charset: bytes) -> Iterator[Edit]:
        retained = decision.action is Action.KEEP and decision.clause != _TABLE_KEEPS
        if element.tag == PATIENT_AGE and _above_89(element.value):
            yield Edit(path, Action.CLEAN, "an age above 89", decision.clause, element._replace(value=OLDEST))
        elif element.vr in SEARCHED and element.value:
            self.kept.append(Kept(path, element, charset, forms=not retained))

    def _changed(self, element: Element, decision: Decision, path: Path, parent: int, rule: Rule | None) -> Edit:
        if decision.action is Action.REPLACE and rule is not None:
            after: Element | None = Element(element.tag, element.vr, rule.value)
            return Edit(path, Action.REPLACE, decision.why, decision.clause, after)
        if decision.action is Action.SHIFT:
            moved = shifted(element.value, element.vr, self.subject.days)
            if moved is not None:
                return Edit(path, Action.SHIFT, decision.why, decision.clause, element._replace(value=moved))
            decision = self.profile.without_options(parent, element.tag, element.vr)
        if element.tag == ROI_NAME and decision.action in (Action.EMPTY, Action.DUMMY):
            named = element._replace(value=f"ROI-{path[-2] + 1 if len(path) > 1 else 1}".encode())
            return Edit(path, Action.DUMMY, decision.why, decision.clause, named)
        after = None if decision.action is Action.REMOVE else _AFTER[decision.action](element, self.subject.names)
        return Edit(path, decision.action, decision.why, decision.clause, after)

    def _remember(self, element: Element, charset: bytes) -> None:
        """Note what identifies the patient of what is taken out, nested persons and places too."""
        for item in element.items or ():
            for inner in item:
                self._remember(inner, charset)
        kind = kind_of(element.tag, element.vr) if element.value else None
        if kind is not None and not (kind in _TIMES and Option.FULL_DATES in self.profile.options):
            for text, _ in readings(element.value, charset):
                self.identifiers.add((kind, text))


_TIMES = frozenset({Kind.DATE, Kind.TIME})
_TABLE_KEEPS = "PS3.15 Table E.1-1"
_IN_DUMMY = Decision(Action.CLEAN, "a term inside a dummy", _TABLE_KEEPS)


def _above_89(value: bytes) -> bool:
    text = value.strip(b" \0")
    return text[3:] == b"Y" and text[:3].isdigit() and int(text[:3]) > 89


def _emptied(element: Element, _names: KeyedNames) -> Element:
    return element._replace(value=b"", items=None if element.items is None else ())


def _entered(element: Element, _names: KeyedNames) -> Element:
    return element


def _hashed(element: Element, names: KeyedNames) -> Element:
    if element.vr == "UI" or not element.value:
        return map_uids(element, names) if element.value else element
    return element._replace(value=names.hashed(element.value.strip(b" \0")).encode())


_AFTER = {
    Action.EMPTY: _emptied,
    Action.DUMMY: dummy_of,
    Action.UID: map_uids,
    Action.HASH: _hashed,
    Action.KEEP: _entered,
}


def _state(element: Element, there: bool) -> Edit:
    action = Action.DUMMY if there else Action.ADD
    clause = "PS3.15 E.1.1, PS3.3 C.7.1.1" if element.tag >> 16 in (0x0010, 0x0012) else "PS3.15 E.1.1, PS3.3 C.12.1"
    return Edit((element.tag,), action, "stated of every de-identified object", clause, element)


def apply_edits(dataset: Dataset, edits: tuple[Edit, ...]) -> Dataset:
    """Return the data set with the edits carried out, in tag order; what the value pass found of one wins."""
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

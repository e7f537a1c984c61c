"""Scoring copies against the answer key: leaks, actions of the table, required attributes, over-redaction, consistency.

Nothing here is the engine's own: texts are compared by a folding of its own, actions are read from the table's source
where that is at hand.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from tests.planted.plant import Planted

ENCODINGS = ("utf-8", "latin-1", "cp932", "euc_jp", "iso2022_jp", "utf-16-le", "utf-16-be")
WELL_KNOWN = "1.2.840.10008."
TEXT = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "PN", "CS", "AE", "UR", "IS", "DS", "DA", "DT", "TM", "AS", "UI"})
FLAGS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280301, 0x00280302, 0x00280303, 0x00080005})


@dataclass
class Score:
    """What was found wrong, each with the object's name and the place; `kept` and `lost` count innocent elements."""

    leaks: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    kept: int = 0
    map: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def over_redaction(self) -> float:
        """Which part of what had to stay did not."""
        return len(self.over) / max(1, self.kept + len(self.over))


def folded(text: str) -> str:
    """A text without case, width, accents and kana script."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return "".join(chr(ord(char) - 0x60) if "\u30a1" <= char <= "\u30f6" else char for char in plain)


def score(planted: Planted, raw: bytes, clean: Dataset, actions: dict[int, str], into: Score) -> None:
    """Score one copy."""
    _score_leaks(planted, raw, clean, into)
    _score_elements(planted, planted.source, clean, actions, into, ())


def _score_leaks(planted: Planted, raw: bytes, clean: Dataset, into: Score) -> None:
    texts = [(where, folded(text)) for where, text in _texts(clean, ())]
    lowered = raw.lower()
    for planting in planted.plantings:
        places = {".".join(str(part) for part in planting.path)}
        for needle in planting.secret.needles:
            if len(needle) < 3 or planting.secret.short:
                continue
            plain = folded(needle)
            hits = [where for where, text in texts if plain in text]
            if not hits and len(needle) >= 5:
                hits = ["bytes" for form in _encoded(needle) if form in lowered][:1]
            into.leaks += [f"{planted.name}: {needle!r} planted at {places} left at {hits[0]}"] if hits else []
        for text in planting.innocent:
            left = any(folded(text) in value for _, value in texts)
            into.kept += left
            into.over += [] if left else [f"{planted.name}: {text!r} beside {planting.secret.kind} at {places}"]
        if planting.secret.short:
            left_there = [value for where, value in texts if where == ".".join(map(str, planting.path))]
            words = {word for value in left_there for word in _words(value)}
            into.leaks += [
                f"{planted.name}: short {needle!r} left at {places}"
                for needle in planting.secret.needles
                if folded(needle) in words
            ]


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text).split()


def _encoded(needle: str) -> set[bytes]:
    found = set()
    for encoding in ENCODINGS:
        try:
            found.add(needle.encode(encoding).lower())
        except UnicodeEncodeError:
            continue
    return found


def _texts(dataset: Dataset, around: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    for element in dataset:
        path = (*around, element.keyword or str(element.tag))
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from _texts(item, (*path, index))
        elif element.VR in TEXT:
            values = element.value if element.VM > 1 else [element.value]
            yield ".".join(map(str, path)), "\\".join(str(value) for value in values if value is not None)


def _score_elements(
    planted: Planted,
    source: Dataset,
    clean: Dataset,
    actions: dict[int, str],
    into: Score,
    around: tuple[str | int, ...],
) -> None:
    """Compare element by element: what the table names by its action, what it does not name has to be the same."""
    planted_at = {planting.path for planting in planted.plantings}
    for element in source:
        tag = int(element.tag)
        path = (*around, element.keyword or str(element.tag))
        if element.tag.is_private or tag >> 24 in (0x50, 0x60) or tag in FLAGS or tag == 0x7FE00010:
            continue
        after = clean.get(element.tag)
        if tag in actions:
            _score_action(actions[tag], element, after, f"{planted.name}: {'.'.join(map(str, path))}", into)
        elif element.VR == "SQ":
            items = after.value if after is not None else []
            for index, (one, other) in enumerate(zip(element.value, items, strict=False)):
                _score_elements(planted, one, other, actions, into, (*path, index))
        elif element.VR == "UI":
            _score_uids(element, after, planted.name, into)
        elif path not in planted_at and element.VR not in ("DA", "DT", "TM", "PN", "UR", "AE", "UN", "OB", "OW"):
            same = after is not None and after.value == element.value
            into.kept += same
            into.over += [] if same else [f"{planted.name}: {'.'.join(map(str, path))} changed"]


def _score_action(code: str, before: DataElement, after: DataElement | None, where: str, into: Score) -> None:
    """Whether an element went the way the table says; with a choice, any of its actions, the Type decides elsewhere.

    The ethics committee's name may be there only beside its approval number, which the table removes (PS3.3 C.7.1.3).
    """
    if before.is_empty:
        return
    gone, empty = after is None, after is not None and after.is_empty
    changed = after is not None and not after.is_empty and after.value != before.value
    dummy_sex = before.keyword == "PatientSex"
    allowed = {
        "X": gone or empty or changed,
        "Z": empty or changed or dummy_sex,
        "D": changed or (gone and before.keyword == "ClinicalTrialProtocolEthicsCommitteeName"),
        "U": changed or str(before.value).startswith(WELL_KNOWN),
        "X/Z": gone or empty or changed,
        "X/D": gone or changed,
        "Z/D": empty or changed,
        "X/Z/D": gone or empty or changed,
        "X/Z/U*": True,
    }[code]
    if not allowed:
        into.actions.append(f"{where}: {code}")
    if code == "U" and after is not None:
        _score_uids(before, after, where, into)


def _score_uids(before: DataElement, after: DataElement | None, where: str, into: Score) -> None:
    if before.VR != "UI" or after is None or before.is_empty:
        return
    pairs = zip(_many(before), _many(after), strict=False)
    for old, new in pairs:
        if old.startswith(WELL_KNOWN) or old == new:
            if old.startswith(WELL_KNOWN) and old != new:
                into.uids.append(f"{where}: a UID of the standard was changed")
            continue
        if into.map.setdefault(old, new) != new:
            into.uids.append(f"{where}: two names for one UID")


def _many(element: DataElement) -> list[str]:
    return [str(value) for value in (element.value if element.VM > 1 else [element.value])]

"""The data dictionary (PS3.6): VR and keyword of a tag. Tags are 8 upper-case hex digits, as in DICOM JSON.

VRs that depend on other attributes have names of their own: `xs` US or SS, `ox` OB or OW, `uw` US or OW, `xw` US or SS
or OW. The tables are unfolded at first use (5 ms), not at import.
"""

from functools import cache

from dicomlake.dicom.dictionary.standard_table import PUBLIC

Entry = tuple[str, str]


@cache
def _entries() -> dict[str, Entry]:
    tokens = PUBLIC.split()
    return {tag[:8]: (tag[8:], keyword) for tag, keyword in zip(tokens[::2], tokens[1::2], strict=True)}


@cache
def _repeaters() -> tuple[tuple[str, Entry], ...]:
    return tuple((tag, entry) for tag, entry in _entries().items() if "x" in tag)


@cache
def _tags() -> dict[str, str]:
    return {keyword: tag for tag, (_, keyword) in _entries().items() if keyword != "-" and "x" not in tag}


def _find(tag: str) -> Entry | None:
    return _entries().get(tag) or _find_repeating(tag)


def _find_repeating(tag: str) -> Entry | None:
    """Find the entry of a repeating group's element (PS3.5 7.6); only those groups have one."""
    if tag[:2] not in {"00", "10", "50", "60", "7F"} or int(tag[3], 16) % 2:
        return None
    return next((entry for mask, entry in _repeaters() if _matches(mask, tag)), None)


def _matches(mask: str, tag: str) -> bool:
    return all(want in {"x", digit} for want, digit in zip(mask, tag, strict=True))


def vr_of(tag: str) -> str | None:
    """Return the VR of a standard element, one of the four names for a choice, or None for an unknown tag."""
    entry = _find(tag)
    return entry[0] if entry else None


def keyword_of(tag: str) -> str | None:
    """Return the keyword of a standard element, or None for an unknown tag or one without a keyword."""
    entry = _find(tag)
    return entry[1] if entry and entry[1] != "-" else None


def tag_of(keyword: str) -> str | None:
    """Return the tag of a keyword, or None for an unknown keyword."""
    return _tags().get(keyword)


@cache
def _multiple() -> frozenset[str]:
    from dicomlake.dicom.dictionary.multiple_table import MULTIPLE

    return frozenset(MULTIPLE.split())


def may_have_several_values(tag: str) -> bool:
    """Whether the standard gives an element a value multiplicity other than 1."""
    return tag in _multiple()


@cache
def _private() -> dict[str, str]:
    from dicomlake.dicom.dictionary.private_table import PRIVATE

    blocks = PRIVATE.strip("\n").split("\n\n")
    return dict(block.split("\n", 1) for block in blocks)


@cache
def _private_vrs(creator: str) -> dict[str, str]:
    tokens = _private().get(creator, "").split()
    return {token[:6]: token[6:] for token in tokens}


def private_vr_of(creator: str, tag: str) -> str | None:
    """Return the VR that a known private creator gives its element, or None (PS3.5 7.8)."""
    if creator not in _private():
        return None
    return _private_vrs(creator).get(tag[:4] + tag[6:])

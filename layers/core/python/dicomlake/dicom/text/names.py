"""Person names (PS3.5 6.2.1): up to three groups, alphabetic, ideographic, phonetic, parted by `=`."""

from dicomlake.domain.model import JsonObject

GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def person_name(text: str) -> JsonObject | None:
    """Return one name as DICOM JSON holds it (PS3.18 F.2.2), or None for an empty one.

    Padding at a group's end goes, its components stay as they are; groups after the third are no part of the
    standard and stay in the head only.
    """
    text = text.rstrip(" \0")
    if "=" not in text:
        return {"Alphabetic": text} if text else None
    groups = zip(GROUPS, text.split("="), strict=False)
    return {name: group for name, part in groups if (group := part.rstrip(" \0"))} or None

"""Policies as JSON: a base profile, options, and rules for single attributes; read with errors that say where."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dicomlake.dicom.deidentify.dataset import known_vr
from dicomlake.dicom.deidentify.options import Option, option_named
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.profile import Action
from dicomlake.dicom.deidentify.rules import Rule, Rules, Tags
from dicomlake.dicom.deidentify.statements import PATIENT_ID, PATIENT_NAME
from dicomlake.dicom.dictionary.lookup import tag_of
from dicomlake.dicom.header.vr import KNOWN, TEXT
from dicomlake.domain.errors import InvalidRequestError

ACTIONS: MappingProxyType[str, tuple[Action, frozenset[str]]] = MappingProxyType(
    {
        "keep": (Action.KEEP, KNOWN),
        "remove": (Action.REMOVE, KNOWN),
        "empty": (Action.EMPTY, KNOWN),
        "replace": (Action.REPLACE, TEXT),
        "reset": (Action.DUMMY, KNOWN),
        "regenerate-uid": (Action.UID, frozenset({"UI"})),
        "shift-date": (Action.SHIFT, frozenset({"DA", "DT", "TM"})),
        "hash": (Action.HASH, frozenset({"LO", "SH", "ST", "LT", "UC", "UT", "UI", "PN"})),
        "clean-text": (Action.CLEAN, frozenset({"LO", "SH", "ST", "LT", "UC", "UT", "UR", "CS"})),
        "recurse": (Action.ENTER, frozenset({"SQ"})),
    }
)
"""Action -> what it comes to, and the VRs it can be asked of."""

_TAG = re.compile(r"\(?([0-9a-f]{4}),?([0-9a-f]{4})\)?\Z", re.IGNORECASE)
_PRIVATE = re.compile(r"\(([0-9a-f]{3}[13579bdf]),xx([0-9a-f]{2}),(.{1,64})\)\Z", re.IGNORECASE)
_FIELDS = ("name", "version", "base", "options", "faces", "text", "rules")
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def read_policy(text: str) -> Policy:
    """Return the policy that a JSON text describes; InvalidRequestError says what is wrong, and where."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as exc:
        raise InvalidRequestError(f"The policy is no JSON: {exc.msg}, line {exc.lineno} column {exc.colno}.") from exc
    fields = _object(document, "the policy", _FIELDS)
    name = fields.get("name", "")
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise InvalidRequestError("name: give the policy a name of letters, digits, points and dashes.")
    version = fields.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidRequestError("version: a whole number from 1.")
    if fields.get("base", "basic") != "basic":
        raise InvalidRequestError("base: there is `basic`, the Basic Profile of PS3.15.")
    return Policy(
        name,
        version,
        frozenset(option_named(str(option)) for option in _list(fields, "options")),
        Faces(_choice(fields, "faces", list(Faces), Faces.REFUSE)),
        TextInPixels(_choice(fields, "text", list(TextInPixels), TextInPixels.ALL)),
        _rules(_list(fields, "rules")),
    )


def _object(document: object, where: str, allowed: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise InvalidRequestError(f"{where}: an object is wanted.")
    unknown = sorted(set(document) - set(allowed))
    if unknown:
        raise InvalidRequestError(f"{where}: there is no {unknown[0]!r}; there are {', '.join(allowed)}.")
    return document


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise InvalidRequestError(f"{name}: a list is wanted.")
    return value


def _choice(fields: Mapping[str, Any], name: str, allowed: list[Any], default: str) -> str:
    value = fields.get(name, default)
    if value not in [str(one) for one in allowed]:
        raise InvalidRequestError(f"{name}: one of {', '.join(map(str, allowed))}.")
    return str(value)


def _rules(documents: list[Any]) -> Rules:
    by_tag: dict[int, Rule] = {}
    by_path: dict[Tags, Rule] = {}
    by_vr: dict[str, Rule] = {}
    private: dict[tuple[str, int], Rule] = {}
    for order, document in enumerate(documents):
        where = f"rules[{order}]"
        fields = _object(document, where, ("match", "action", "value"))
        match = str(fields.get("match", ""))
        rule = _rule(order, fields, where)
        found = _PRIVATE.match(match)
        if found:
            private.setdefault((found[3], int(found[1] + found[2], 16)), rule)
        elif match.startswith("vr:"):
            by_vr.setdefault(_vr(match[3:], fields, where), rule)
        elif "/" in match:
            path = tuple(_tag(part, where) for part in match.split("/"))
            by_path.setdefault(_fitting(path, fields, where), rule)
        else:
            by_tag.setdefault(_fitting((_tag(match, where),), fields, where)[0], rule)
    return Rules(by_tag, by_path, by_vr, private)


def _rule(order: int, fields: Mapping[str, Any], where: str) -> Rule:
    name = str(fields.get("action"))
    if name not in ACTIONS:
        raise InvalidRequestError(f"{where}.action: one of {', '.join(ACTIONS)}.")
    value = fields.get("value")
    if (name == "replace") != isinstance(value, str):
        raise InvalidRequestError(f"{where}.value: `replace` wants a text, no other action does.")
    if isinstance(value, str) and not value.isascii():
        raise InvalidRequestError(f"{where}.value: ASCII, which every character set has.")
    return Rule(order, ACTIONS[name][0], (value or "").encode("ascii"))


def _vr(text: str, fields: Mapping[str, Any], where: str) -> str:
    if text not in KNOWN:
        raise InvalidRequestError(f"{where}.match: there is no VR of that name.")
    _check_vr(text, fields, where)
    return text


def _tag(text: str, where: str) -> int:
    found = _TAG.match(text)
    tag = found[1] + found[2] if found else tag_of(text)
    if tag is None:
        raise InvalidRequestError(
            f"{where}.match: neither a keyword nor a tag (gggg,eeee), nor (gggg,xxee,CREATOR), nor vr:XX, "
            "nor a path of those with `/` between."
        )
    return int(tag, 16)


def _fitting(path: Tags, fields: Mapping[str, Any], where: str) -> Tags:
    if path in ((PATIENT_NAME,), (PATIENT_ID,)):
        raise InvalidRequestError(f"{where}.match: name and ID of the patient are the pseudonym; no rule changes them.")
    if path[-1] >> 16 & 1:
        raise InvalidRequestError(f"{where}.match: a private attribute is named with its creator: (gggg,xxee,CREATOR).")
    vr = known_vr(path[-1])
    if vr in KNOWN and vr != "UN":
        _check_vr(vr, fields, where)
    return path


def _check_vr(vr: str, fields: Mapping[str, Any], where: str) -> None:
    if vr not in ACTIONS[str(fields["action"])][1]:
        raise InvalidRequestError(f"{where}.action: {fields['action']} cannot be done to a value of VR {vr}.")


def policy_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of policies."""
    rule = {
        "type": "object",
        "required": ["match", "action"],
        "additionalProperties": False,
        "properties": {
            "match": {
                "type": "string",
                "description": "keyword, (gggg,eeee), (gggg,xxee,CREATOR), vr:XX, or a path of attributes",
            },
            "action": {"enum": list(ACTIONS)},
            "value": {"type": "string", "description": "what replace writes"},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "De-identification policy",
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": f"^{_NAME}$"},
            "version": {"type": "integer", "minimum": 1},
            "base": {"const": "basic"},
            "options": {"type": "array", "items": {"enum": [str(option) for option in Option]}},
            "faces": {"enum": [str(choice) for choice in Faces]},
            "text": {"enum": [str(choice) for choice in TextInPixels]},
            "rules": {"type": "array", "items": rule, "description": "the first that matches an attribute counts"},
        },
    }

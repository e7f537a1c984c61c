"""Changes asked of a lake: deletion, purge, undoing, correction; and what the values of a command line mean."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dicomlake.client.failure import LakeClientError
from dicomlake.client.http import json_of
from dicomlake.client.lake import LakeClient
from dicomlake.dicom.dictionary.lookup import tag_of, vr_of
from dicomlake.domain.model import is_uid

Document = dict[str, Any]

NUMBERS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FL", "FD"})


def resource(study: str, series: str = "", instance: str = "") -> str:
    """Return the path of a study, series or instance; LakeClientError where a UID is none, or one above is missing."""
    if instance and not series:
        raise LakeClientError("An instance is named with its series.")
    for uid in (study, series, instance):
        if uid and not is_uid(uid):
            raise LakeClientError("Studies, series and instances are named by UIDs: `dicomlake studies` lists them.")
    below = f"/series/{series}" if series else ""
    return f"studies/{study}{below}" + (f"/instances/{instance}" if instance else "")


def elements(values: Sequence[str]) -> Document:
    """Return the DICOM JSON that texts KEYWORD=VALUE mean; no value means that the element is taken away."""
    found: Document = {}
    for text in values:
        name, sign, value = text.partition("=")
        tag = tag_of(name) or name.upper()
        vr = vr_of(tag) if len(tag) == 8 else None
        if not sign or vr is None or len(vr) != 2 or not vr.isupper() or vr == "SQ":
            raise LakeClientError("An element is given as KEYWORD=VALUE, as in PatientID=4711; sequences over the API.")
        found[tag] = {"vr": vr, "Value": [_value(one, vr) for one in value.split("\\")]} if value else None
    return found


def _value(text: str, vr: str) -> object:
    if vr == "PN":
        groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
        return {name: group for name, group in groups if group}
    if vr not in NUMBERS:
        return text
    try:
        return int(text) if vr not in ("DS", "FL", "FD") or text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        raise LakeClientError(f"A value of VR {vr} is a number.") from None


class ChangeClient:
    """The changes of one lake, asked as the operator."""

    def __init__(self, lake: LakeClient) -> None:
        self._lake = lake

    def delete(self, path: str, reason: str) -> None:
        """Hide a study, series or instance."""
        self._ask("DELETE", f"{self._lake.endpoints.dicomweb}/{path}", reason)

    def correct(self, path: str, values: Document, version: int | None, reason: str) -> None:
        """Lay elements over what is stored."""
        headers = {"Content-Type": "application/dicom+json"}
        headers |= {"If-Match": f'"{version}"'} if version is not None else {}
        url = f"{self._lake.endpoints.dicomweb}/{path}/metadata"
        self._ask("PATCH", url, reason, json.dumps(values).encode(), headers)

    def undo(self, study: str, number: int, reason: str) -> None:
        """Take back a change."""
        self._ask("POST", f"{self._lake.endpoints.lake}/studies/{study}/history/{number}/undo", reason, b"{}")

    def purge(self, study: str, reason: str) -> None:
        """Give up the bytes of what is deleted."""
        self._ask("POST", f"{self._lake.endpoints.lake}/studies/{study}/purge", reason, b"{}")

    def last_change(self, study: str) -> Document:
        """Return the change that a study is under, else its newest one."""
        history = json_of(self._lake.ask("GET", f"{self._lake.endpoints.lake}/studies/{study}/history"))
        newest = history["changes"][-1] if history["changes"] else {"kind": "none", "instances": 0}
        return dict(history["underWay"] or newest)

    def count(self, path: str) -> int:
        """Return how many instances readers see there; LakeClientError where there are none."""
        study, _, instance = path.partition("/instances/")
        query = {"SOPInstanceUID": instance} if instance else {}
        found = sum(1 for _ in self._lake.search_all(f"{study}/instances", query))
        if not found:
            raise LakeClientError("Nothing is stored under these UIDs, or it was deleted.")
        return found

    def _ask(
        self, method: str, url: str, reason: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        asked = f"{url}?reason={quote(reason)}" if reason else url
        json_of(self._lake.ask(method, asked, body, headers))

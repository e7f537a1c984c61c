"""The evidence of a job: what was done to how many attributes by which clause, what was found, what is still at risk.

A report names copies only. Its entries are chained (each hash takes in the one before), and the whole is signed with a
key made from the job's, so whoever holds that can tell that nothing was added, changed or left out.
"""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dicomlake.dicom.deidentify.options import OPTIONS, in_order
from dicomlake.dicom.deidentify.plan import SEARCHED_FOR, Edit
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from dicomlake.dicom.deidentify.standard import standard

ALWAYS_AT_RISK = (
    "pixels are what they were but for text filled over: whoever holds the originals can link them by value"
)


@dataclass(slots=True)
class Report:
    """Gathers what happens to the objects of one job."""

    policy: Policy
    accepted_by: str = ""
    tool: str = "dicomlake"
    edits: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    boxes: int = 0
    entries: list[dict[str, Any]] = field(default_factory=list)
    chain: str = ""

    def add_copy(self, name: str, digest: str, edits: Iterable[Edit], boxes: int) -> None:
        """Note a copy: its name, the SHA-256 of its file, what was changed, and how many places were filled over."""
        count = 0
        for edit in edits:
            count += 1
            self.edits[edit.clause, edit.action] += 1
            if edit.clause == SEARCHED_FOR:
                self.found.update(edit.why.split(", "))
        self.boxes += boxes
        self._chain({"copy": name, "sha256": digest, "edits": count, "filled": boxes})

    def add_refusal(self, source: str, why: str) -> None:
        """Note an object that was not taken, by a keyed hash of what its source is called."""
        self.refused[why] += 1
        self._chain({"refused": source, "why": why})

    def _chain(self, entry: dict[str, Any]) -> None:
        self.chain = hashlib.sha256(self.chain.encode() + _canonical(entry)).hexdigest()
        self.entries.append(entry | {"chain": self.chain})

    def document(self, key: bytes) -> dict[str, Any]:
        """Return the report with its signature (HMAC-SHA-256 over its canonical JSON)."""
        body = {
            "tool": self.tool,
            "standard": standard().edition,
            "policy": _policy(self.policy),
            "key": hmac.digest(key, b"key id", "sha256").hex()[:16],
            "objects": {"written": sum("copy" in entry for entry in self.entries), "refused": dict(self.refused)},
            "edits": [
                {"clause": clause, "action": action, "count": count}
                for (clause, action), count in sorted(self.edits.items())
            ],
            "found": dict(sorted(self.found.items())),
            "pixels": {"text": str(self.policy.text), "filled": self.boxes},
            "atRisk": residual_risk(self.policy, self.accepted_by),
            "entries": self.entries,
        }
        return body | {"signature": _signature(body, key)}


def is_genuine(document: dict[str, Any], key: bytes) -> bool:
    """Whether a report is signed with this key and its entries are chained as they were written."""
    body = {name: value for name, value in document.items() if name != "signature"}
    chain = ""
    for entry in document.get("entries", ()):
        plain = {name: value for name, value in entry.items() if name != "chain"}
        chain = hashlib.sha256(chain.encode() + _canonical(plain)).hexdigest()
        if chain != entry.get("chain"):
            return False
    return hmac.compare_digest(_signature(body, key), str(document.get("signature", "")))


def residual_risk(policy: Policy, accepted_by: str = "") -> list[str]:
    """Return what a policy leaves at risk, in sentences."""
    risks = [ALWAYS_AT_RISK]
    risks += [f"{option}: {OPTIONS[option].risk}" for option in in_order(policy.options) if OPTIONS[option].risk]
    if policy.faces is Faces.ACCEPT_RISK:
        who = f", accepted by {accepted_by}" if accepted_by else ""
        risks.append(f"faces may be rebuilt from heads{who}")
    if policy.text is TextInPixels.NONE:
        risks.append("nobody looked for text in pixels")
    if policy.rules:
        risks.append(
            "attributes that the policy's own rules keep are as they were, but for what is known of the patient"
        )
    return risks


def _policy(policy: Policy) -> dict[str, Any]:
    rules = policy.rules
    return {
        "name": policy.name,
        "version": policy.version,
        "options": [str(option) for option in in_order(policy.options)],
        "faces": str(policy.faces),
        "text": str(policy.text),
        "rules": len(rules.by_tag) + len(rules.by_path) + len(rules.by_vr) + len(rules.private),
    }


def _signature(body: dict[str, Any], key: bytes) -> str:
    return hmac.digest(hmac.digest(key, b"report", "sha256"), _canonical(body), "sha256").hex()


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

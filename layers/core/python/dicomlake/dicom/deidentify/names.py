"""Keyed names: what stands in a clean object for a UID and for a patient, and by how many days the patient's dates
move. Stateless, so that twice is once.

A name is a keyed hash of the original (HMAC-SHA-256): equal originals get equal names in every study of the data
store, and nobody without the key can go back or test a guess.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field

from dicomlake.domain.model import is_uid

WELL_KNOWN_ROOT = "1.2.840.10008."
"""UIDs that the standard itself gives out; they name kinds, never instances, and stay (PS3.6 annex A)."""

_VERSION = 8 << 76
_VARIANT = 2 << 62
_CLEAR = ~(0xF << 76 | 3 << 62)
# What equipment and people write where there is no ID; one character over and over ("000000", "-") counts as well.
_PLACEHOLDERS = frozenset(
    b"ANON ANONYMOUS ANONYMIZED DEFAULT EMERGENCY N/A NA NIL NO-ID NOID NONE NULL PATIENT TEST UNKNOWN UNNAMED".split()
)
_ONE_CHARACTER = re.compile(rb"(.)\1*\Z", re.DOTALL)

MAX_REMEMBERED = 1 << 16
SHORTEST_SHIFT, LONGEST_SHIFT = 366, 3653
"""Days. Back, so that no date lies in the future of its reader."""


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """What tells one patient of a data store from another: issuer, PatientID and, for want of an ID, the study.

    Raw bytes as the header has them. `source` names who sent the object and stands in for a missing issuer: hundreds of
    hospitals have a patient 000001.
    """

    patient_id: bytes
    issuer: bytes
    source: str
    study_uid: str

    @property
    def has_id(self) -> bool:
        """Whether the PatientID identifies anyone; a placeholder does not."""
        text = self.patient_id.strip(b" \0").upper()
        return bool(text) and text not in _PLACEHOLDERS and not _ONE_CHARACTER.match(text)


@dataclass(frozen=True, slots=True)
class KeyedNames:
    """The names of one data store, under its key (32 bytes); it remembers `most` of the UIDs that it has mapped."""

    key: bytes = field(repr=False)
    remembered: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    most: int = MAX_REMEMBERED

    def uid(self, original: str) -> str:
        """Return the UID that stands for another: 2.25 and an RFC 9562 version 8 UUID (PS3.5 B.2).

        Well-known UIDs stay, texts that only begin like one do not. Injective but for 122-bit collisions.
        """
        if original.startswith(WELL_KNOWN_ROOT) and is_uid(original):
            return original
        known = self.remembered.get(original)
        if known is None:
            number = int.from_bytes(self._digest(b"uid", original.encode())[:16], "big")
            known = f"2.25.{number & _CLEAR | _VERSION | _VARIANT}"
            if len(self.remembered) < self.most:
                self.remembered[original] = known
        return known

    def patient(self, identity: PatientIdentity) -> str:
        """Return the pseudonym of a patient: `DL` and 16 letters and digits (80 bits), valid as LO and as PN.

        Two people who share a placeholder never share a pseudonym: those are named by their study.
        """
        return "DL" + base64.b32encode(self._digest(*_owner(b"patient", identity))[:10]).decode()

    def days(self, identity: PatientIdentity) -> int:
        """Return by how many days all dates of a patient move: back, by one to ten years (PS3.15 E.3.6)."""
        digest = self._digest(*_owner(b"days of patient", identity))
        return -(SHORTEST_SHIFT + int.from_bytes(digest[:8]) % (LONGEST_SHIFT - SHORTEST_SHIFT + 1))

    def hashed(self, value: bytes, length: int = 16) -> str:
        """Return letters and digits that stand for a value: what a policy's `hash` writes."""
        return base64.b32encode(self._digest(b"value", value)[:20]).decode()[:length]

    def _digest(self, *parts: bytes) -> bytes:
        """Hash parts with their lengths, so that no two lists of parts are one text."""
        message = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
        return hmac.digest(self.key, message, "sha256")


def _owner(label: bytes, identity: PatientIdentity) -> tuple[bytes, ...]:
    """Return what a patient's names are made of: issuer (or sender) and ID, or for want of an ID the study."""
    if not identity.has_id:
        return (label + b" of study", identity.study_uid.encode())
    owner = identity.issuer.strip(b" \0")
    scope = (b"issuer", owner) if owner else (b"source", identity.source.encode())
    return (label, *scope, identity.patient_id.strip(b" \0"))

"""Keyed names: what stands in a clean object for a UID and for a patient. Stateless, so that twice is once.

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
    """The names of one data store, under its key (32 bytes)."""

    key: bytes = field(repr=False)
    remembered: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

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
            if len(self.remembered) < MAX_REMEMBERED:
                self.remembered[original] = known
        return known

    def patient(self, identity: PatientIdentity) -> str:
        """Return the pseudonym of a patient: `DL` and 16 letters and digits (80 bits), valid as LO and as PN.

        Two people who share a placeholder never share a pseudonym: those are named by their study.
        """
        if identity.has_id:
            owner = identity.issuer.strip(b" \0")
            scope = (b"issuer", owner) if owner else (b"source", identity.source.encode())
            digest = self._digest(b"patient", *scope, identity.patient_id.strip(b" \0"))
        else:
            digest = self._digest(b"patient of study", identity.study_uid.encode())
        return "DL" + base64.b32encode(digest[:10]).decode()

    def _digest(self, *parts: bytes) -> bytes:
        """Hash parts with their lengths, so that no two lists of parts are one text."""
        message = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
        return hmac.digest(self.key, message, "sha256")

"""How the bytes after the file meta are laid out: what the transfer syntax says, and what the bytes say themselves."""

from dicomlake.dicom.dictionary.lookup import vr_of
from dicomlake.dicom.header.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_BIG, IMPLICIT_LITTLE, Encoding
from dicomlake.dicom.header.vr import KNOWN

IMPLICIT_VR_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG = "1.2.840.10008.1.2.2"
DEFLATED = frozenset({DEFLATED_LITTLE, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
"""Deflated Explicit VR Little Endian, and the JPIP syntaxes whose data set is deflated too (PS3.5 A.5, A.7)."""

NATIVE = {IMPLICIT_VR_LITTLE: IMPLICIT_LITTLE, EXPLICIT_VR_LITTLE: EXPLICIT_LITTLE, EXPLICIT_VR_BIG: EXPLICIT_BIG}
"""Transfer syntaxes whose pixels are native; every other one is explicit little endian (PS3.5 A.4)."""

ENCAPSULATED = tuple(f"1.2.840.10008.1.2.{suffix}" for suffix in ("4.", "5", "8.", "1.98"))
"""How the transfer syntaxes begin that have no native pixels."""

SYNTAX_OF = {
    IMPLICIT_LITTLE: IMPLICIT_VR_LITTLE,
    EXPLICIT_LITTLE: EXPLICIT_VR_LITTLE,
    EXPLICIT_BIG: EXPLICIT_VR_BIG,
    IMPLICIT_BIG: IMPLICIT_VR_LITTLE,
}

STREAMS = (
    (b"\xff\x4f\xff\x51", "1.2.840.10008.1.2.4.90"),
    (b"\xff\xd8\xff\xf7", "1.2.840.10008.1.2.4.80"),
    (b"\xff\xd8\xff", "1.2.840.10008.1.2.4.50"),
)
"""How the code streams of fragments begin; for bytes that no transfer syntax is declared for."""


def declared_encoding(transfer_syntax: str) -> Encoding:
    """Return how a transfer syntax lays out its data set."""
    return NATIVE.get(transfer_syntax, EXPLICIT_LITTLE)


def sniff_encoding(head: bytes) -> Encoding | None:
    """Return how a data set is laid out by its first element, or None where it is no element.

    `head` are its first bytes, 12 or more. The first tag of a data set is in a low group, which tells the byte order;
    a VR where explicit VR has one tells the rest.
    """
    if len(head) < 8:
        return None
    explicit = head[4:6].decode("latin-1") in KNOWN
    little = int.from_bytes(head[:2], "little") <= int.from_bytes(head[:2], "big")
    encoding = {
        (True, True): EXPLICIT_LITTLE,
        (True, False): EXPLICIT_BIG,
        (False, True): IMPLICIT_LITTLE,
        (False, False): IMPLICIT_BIG,
    }[explicit, little]
    tag = encoding.tag(head)
    plausible = _starts_a_data_set(tag) and (explicit or _plausible_length(encoding, tag, head))
    return encoding if plausible else None


def _starts_a_data_set(tag: str) -> bool:
    return "0002" <= tag[:4] <= "7FE0" and (tag.endswith("0000") or vr_of(tag) is not None or int(tag[3], 16) % 2 == 1)


def _plausible_length(encoding: Encoding, tag: str, head: bytes) -> bool:
    """Whether an implicit length is one: group lengths are 4, the others of a first element are short."""
    (length,) = encoding.long.unpack_from(head, 4)
    return length == 4 if tag.endswith("0000") else length < 1 << 16 and vr_of(tag) is not None

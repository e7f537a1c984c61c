"""The compact binary attribute of an item: JSON, deflated with a dictionary of what our items are made of.

The item's own keys are the tail of the dictionary: UIDs that stand in the keys cost a few bytes inside. A CT
instance's row is 0.5 kB this way and 1.9 kB as plain JSON, and DynamoDB charges by the kilobyte (docs/index.md).
"""

import zlib

from dicomlake.adapters.dynamodb.plain import from_text, to_text

VERSION = b"\x01"
RAW_DEFLATE = -15

_TAGS = (
    "00080005 00080016 00080018 00080020 00080021 00080022 00080023 00080030 00080031 00080050 00080056 00080060 "
    "00080061 00080062 00080080 00080090 00081010 00081030 0008103E 00081090 00100010 00100020 00100021 00100030 "
    "00100040 00180015 00180050 00181030 0020000D 0020000E 00200010 00200011 00200013 00200032 00200037 00200052 "
    "00201041 00201206 00201208 00201209 00280002 00280004 00280008 00280010 00280011 00280030 00280100"
)
_FIELDS = (
    '{"commit_id":"","kind":"stored","at":"2026-","tally":{"stored":1,"duplicates":1,"quarantined":1},"pack":"packs/'
    '","study":{"study_uid":"","attributes":{"series":[{"attributes":{"series_uid":"","attributes":{"modality":"CT",'
    '"sop_classes":["reasons":["warnings":1,"truncated":1,"state":"receiving"settling"ready","generation":2,'
    '"version":1,"modalities":["series_count":1,"generation_started_at":"2026-","last_stored_at":"2026-",'
    '"timer_due":"2026-","declared":"ready_at":"2026-","ready_generation":1,"since_ready":{"stored":'
    '"metadata_key":"metadata_instances":"packs":[{"key":{"object_hash":"","version_id":""},"outcome":"stored",'
    '"duplicate"quarantined"pending"size":,"landed_at":"2026-01-01T00:00:00.000Z","source":"default","instance":'
    '{"study_uid":"","series_uid":"","instance_uid":""},"reason":"detail":"quarantine_key":"objects/"attempts":1,'
    '"warnings":[{"code":"steps":[{"name":"landed","at":"2026-'
)
_RECORD = (
    '"vr":"LO","Value":["vr":"SH","Value":["vr":"DA","Value":["20"vr":"TM","Value":["vr":"PN","Value":[{"Alphabetic":"'
    '"vr":"CS","Value":["ORIGINAL","PRIMARY","AXIAL"]},"00200013":{"vr":"IS","Value":[1]},"00200032":{"vr":"DS",'
    '"Value":[-1],"00200037":{"vr":"DS","Value":[1,0,0,0,1,0]},"00280008":{"vr":"IS","Value":[1]},"00280010":{"vr":'
    '"US","Value":[512]},"00280011":{"vr":"US","Value":[512]},"00280030":{"vr":"DS","Value":[0.9765625,0.9765625]},'
    '"00280100":{"vr":"US","Value":[16]}}}{"ledger":{"object_hash":"","version_id":""},"sop_class_uid":'
    '"1.2.840.10008.5.1.4.1.1.2","1.2.840.10008.5.1.4.1.1.4","1.2.840.10008.5.1.4.1.1.2.1","source_transfer_syntax":'
    '"1.2.840.10008.1.2.1","1.2.840.10008.1.2","1.2.840.10008.1.2.4.70","stored_transfer_syntax":'
    '"1.2.840.10008.1.2.4.202","landed_size":,"landed_sha256":"","content_digest":"","stored_size":"frame_count":1,'
    '"restorable":"bytes"pixels"kept","stored_at":"2026-01-01T00:00:00.000Z","instance_number":1,"visibility":'
    '"non-primary"deleted","counts":{"instances":1,"frames":1,"landed_bytes":1,"stored_bytes":1},"attributes":'
    '{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00080018":{"vr":"UI","Value":["'
)
DICTIONARY = (_TAGS + _FIELDS + _RECORD).encode()
"""Part of the format: what was written with it can only be read with it, so a change is a new version."""


def pack(value: object, pk: str, sk: str) -> bytes:
    """Return a dataclass as an item's binary attribute."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, RAW_DEFLATE, zdict=_dictionary(pk, sk))
    return VERSION + squeeze.compress(to_text(value)) + squeeze.flush()


def unpack[T](kind: type[T], data: bytes, pk: str, sk: str) -> T:
    """Return the dataclass that `pack` wrote under these keys."""
    if data[:1] != VERSION:
        raise ValueError("this index row was written by a newer dicomlake; update this one")
    expand = zlib.decompressobj(RAW_DEFLATE, zdict=_dictionary(pk, sk))
    return from_text(kind, expand.decompress(data[1:]) + expand.flush())


def _dictionary(pk: str, sk: str) -> bytes:
    return DICTIONARY + pk.encode() + sk.encode()

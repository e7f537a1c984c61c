"""Domain values for tests: valid, small, and the same for the same seed."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from dicomlake.domain.commit import Commit, CommitRow, SeriesShare
from dicomlake.domain.errors import Reason
from dicomlake.domain.ledger import LedgerEntry, Step, Tally
from dicomlake.domain.model import (
    Counts,
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    JsonObject,
    LandedObject,
    LedgerKey,
    Outcome,
    PackPointer,
    Restorable,
    SeriesAttributes,
    SeriesUid,
    SopClassUid,
    StudyAttributes,
    StudyUid,
    TransferSyntaxUid,
)
from dicomlake.ports import Datastore

CT_IMAGE = SopClassUid("1.2.840.10008.5.1.4.1.1.2")
EXPLICIT_LITTLE = TransferSyntaxUid("1.2.840.10008.1.2.1")
HTJ2K_LOSSLESS_RPCL = TransferSyntaxUid("1.2.840.10008.1.2.4.202")
AT = "2026-03-01T10:00:00.000Z"


class Builder:
    """Makes domain values; every new one differs from those before, two builders of one seed make the same."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._count = 0

    def hex(self, digits: int = 32) -> str:
        """Return the next so many hex digits."""
        self._count += 1
        return hashlib.sha256(f"{self._seed}/{self._count}".encode()).hexdigest()[:digits]

    def uid(self) -> str:
        """Return a UID of the length that scanners give (about 56 characters)."""
        number = int(self.hex(30), 16)
        return f"1.2.826.0.1.3680043.8.498.{number:036d}"[:64]

    def study_uid(self) -> StudyUid:
        """Return a new Study Instance UID."""
        return StudyUid(self.uid())

    def series_uid(self) -> SeriesUid:
        """Return a new Series Instance UID."""
        return SeriesUid(self.uid())

    def instance_key(self, study_uid: StudyUid | None = None, series_uid: SeriesUid | None = None) -> InstanceKey:
        """Return a new instance key, of the given study and series or of new ones."""
        return InstanceKey(study_uid or self.study_uid(), series_uid or self.series_uid(), InstanceUid(self.uid()))

    def ledger_key(self, object_hash: str = "") -> LedgerKey:
        """Return a new ledger key, of the given object or of a new one."""
        return LedgerKey(object_hash or self.hex(), self.hex())

    def landed(self, key: str = "") -> LandedObject:
        """Return a landed object."""
        return LandedObject("landing", key or f"in/{self.hex(8)}.dcm", self.hex(), 526_000)

    def pointer(self, pack: str = "") -> PackPointer:
        """Return a pointer into a pack."""
        return PackPointer(pack or f"packs/2026/03/01/{self.hex()}.dlp", 3, (1_234_567, 210_000), 17_000_000, 96)

    def record(self, key: InstanceKey | None = None) -> InstanceRecord:
        """Return the record of a CT slice, with the attributes a search returns."""
        key = key or self.instance_key()
        return InstanceRecord(
            key=key,
            ledger=self.ledger_key(),
            sop_class_uid=CT_IMAGE,
            source_transfer_syntax=EXPLICIT_LITTLE,
            stored_transfer_syntax=HTJ2K_LOSSLESS_RPCL,
            landed_size=526_000,
            landed_sha256=self.hex(64),
            content_digest=self.hex(),
            stored_size=210_000,
            frame_count=1,
            restorable=Restorable.BYTES,
            pointer=self.pointer(),
            stored_at=AT,
            instance_number=self._count,
            attributes=ct_attributes(key, self._count),
        )

    def entry(self, outcome: Outcome = Outcome.STORED, record: InstanceRecord | None = None) -> LedgerEntry:
        """Return a ledger entry: of the record's object where one is given, else of a new object."""
        return LedgerEntry(
            key=record.ledger if record else self.ledger_key(),
            outcome=outcome,
            size=526_000,
            landed_at=AT,
            instance=record.key if record else None,
            reason=Reason.MALFORMED if outcome is Outcome.QUARANTINED else None,
            quarantine_key=f"objects/{self.hex()}" if outcome is Outcome.QUARANTINED else "",
            steps=() if outcome is Outcome.PENDING else (Step(str(outcome), AT),),
        )

    def commit(self, records: Sequence[InstanceRecord], at: str = AT) -> Commit:
        """Return the commit that stores these records of one study."""
        study_uid = records[0].key.study_uid
        row = CommitRow(
            commit_id=self.hex(),
            kind="stored",
            at=at,
            study_uid=study_uid,
            tally=Tally(stored=len(records)),
            counts=counts_of(records),
            pack=records[0].pointer.pack,
            study=StudyAttributes(study_uid, study_attributes(study_uid)),
            series=series_shares(records),
        )
        return Commit(row, tuple(self.entry(record=record) for record in records), tuple(records))

    def ended(self, outcome: Outcome, count: int = 1, at: str = AT, study_uid: StudyUid | None = None) -> Commit:
        """Return a commit of objects that ended without a record: duplicates or quarantined."""
        tally = Tally(duplicates=count) if outcome is Outcome.DUPLICATE else Tally(quarantined=count)
        row = CommitRow(self.hex(), str(outcome), at, study_uid, tally)
        return Commit(row, tuple(self.entry(outcome) for _ in range(count)))

    def slices(self, count: int, study_uid: StudyUid | None = None, series: int = 1) -> list[InstanceRecord]:
        """Return the records of one study, spread over so many series."""
        study_uid = study_uid or self.study_uid()
        series_uids = [self.series_uid() for _ in range(series)]
        return [self.record(self.instance_key(study_uid, series_uids[i % series])) for i in range(count)]


def counts_of(records: Sequence[InstanceRecord]) -> Counts:
    """Return what the records add up to."""
    return Counts(
        instances=len(records),
        frames=sum(record.frame_count for record in records),
        landed_bytes=sum(record.landed_size for record in records),
        stored_bytes=sum(record.stored_size for record in records),
    )


def series_shares(records: Sequence[InstanceRecord]) -> tuple[SeriesShare, ...]:
    """Return the series' parts of a commit of these records."""
    by_series: dict[SeriesUid, list[InstanceRecord]] = {}
    for record in records:
        by_series.setdefault(record.key.series_uid, []).append(record)
    return tuple(
        SeriesShare(SeriesAttributes(uid, series_attributes(uid)), counts_of(own), "CT", (CT_IMAGE,))
        for uid, own in by_series.items()
    )


def ct_attributes(key: InstanceKey, number: int) -> JsonObject:
    """Return the instance-level DICOM JSON that a search for CT slices returns."""
    return {
        "00080016": {"vr": "UI", "Value": [CT_IMAGE]},
        "00080018": {"vr": "UI", "Value": [key.instance_uid]},
        "0020000E": {"vr": "UI", "Value": [key.series_uid]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", "AXIAL"]},
        "00200013": {"vr": "IS", "Value": [number]},
        "00200032": {"vr": "DS", "Value": [-249.51171875, -460.51171875, 1.5 * number]},
        "00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]},
        "00280008": {"vr": "IS", "Value": [1]},
        "00280010": {"vr": "US", "Value": [512]},
        "00280011": {"vr": "US", "Value": [512]},
        "00280030": {"vr": "DS", "Value": [0.9765625, 0.9765625]},
        "00280100": {"vr": "US", "Value": [16]},
    }


def study_attributes(study_uid: StudyUid) -> JsonObject:
    """Return the patient- and study-level DICOM JSON of an invented study."""
    return {
        "0020000D": {"vr": "UI", "Value": [study_uid]},
        "00080020": {"vr": "DA", "Value": ["20260301"]},
        "00080050": {"vr": "SH", "Value": ["ACC-1"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Test^Builder"}]},
        "00100020": {"vr": "LO", "Value": ["TEST-1"]},
    }


def series_attributes(series_uid: SeriesUid) -> JsonObject:
    """Return the series-level DICOM JSON of an invented series."""
    return {
        "0020000E": {"vr": "UI", "Value": [series_uid]},
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "0008103E": {"vr": "LO", "Value": ["Thorax 1.5 mm"]},
    }


def with_ports(store: Datastore, **ports: object) -> Datastore:
    """Return a data store with other ports in place of some of its own."""
    return Datastore(**{name: ports.get(name, getattr(store, name)) for name in Datastore.__slots__})


def recommitted(commit: Commit, commit_id: str) -> Commit:
    """Return the same commit as another delivery would make it: same content, new commit id."""
    return replace(commit, row=replace(commit.row, commit_id=commit_id))

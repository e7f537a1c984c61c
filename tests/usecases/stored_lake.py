"""A data store in memory that holds invented studies: real packs, real commits, real folds, no pixels decoded."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from dicomlake.adapters.memory import (
    MemoryAccessKeys,
    MemoryClock,
    MemoryDatastore,
    MemoryDatastoreRegistry,
    MemoryEventPublisher,
    MemoryIdSource,
    MemoryObjectStore,
    MemorySecretSource,
    MemoryWorkQueue,
)
from dicomlake.adapters.memory.uploads import MemoryUploadSigner
from dicomlake.domain.commit import Commit, CommitRow, SeriesShare
from dicomlake.domain.ledger import LedgerEntry, Step, Tally
from dicomlake.domain.levels import split
from dicomlake.domain.model import (
    Counts,
    DatastoreId,
    InstanceKey,
    InstanceRecord,
    InstanceUid,
    JsonObject,
    JsonValue,
    Outcome,
    SeriesAttributes,
    SeriesUid,
    StudyAttributes,
    StudyUid,
)
from dicomlake.domain.search_keys import search_keys
from dicomlake.domain.study import SettlePolicy, Study
from dicomlake.lake.pack import PackSummary
from dicomlake.lake.series_metadata import build_series_metadata
from dicomlake.ports import Fold, SecretSource
from dicomlake.usecases.track_study import track_study
from dicomlake.web.services import OpenStore, Services
from tests.builders import AT, Builder
from tests.unit.lake.packs import Given, framed, packed

STORE = DatastoreId("reading-room")
OPERATOR = "arn:aws:iam::123456789012:role/lake/operator"
LINK_KEY = MemorySecretSource(b"a key for study links, 32 bytes...")
NAME: JsonObject = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}


def element(vr: str, *values: JsonValue) -> JsonObject:
    """One DICOM JSON element."""
    return {"vr": vr, "Value": list(values)}


def study_part(study: str, **changes: JsonObject) -> JsonObject:
    """The study level of an invented study; `changes` are elements by tag with a leading t."""
    part: JsonObject = {
        "00080020": element("DA", "20240131"),
        "00080030": element("TM", "101500"),
        "00080050": element("SH", f"A{study}"),
        "00080090": element("PN", {"Alphabetic": "Suzuki^Hanako"}),
        "00081030": element("LO", "Chest"),
        "00100010": element("PN", NAME),
        "00100020": element("LO", "P1"),
        "00100040": element("CS", "M"),
        "00200010": element("SH", "1"),
    }
    return {**part, **{tag[1:]: value for tag, value in changes.items()}}


class StoredLake:
    """Everything a reading use case or the web needs, in memory."""

    def __init__(self) -> None:
        self.datastore = MemoryDatastore()
        self.clock = MemoryClock()
        self.ids = MemoryIdSource()
        self.secret = MemorySecretSource()
        self.access_keys, self.datastores = MemoryAccessKeys(), MemoryDatastoreRegistry()
        self.landing = MemoryObjectStore("landing")
        self.uploads = MemoryUploadSigner(self.landing)
        self.quarantine = MemoryObjectStore("quarantine")
        self.changes, self.events = MemoryWorkQueue(), MemoryEventPublisher()
        self._build = Builder()

    def services(
        self,
        cleared: bool = True,
        links: SecretSource | None = LINK_KEY,
        late: Callable[[], bool] = lambda: False,
    ) -> Services:
        """What the web is given."""
        return Services(
            stores={STORE: OpenStore(STORE, self.datastore, cleared, "reading")},
            default_store=STORE,
            landing_bucket="landing",
            uploads=self.uploads,
            quarantine=self.quarantine,
            secret=self.secret,
            access_keys=self.access_keys,
            datastores=self.datastores,
            clock=self.clock,
            ids=self.ids,
            region="eu-central-1",
            operators=frozenset({OPERATOR}),
            links=links,
            changes=self.changes,
            events=self.events,
            late=late,
        )

    def add(
        self,
        study: str,
        series: str,
        frames: Sequence[Sequence[bytes]] = ((b"frame",),),
        first: int = 1,
        attributes: JsonObject | None = None,
        modality: str = "CT",
    ) -> tuple[InstanceRecord, ...]:
        """Store one instance per element of `frames`, as one pack and one commit, and fold it."""
        given = [
            self._given(study, series, first + number, streams, attributes or study_part(study), modality)
            for number, streams in enumerate(frames)
        ]
        pack = f"packs/{self.ids.new()}.pack"
        data, summary = packed(*given, key=pack)
        self.datastore.objects.put(pack, data)
        assert self.datastore.instances.commit(self._commit(summary, given, pack, modality)) == ()
        self.fold(study)
        return summary.records

    def fold(self, study: str) -> None:
        """Fold what was committed into the study."""
        policy = SettlePolicy(30, 180)
        track_study(STORE, StudyUid(study), self.datastore, MemoryWorkQueue(), policy, self.clock, lambda: False)

    def finalise(self, study: str, series: str, records: Sequence[InstanceRecord]) -> bytes:
        """Write the pre-built metadata object of a series and name it in its row; return the JSON array."""
        texts = [metadata_of(record.key, record.instance_number or 0) for record in records]
        key = f"series/{self.ids.new()}.json.gz"
        self.datastore.objects.put(key, build_series_metadata(texts))
        row = next(one for one in self.datastore.studies.series(StudyUid(study)) if one.series_uid == series)
        self.datastore.studies.save_series(
            StudyUid(study), replace(row, metadata_key=key, metadata_instances=len(texts))
        )
        return b"[" + b",".join(texts) + b"]"

    def add_row(self, study: str, modalities: tuple[str, ...] = ("CT",), **changes: JsonObject) -> None:
        """Put a study into the index only: enough to search for it, cheap enough for thousands."""
        row = Study(
            StudyUid(study),
            version=1,
            attributes=study_part(study, **changes),
            counts=Counts(instances=1),
            series_count=1,
            modalities=modalities,
        )
        self.datastore.studies.fold(Fold(row, expected_version=0, add_keys=search_keys(row)))

    def _given(
        self, study: str, series: str, number: int, streams: Sequence[bytes], attributes: JsonObject, modality: str
    ) -> Given:
        key = InstanceKey(StudyUid(study), SeriesUid(series), InstanceUid(f"{series}.{number}"))
        record = replace(
            self._build.record(key),
            frame_count=len(streams),
            instance_number=number,
            attributes=split(instance_part(number))[2],
        )
        return Given(
            record=record,
            frames=framed(*streams),
            head=b"head of " + key.instance_uid.encode(),
            metadata=metadata_of(key, number),
            study=attributes,
            series=series_part(series, modality),
        )

    def _commit(self, summary: PackSummary, given: Sequence[Given], pack: str, modality: str) -> Commit:
        records = summary.records
        key = records[0].key
        counts = Counts(len(records), sum(one.frame_count for one in records), len(records), len(records))
        share = SeriesShare(SeriesAttributes(key.series_uid, given[0].series), counts, modality, ("1.2",))
        row = CommitRow(
            commit_id=self.ids.new(),
            kind="stored",
            at=AT,
            study_uid=key.study_uid,
            tally=Tally(stored=len(records)),
            counts=counts,
            pack=pack,
            study=StudyAttributes(key.study_uid, given[0].study),
            series=(share,),
        )
        return Commit(row, tuple(entry_of(record) for record in records), records)


def entry_of(record: InstanceRecord) -> LedgerEntry:
    """The ledger entry of a stored record."""
    return LedgerEntry(
        key=record.ledger,
        outcome=Outcome.STORED,
        size=record.landed_size,
        landed_at=AT,
        instance=record.key,
        steps=(Step("landed", AT), Step("stored", AT)),
    )


def series_part(series: str, modality: str) -> JsonObject:
    """The series level of an invented series; its number is the last component of its UID."""
    return {
        "00080060": element("CS", modality),
        "0008103E": element("LO", f"series {series}"),
        "00200011": element("IS", int(series.rsplit(".", 1)[-1])),
    }


def instance_part(number: int) -> JsonObject:
    """The instance level of an invented slice."""
    return {
        "00200013": element("IS", number),
        "00280010": element("US", 512),
        "00280011": element("US", 512),
        "00280100": element("US", 16),
    }


def metadata_of(key: InstanceKey, number: int) -> bytes:
    """The full DICOM JSON of an invented slice."""
    content = {
        "0020000D": element("UI", key.study_uid),
        "0020000E": element("UI", key.series_uid),
        "00080018": element("UI", key.instance_uid),
        **instance_part(number),
        "7FE00010": {"vr": "OW", "BulkDataURI": "pixeldata"},
    }
    return json.dumps(content).encode()

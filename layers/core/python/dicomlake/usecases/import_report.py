"""What an import job says of each of its objects, and where it says it (HealthImaging's output manifest).

A chunk is reported when every object of it has ended in the ledger, and every image set that it went into holds it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dicomlake.domain.errors import EXPLANATIONS
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.image_sets import PRIMARY_LAYER, ImageSet, image_set_id, layers_of
from dicomlake.domain.imports import OURS, Fate, ImportedFile, ImportFile, ImportJob, bucket_and_prefix
from dicomlake.domain.ledger import LedgerEntry, is_decided
from dicomlake.domain.model import InstanceKey, JsonObject, JsonValue, LedgerKey, Outcome, SeriesUid, StudyUid
from dicomlake.lake.paths import import_chunk_key
from dicomlake.ports import Datastore, ObjectStore

MANIFEST = "job-output-manifest.json"
FOLDERS = {"SUCCESS": "success", "FAILURE": "failure", "WARNING": "warning"}
BESIDE = frozenset({"conflict-kept-beside", "instance-uid-in-other-series"})
OTHER_WARNING = 0xBFFF
WARNING_CODES = {
    "undecodable-frame": 0xB100,
    "verify-mismatch": 0xB100,
    "bad-fragments": 0xB110,
    "truncated-frame": 0xB110,
    "truncated-pixels": 0xB110,
    "frame-count-mismatch": 0xB111,
    "bad-offset-table": 0xB112,
    "uid-form": 0xB201,
}
"""The warning reason codes of HealthImaging for what the lake warns of; others are 0xBFFF."""


def encode_files(files: Iterable[ImportFile]) -> bytes:
    """Return a chunk's files as JSON; surrogates that stand for bytes of a key are kept."""
    rows = [[one.key, *(vars_of(one.ledger)), one.refused] for one in files]
    return json.dumps(rows).encode()


def vars_of(ledger: LedgerKey | None) -> tuple[str, str]:
    """Return a ledger key's two parts, empty where there is none."""
    return (ledger.object_hash, ledger.version_id) if ledger else ("", "")


def decode_files(data: bytes | bytearray) -> list[ImportFile]:
    """Return the files that `encode_files` wrote."""
    return [
        ImportFile(key, LedgerKey(object_hash, version) if object_hash else None, refused)
        for key, object_hash, version, refused in json.loads(data)
    ]


def report_chunk(job: ImportJob, store: Datastore, secret: LakeSecret) -> int | None:
    """Write what became of a job's next chunk; return how many objects it has, None where some are still under way."""
    files = decode_files(store.objects.get(import_chunk_key(job.job_id, job.reported, "files")))
    entries = store.ledger.entries([one.ledger for one in files if one.ledger])
    if not all(is_decided(entries.get(one.ledger)) for one in files if one.ledger):
        return None
    shown = _Shown(job, store, secret)
    lines = [_line(one, entries.get(one.ledger) if one.ledger else None, shown) for one in files]
    if any(line is None for line in lines):
        return None
    body = json.dumps([_as_list(line) for line in lines if line]).encode()
    store.objects.put(import_chunk_key(job.job_id, job.reported, "report"), body)
    return len(files)


class _Shown:
    """Which image set holds an instance of a job, as far as image sets were published; each series is read once."""

    def __init__(self, job: ImportJob, store: Datastore, secret: LakeSecret) -> None:
        self._datastore, self._store, self._secret = job.datastore, store, secret
        self._series: dict[tuple[StudyUid, SeriesUid, int], tuple[ImageSet, frozenset[str]] | None] = {}

    def holding(self, key: InstanceKey, ledger: LedgerKey, beside: bool) -> ImageSet | None:
        """Return the image set that holds an instance, None where none does yet."""
        layer = self._layer(key, ledger) if beside else PRIMARY_LAYER
        found = self._of(key.study_uid, key.series_uid, layer)
        return found[0] if found and key.instance_uid in found[1] else None

    def _layer(self, key: InstanceKey, ledger: LedgerKey) -> int:
        """The layer of a record kept beside the primary one; a further copy of it has a ledger row, but no record."""
        layers = layers_of(self._store.instances.beside(key.study_uid, key.series_uid))
        own = ((n, one) for n, layer in enumerate(layers, PRIMARY_LAYER + 1) for one in layer if one.key == key)
        places = [(one.ledger != ledger, n) for n, one in own]
        return min(places)[1] if places else PRIMARY_LAYER

    def _of(self, study_uid: StudyUid, series_uid: SeriesUid, layer: int) -> tuple[ImageSet, frozenset[str]] | None:
        name = study_uid, series_uid, layer
        if name not in self._series:
            held = self._store.image_sets.image_set(image_set_id(self._secret, self._datastore, *name))
            members = self._store.image_sets.members(held.image_set_id, held.content) if held else None
            self._series[name] = (held, frozenset(members or ())) if held else None
        return self._series[name]


def _line(file: ImportFile, entry: LedgerEntry | None, shown: _Shown) -> ImportedFile | None:
    """Return what became of an object, None where its image set is not published yet."""
    if entry is None:
        return ImportedFile(file.key, Fate.CUSTOMER_ERROR, file.refused)
    if entry.outcome is Outcome.QUARANTINED or entry.instance is None:
        return _refused(file, entry)
    codes = tuple(warned.code for warned in entry.warnings)
    image_set = shown.holding(entry.instance, entry.key, bool(BESIDE & set(codes)))
    if image_set is None:
        return None
    return ImportedFile(
        key=file.key,
        fate=Fate.IMPORTED,
        image_set_id=image_set.image_set_id,
        image_set_version=image_set.version,
        is_primary=image_set.is_primary,
        duplicate=entry.outcome is Outcome.DUPLICATE,
        warnings=codes,
    )


def _refused(file: ImportFile, entry: LedgerEntry) -> ImportedFile:
    fate = Fate.SERVER_ERROR if entry.reason in OURS else Fate.CUSTOMER_ERROR
    told = EXPLANATIONS[entry.reason].sentence if entry.reason else "The object was not stored."
    return ImportedFile(file.key, fate, f"{told} {entry.detail}".strip())


def _as_list(line: ImportedFile) -> JsonObject:
    return {name: getattr(line, name) for name in ImportedFile.__slots__}


def _lines(job: ImportJob, store: Datastore) -> Iterator[ImportedFile]:
    for chunk in range(job.chunks):
        for row in json.loads(store.objects.get(import_chunk_key(job.job_id, chunk, "report"))):
            yield ImportedFile(**{**row, "fate": Fate(row["fate"]), "warnings": tuple(row["warnings"])})


@dataclass(slots=True)
class _Totals:
    """What the manifest adds up."""

    fates: Counter[Fate]
    matched: Counter[tuple[str, int, bool]]


def write_report(job: ImportJob, store: Datastore, bucket: Callable[[str], ObjectStore]) -> None:
    """Write a job's lines and then its manifest into its output folder; the memory it takes is a chunk's."""
    name, folder = bucket_and_prefix(job.output_folder)
    out, totals = bucket(name), _Totals(Counter(), Counter())
    for line in _lines(job, store):
        totals.fates[line.fate] += 1
        if line.image_set_id:
            totals.matched[line.image_set_id, line.image_set_version, line.is_primary] += 1
    for part, file in FOLDERS.items():
        with out.open_writer(f"{folder}{part}/{file}.ndjson", "application/x-ndjson") as writer:
            for line in _lines(job, store):
                document = _DOCUMENTS[part](line)
                if document:
                    writer.write(json.dumps(document).encode() + b"\n")
            writer.commit()
    manifest = json.dumps({"jobSummary": _summary(job, totals)}, indent=2).encode()
    out.put(folder + MANIFEST, manifest, "application/json")


def _success(line: ImportedFile) -> JsonObject:
    if line.fate is not Fate.IMPORTED:
        return {}
    told: JsonObject = {
        "imageSetId": line.image_set_id,
        "imageSetVersion": line.image_set_version,
        "isPrimary": line.is_primary,
    }
    again: JsonObject = {"duplicate": True} if line.duplicate else {}
    return {"inputFile": line.key, "importResponse": told, **again}


def _failure(line: ImportedFile) -> JsonObject:
    if line.fate is Fate.IMPORTED:
        return {}
    kind = "ValidationException" if line.fate is Fate.CUSTOMER_ERROR else "InternalServerException"
    return {"inputFile": line.key, "exception": {"exceptionType": kind, "message": line.message}}


def _warning(line: ImportedFile) -> JsonObject:
    if line.fate is not Fate.IMPORTED or not line.warnings:
        return {}
    told: list[JsonValue] = [
        {"warning_reason_code": WARNING_CODES.get(code, OTHER_WARNING), "type": code, "message": code.replace("-", " ")}
        for code in line.warnings
    ]
    return {"inputFile": line.key, "warnings": told}


_DOCUMENTS: dict[str, Callable[[ImportedFile], JsonObject]] = {
    "SUCCESS": _success,
    "FAILURE": _failure,
    "WARNING": _warning,
}


def _summary(job: ImportJob, totals: _Totals) -> JsonObject:
    counts = {fate: totals.fates[fate] for fate in Fate}
    sets: list[JsonValue] = [
        {"imageSetId": name, "imageSetVersion": version, "isPrimary": primary, "numberOfMatchedSOPInstances": matched}
        for (name, version, primary), matched in sorted(totals.matched.items())
    ]
    return {
        "jobId": job.job_id,
        "datastoreId": job.datastore,
        "inputS3Uri": job.input_uri,
        "outputS3Uri": job.output_folder,
        "successOutputS3Uri": f"{job.output_folder}SUCCESS/",
        "failureOutputS3Uri": f"{job.output_folder}FAILURE/",
        "warningsOutputS3Uri": f"{job.output_folder}WARNING/",
        "numberOfScannedFiles": sum(counts.values()),
        "numberOfImportedFiles": counts[Fate.IMPORTED],
        "numberOfFilesWithCustomerError": counts[Fate.CUSTOMER_ERROR],
        "numberOfFilesWithServerError": counts[Fate.SERVER_ERROR],
        "numberOfGeneratedImageSets": len({name for name, _, _ in totals.matched}),
        "imageSetsSummary": sets,
    }

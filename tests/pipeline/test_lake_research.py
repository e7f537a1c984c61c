"""The research store holds copies that name nobody: in no pack, no row, no log line, no key; only operators read it."""

import io
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

from dicomlake.adapters.dynamodb.packing import DICTIONARY, RAW_DEFLATE, VERSION
from dicomlake.lake.reader import PackReader
from tests.pipeline.running import Document, RunningLake

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True, slots=True)
class Research:
    """A lake with invented patients in it, what was planted in their headers, and which studies they have."""

    lake: RunningLake
    planted: frozenset[str]
    studies: frozenset[str]
    images: int


@pytest.fixture(scope="module")
def research(corpus: Path, lake: RunningLake, tmp_path_factory: pytest.TempPathFactory) -> Research:
    """The lake with the corpus's invented patients in it, and a PET study of one of them."""
    made = tmp_path_factory.mktemp("patients")
    command = [sys.executable, str(corpus / "make_study.py"), "mixed", str(made)]
    subprocess.run([*command, "--patients", "6", "--size", "64", "--per-series", "2"], check=True)  # noqa: S603
    truth = json.loads((made / "truth.json").read_text())
    files = {one["path"]: (made / one["path"]).read_bytes() for one in truth["instances"]}
    native = [one for one in truth["instances"] if one["transfer_syntax"] == ExplicitVRLittleEndian]
    ct = next(one for one in native if one["modality"] == "CT")
    pet = as_pet(files[ct["path"]])
    landed = [lake.put(f"patients/{name}", body) for name, body in {**files, "pet": pet}.items()]
    entries = lake.decided(landed)
    assert {entry["outcome"] for entry in entries} == {"stored"}
    keys = [entry["instance"] for entry in entries]
    studies = frozenset(key["study"] for key in keys)
    for study in studies:
        lake.ready(study)
    lake.at_rest()
    uids = {uid for key in keys for uid in key.values()}
    planted = {text for texts in truth["phi"].values() for text in texts}
    return Research(lake, frozenset(planted | uids), studies, len(landed))


def as_pet(ct: bytes) -> bytes:
    """The same patient's slice as one of a PET study of its own."""
    data = pydicom.dcmread(io.BytesIO(ct))
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = PositronEmissionTomographyImageStorage
    data.Modality = "PT"
    for level in ("Study", "Series", "SOP"):
        setattr(data, f"{level}InstanceUID", generate_uid(entropy_srcs=["pet", level]))
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    out = io.BytesIO()
    data.save_as(out)
    return out.getvalue()


def copies(research: Research, query: str = "") -> list[Document]:
    """Search the research store for instances, as the operator."""
    store = research.lake.endpoints.researchDatastoreId
    answer = research.lake.ask(f"/dicomweb/{store}/studies?limit=1000{query}")
    assert answer.status_code == 200, answer.text
    found: list[Document] = answer.json()
    return found


def statistics(research: Research) -> Document:
    """The research store's totals."""
    return research.lake.document(f"/lake/statistics?datastore={research.lake.endpoints.researchDatastoreId}")


def test_ct_mr_and_pet_are_copied(research: Research) -> None:
    modalities = {text for study in copies(research) for text in study["00080061"].get("Value", [])}

    assert {"CT", "MR", "PT"} <= modalities


def test_every_image_of_the_patients_is_copied_or_refused_with_a_reason(research: Research) -> None:
    store = research.lake.endpoints.researchDatastoreId
    told = statistics(research)
    refused = research.lake.document(f"/lake/quarantine?limit=1000&datastore={store}")["objects"]

    assert told["landed"] == told["stored"] + told["duplicates"] + told["quarantined"] >= research.images
    assert len(refused) == told["quarantined"] > 0
    assert {entry["reason"] for entry in refused} == {"deid-refused"}
    assert all(len(entry["detail"]) > 3 and entry["instance"] is None for entry in refused)


def test_only_an_operator_reads_the_research_store(research: Research) -> None:
    store = research.lake.endpoints.researchDatastoreId
    study = copies(research)[0]["0020000D"]["Value"][0]

    for path in ("studies", "instances", f"studies/{study}/metadata"):
        assert research.lake.ask(f"/dicomweb/{store}/{path}", operator=False).status_code == 403, path
        assert research.lake.ask(f"/dicomweb/{store}/{path}", operator=True).status_code == 200, path


def test_a_copy_does_not_say_that_its_identity_is_removed_while_nobody_has_looked(research: Research) -> None:
    store = research.lake.endpoints.researchDatastoreId

    for study in copies(research):
        answer = research.lake.ask(f"/dicomweb/{store}/studies/{study['0020000D']['Value'][0]}/metadata")
        removed = [instance["00120062"]["Value"] for instance in answer.json()]
        assert removed == [["NO"]] * len(removed) != []


def test_no_original_uid_leads_to_a_copy(research: Research) -> None:
    store = research.lake.endpoints.researchDatastoreId
    found = [study for study in research.studies if research.lake.ask(f"/dicomweb/{store}/studies/{study}/metadata").ok]

    assert found == []


def test_nothing_planted_is_in_a_pack_a_row_a_key_or_a_log_line(research: Research) -> None:
    needles = {way for text in research.planted for way in written(text)}
    long = pattern_of(way for way in needles if len(way) >= LONG)
    searched = {
        "object": long,
        "content": pattern_of(needles),
        "row": pattern_of(needles),
        "log": pattern_of(needles),
        "key": pattern_of(needles),
    }
    lake = research.lake
    bucket, table = lake.named("ResearchPacksBucket"), lake.named("ResearchIndex")

    looked = {
        "object": [body for _, body in stored(lake, bucket)],
        "content": list(unpacked(lake, bucket)),
        "row": [part for row in lake.rows(table) for part in plain(row)],
        "log": [line.encode() for line in lake.log_lines()],
        "key": [one["Key"].encode() for one in lake.versions(bucket)],
    }

    assert min(len(parts) for parts in looked.values()) > 10
    found = [
        (kind, match[0]) for kind, parts in looked.items() for part in parts if (match := searched[kind].search(part))
    ]
    assert found == []


def test_the_search_for_planted_text_finds_it_in_the_clinical_store(research: Research) -> None:
    needles = pattern_of(way for text in research.planted for way in written(text))
    lake = research.lake

    packs = [part for part in unpacked(lake, lake.named("ClinicalPacksBucket")) if needles.search(part)]
    rows = [part for row in lake.rows(lake.named("ClinicalIndex")) for part in plain(row) if needles.search(part)]

    assert len(packs) > research.images
    assert len(rows) > research.images


LONG = 6
"""Bytes of a text that no compressed or encrypted bytes hold by chance; a name of one kanji is three, which do."""
CHARSETS = ("utf-8", "latin-1", "shift_jis", "iso2022_jp_2", "euc_kr", "gb18030", "iso8859_7", "iso8859_5")


def written(text: str) -> Iterator[bytes]:
    """Yield a text as the character sets of DICOM write it."""
    for charset in CHARSETS:
        try:
            yield text.encode(charset)
        except UnicodeEncodeError:
            continue


def pattern_of(texts: Iterable[bytes]) -> re.Pattern[bytes]:
    """Return what finds any of the texts."""
    return re.compile(b"|".join(sorted({_pattern(text) for text in texts})))


def _pattern(text: bytes) -> bytes:
    """A text on its own: `Nii` is not in `Siniiz`."""
    return rb"(?<![0-9A-Za-z.])" + re.escape(text) + rb"(?![0-9A-Za-z.])"


def stored(lake: RunningLake, bucket: str) -> Iterator[tuple[str, bytes]]:
    """Yield the objects of a store, as they lie there."""
    for one in lake.versions(bucket):
        yield one["Key"], lake.s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()


def unpacked(lake: RunningLake, bucket: str) -> Iterator[bytes]:
    """Yield every head, metadata and footer of a store's packs and every series' metadata, decompressed."""
    for key, body in stored(lake, bucket):
        if key.startswith("packs/"):
            reader = reader_of(body)
            yield repr(reader.footer()).encode()
            for ordinal in range(len(reader.footer().instances)):
                yield reader.head(ordinal)
                yield reader.metadata(ordinal)
        if key.endswith(".gz"):
            yield zlib.decompress(body, 47)


def reader_of(body: bytes) -> PackReader:
    """A pack's reader over its bytes."""
    return PackReader(lambda start, length: body[start : start + length], len(body))


def plain(row: Document) -> Iterator[bytes]:
    """Yield a row's attributes as text, the packed one inflated."""
    keys = row["pk"]["S"] + row["sk"]["S"]
    for value in row.values():
        (content,) = value.values()
        if isinstance(content, bytes):
            assert content[:1] == VERSION
            inflate = zlib.decompressobj(RAW_DEFLATE, zdict=DICTIONARY + keys.encode())
            yield inflate.decompress(content[1:]) + inflate.flush()
        else:
            yield json.dumps(content, ensure_ascii=False).encode()

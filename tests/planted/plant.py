"""Planting a person into an object: in every place where identifiers are found, with an answer key."""

import random
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.planted.persona import Persona, Secret

TEXT_VRS = {"LO": 64, "SH": 16, "ST": 1024, "LT": 10240, "UT": 10240, "UC": 10240}
SENTENCES = (
    "{} standard recon 5.0 mm",
    "head first, {}, 120 kV",
    "kernel H30s {} MI 1.2",
    "({}) axial T1 TR 500",
    "{}",
    "see {} and series 4",
)
"""Innocent words around an identifier; they have to stay."""
INNOCENT = ("5.0 mm", "120 kV", "MI 1.2", "TR 500", "series 4")
_NOT_FOR_TEXT = """SpecificCharacterSet DeidentificationMethod CodingSchemeDesignator CodeValue CodingSchemeVersion
LongCodeValue Manufacturer ManufacturerModelName SoftwareVersions PatientIdentityRemoved MACAlgorithm CertificateType
ExtendedCodeValue MappingResource ContextIdentifier URNCodeValue"""
NOT_FOR_TEXT = frozenset(_NOT_FOR_TEXT.split())
PERSON_TAGS = {
    "PN": lambda p: p.physician,
    "DA": lambda p: f"{p.study:%Y%m%d}",
    "DT": lambda p: f"{p.study:%Y%m%d}101112",
    "TM": lambda _: "101112",
    "AS": lambda _: "067Y",
    "AE": lambda p: p.accession[:16],
}


@dataclass
class Planting:
    """What was planted where: `path` are keywords or tags and item numbers, `innocent` what has to stay beside it."""

    path: tuple[str | int, ...]
    secret: Secret
    innocent: tuple[str, ...] = ()


@dataclass
class Planted:
    """An object with a person in it, and the answer key."""

    name: str
    persona: Persona
    source: Dataset = field(repr=False)
    raw: bytes = field(repr=False)
    plantings: list[Planting] = field(repr=False)


def plant(base: Path, persona: Persona, listed: list[int], rng: random.Random) -> Planted:
    """Make an object of a base into one of a person; `listed` are the tags of PS3.15 Table E.1-1."""
    dataset = pydicom.dcmread(base, force=True)
    _identify(dataset, persona)
    plantings: list[Planting] = []
    secrets = persona.secrets(rng)
    _fill_listed(dataset, persona, rng.sample(listed, 70), rng)
    _fill_unlisted(dataset, secrets[:14], plantings, rng)
    _nest(dataset, secrets[14:20], persona, plantings)
    _plant_private(dataset, secrets[20:24], plantings)
    _plant_groups(dataset, persona, plantings)
    raw = _around(_encoded(dataset), persona, plantings)
    return Planted(base.name, persona, pydicom.dcmread(BytesIO(raw), force=True), raw, plantings)


def _identify(dataset: Dataset, persona: Persona) -> None:
    for element in list(dataset):
        if element.VR == "PN":
            del dataset[element.tag]
    dataset.SpecificCharacterSet = list(persona.charset)
    dataset.PatientName, dataset.PatientID = persona.name, persona.patient_id
    dataset.IssuerOfPatientID = persona.issuer
    dataset.PatientBirthDate, dataset.StudyDate = f"{persona.birth:%Y%m%d}", f"{persona.study:%Y%m%d}"
    dataset.AccessionNumber, dataset.InstitutionName = persona.accession, persona.hospital
    dataset.ReferringPhysicianName, dataset.OperatorsName = persona.physician, persona.operator
    dataset.PatientAddress, dataset.PatientTelephoneNumbers = persona.address, persona.phone
    dataset.StudyTime = "101112"


def _fill_listed(dataset: Dataset, persona: Persona, tags: list[int], rng: random.Random) -> None:
    """Give attributes that the table names a value, where they have none; the scorer looks at each by its action."""
    for tag in tags:
        if tag in dataset or tag < 0x00080000 or tag >> 16 in (0x0072, 0x0400) or not keyword_for_tag(tag):
            continue
        vr = dictionary_VR(tag)
        if vr in PERSON_TAGS:
            dataset.add_new(tag, vr, PERSON_TAGS[vr](persona))
        elif vr in TEXT_VRS:
            dataset.add_new(
                tag, vr, rng.choice([persona.patient_id, persona.accession, persona.name.split("=")[0]])[:16]
            )
        elif vr == "UI":
            dataset.add_new(tag, vr, f"1.2.826.0.1.3680043.{persona.seed}.{tag}")


def _unlisted(vr: str, dataset: Dataset) -> list[int]:
    from dicomlake.dicom.deidentify.standard import standard

    return [
        tag
        for tag, entry in DicomDictionary.items()
        if entry[0] == vr
        and 0x00080000 < tag < 0x00700000
        and not entry[3]
        and tag >> 16 not in (0x0072, 0x0074, 0x0014, 0x0068, 0x0040, 0x0012)
        and tag not in standard().actions
        and entry[4] not in NOT_FOR_TEXT
        and tag not in dataset
    ]


def _fill_unlisted(dataset: Dataset, secrets: list[Secret], plantings: list[Planting], rng: random.Random) -> None:
    for secret in secrets:
        vr = rng.choice(list(TEXT_VRS))
        tags = _unlisted(vr, dataset)
        text = _sentence(secret, vr, rng)
        if not tags or text is None:
            continue
        tag = rng.choice(tags)
        dataset.add_new(tag, vr, text)
        plantings.append(Planting((keyword_for_tag(tag),), secret, _innocent(text)))


def _sentence(secret: Secret, vr: str, rng: random.Random) -> str | None:
    room = TEXT_VRS[vr]
    fitting = [text for text in (one.format(secret.text) for one in SENTENCES) if len(text) <= room]
    return rng.choice(fitting) if fitting else None


def _innocent(text: str) -> tuple[str, ...]:
    return tuple(words for words in INNOCENT if words in text)


_PATH = ("ModalityLUTSequence", 0, "VOILUTSequence", 0, "ConversionSourceAttributesSequence", 0)
"""Sequences that the table does not name."""


def _nest(dataset: Dataset, secrets: list[Secret], persona: Persona, plantings: list[Planting]) -> None:
    """Hang listed and unlisted attributes into sequences that the table does not name, one below the other."""
    inner = Dataset()
    inner.PatientName, inner.PatientID, inner.OperatorsName = persona.name, persona.patient_id, persona.operator
    inner.StudyDate, inner.ReferencedSOPInstanceUID = f"{persona.study:%Y%m%d}", dataset.get("SOPInstanceUID", "1.2.3")
    inner.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    inner.CodeValue, inner.CodingSchemeDesignator = "T-1", "99LOCAL"
    for keyword, secret in zip(("CodeMeaning", "LUTExplanation", "ReceiveCoilManufacturerName"), secrets, strict=False):
        setattr(inner, keyword, secret.text[:64])
        plantings.append(Planting((*_PATH, keyword), secret))
    for outer in reversed(_PATH[::2]):
        holder = Dataset()
        setattr(holder, str(outer), Sequence([inner]))
        inner = holder
    for element in inner:
        if element.tag not in dataset:
            dataset.add(element)


def _plant_private(dataset: Dataset, secrets: list[Secret], plantings: list[Planting]) -> None:
    block = dataset.private_block(0x0029, "PLANTED CREATOR 1", create=True)
    for offset, (vr, secret) in enumerate(zip(("LO", "UN", "OB", "LT"), secrets, strict=False)):
        value: str | bytes = secret.text.encode() if vr in ("UN", "OB") else secret.text[:64]
        block.add_new(offset + 1, vr, value + b" " * (len(value) % 2) if isinstance(value, bytes) else value)
        plantings.append(Planting((f"(0029,10{offset + 1:02x})",), secret))


def _plant_groups(dataset: Dataset, persona: Persona, plantings: list[Planting]) -> None:
    secret = Secret(persona.name.split("=")[0], tuple(persona.name.split("=")[0].split("^")), "name", short=True)
    name = persona.name.split("=")[0].encode("utf-8")
    name += b" " * (len(name) % 2)
    for tag, vr, value in (
        (0x60000022, "LO", persona.accession),
        (0x60004000, "LT", persona.accession),
        (0x50003000, "OW", name),
        (0x00282000, "OB", b"acsp ICC profile of " + name),
        (0x00281221, "OW", bytes(64) + name),
    ):
        if tag not in dataset:
            dataset.add_new(tag, vr, value)
            plantings.append(Planting((f"{tag:08x}",), secret))


def _encoded(dataset: Dataset) -> bytes:
    out = BytesIO()
    dataset.file_meta.SourceApplicationEntityTitle = str(dataset.AccessionNumber)
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _around(raw: bytes, persona: Persona, plantings: list[Planting]) -> bytes:
    """Plant around the data set: in the preamble, and in an AE title of the file meta."""
    secret = Secret(persona.accession, (persona.accession,), "id")
    plantings += [Planting(("preamble",), secret), Planting(("SourceApplicationEntityTitle",), secret)]
    return (persona.accession.encode() * 20)[:128] + raw[128:]

"""Objects for de-identification tests: files cut into head and pixels, and heads built element by element."""

import os
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from dicomlake.dicom.deidentify import CleanHead, KeyedNames, clean_head

ROOT = Path(__file__).parents[4]
CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", ROOT.parent / "shared/corpus"))
NAMES = KeyedNames(b"a key of the test's own, 32 bytes")
EXPLICIT = "1.2.840.10008.1.2.1"
CT, MR, PET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
PIXELS = bytes(range(128))


@dataclass(frozen=True)
class Cut:
    """A file as the lake has it: the bytes around the pixel value, and that value."""

    head: bytes
    pixels: bytes
    syntax: str

    def clean(self, names: KeyedNames = NAMES) -> CleanHead:
        return clean_head(self.head, self.syntax, "default", len(self.pixels), names)


def cut(path: str | Path) -> Cut:
    raw = Path(path).read_bytes()
    dataset = pydicom.dcmread(path, force=True)
    pixels = bytes(dataset.PixelData)
    at = raw.rindex(pixels)
    return Cut(raw[:at] + raw[at + len(pixels) :], pixels, str(dataset.file_meta.TransferSyntaxUID))


def pydicom_file(name: str) -> str:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return path


def corpus_file(path: str) -> Path:
    found = CORPUS / path
    if not found.is_file():
        pytest.skip("the corpus is not here: set DICOMLAKE_CORPUS")
    return found


def image(sop_class: str = CT) -> Dataset:
    """A small image with what its IOD requires of the attributes the profile looks at."""
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = "1.2.3.4.5"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.PatientName = "Mustermann^Erika"
    dataset.PatientID = "MS-000001"
    dataset.Modality = {CT: "CT", MR: "MR", PET: "PT"}[sop_class]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows = dataset.Columns = 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    return dataset


def encode(dataset: Dataset, implicit: bool = False, little: bool = True) -> Cut:
    """Write a data set in one of the native encodings, and cut it where its pixels are."""
    dataset.PixelData = PIXELS
    dataset["PixelData"].VR = "OW"
    raw = pydicom.filebase.DicomBytesIO()
    pydicom.dcmwrite(raw, dataset, implicit_vr=implicit, little_endian=little, force_encoding=True)
    written = raw.getvalue()
    at = written.rindex(PIXELS)
    syntax = {(False, True): EXPLICIT, (True, True): "1.2.840.10008.1.2", (False, False): "1.2.840.10008.1.2.2"}
    return Cut(written[:at] + written[at + len(PIXELS) :], PIXELS, syntax[implicit, little])


def reread(clean: CleanHead, pixels: bytes = PIXELS) -> Dataset:
    """Open a clean object in pydicom, strictly."""
    return pydicom.dcmread(pydicom.filebase.DicomBytesIO(clean.before + pixels + clean.after))

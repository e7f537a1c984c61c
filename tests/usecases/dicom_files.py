"""Small DICOM files for the laws: built by pydicom, seeded, with real pixels that the codec has to work on."""

import io

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498.7"


def ct_slice(
    study: int = 1, series: int = 1, number: int = 1, *, seed: int = 0, uid: str = "", name: str = ""
) -> bytes:
    """One 24x24 CT slice; the same arguments give the same bytes, another `seed` other pixels."""
    noise = np.random.default_rng((study, series, number, seed))
    data = Dataset()
    data.SOPClassUID = CTImageStorage
    data.StudyInstanceUID = f"{ROOT}.{study}"
    data.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    data.SOPInstanceUID = uid or f"{ROOT}.{study}.{series}.{number}"
    data.PatientName, data.PatientID = name or f"Law^{study}", f"P{study}"
    data.StudyDate, data.StudyTime, data.AccessionNumber, data.StudyID = "20260102", "101112", f"A{study}", "1"
    data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", series, number
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, float(number)]
    data.Rows = data.Columns = 24
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = noise.integers(0, 4096, (24, 24), dtype="<u2").tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()


def changed(file: bytes, **attributes: object) -> bytes:
    """The same file with other values, by keyword."""
    data = pydicom.dcmread(io.BytesIO(file))
    for keyword, value in attributes.items():
        setattr(data, keyword, value)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()

"""A made-up study under random UIDs: nothing in it is anybody's, and two runs never meet on one server."""

import io
import secrets
from dataclasses import dataclass, field

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

ROWS, COLUMNS, FRAMES = 24, 32, 3
STUDY_DATE = "19990412"


def uid() -> str:
    """Return a UID of its own (PS3.5 B.2), which no other run has."""
    return str(generate_uid(prefix=None))


@dataclass(frozen=True, slots=True)
class MadeStudy:
    """Four instances in two series: three slices, the last compressed by RLE, and a film of three frames."""

    study: str = field(default_factory=uid)
    slices: str = field(default_factory=uid)
    film: str = field(default_factory=uid)
    mark: str = field(default_factory=lambda: secrets.token_hex(5).upper())
    instances: tuple[str, ...] = field(default_factory=lambda: tuple(uid() for _ in range(4)))

    @property
    def patient_id(self) -> str:
        """What no other patient of the server is called."""
        return f"CONF-{self.mark}"

    @property
    def patient_name(self) -> str:
        """The family name is this run's own."""
        return f"Conform{self.mark}^Made^Up"

    def place(self, number: int) -> str:
        """Return the path of an instance, 1 to 4, below the base URL."""
        return f"{self.series_place(number)}/instances/{self.instances[number - 1]}"

    def series_place(self, number: int) -> str:
        """Return the path of the series that an instance is in."""
        return f"studies/{self.study}/series/{self.film if number == 4 else self.slices}"

    def data(self, number: int) -> Dataset:
        """Return an instance, 1 to 4, as a data set that can be written as a file."""
        made = self._film() if number == 4 else self._slice(number)
        made.PatientName, made.PatientID = self.patient_name, self.patient_id
        made.PatientBirthDate, made.PatientSex = "", "O"
        made.StudyInstanceUID, made.StudyDate, made.StudyTime = self.study, STUDY_DATE, "101112"
        made.AccessionNumber, made.StudyID, made.ReferringPhysicianName = f"A{self.mark}", self.mark, "Nobody^At^All"
        made.StudyDescription = "made up"
        made.SOPInstanceUID, made.InstanceNumber = self.instances[number - 1], number
        made.file_meta = FileMetaDataset()
        made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if number == 3:
            made.compress(RLELossless, generate_instance_uid=False)
        return made

    def file(self, number: int) -> bytes:
        """Return an instance as a DICOM file."""
        return file_of(self.data(number))

    def pixels(self, number: int) -> bytes:
        """Return the uncompressed pixels of an instance, little endian."""
        return (self._film() if number == 4 else self._slice(number)).PixelData

    def _slice(self, number: int) -> Dataset:
        made = pictured(number, (ROWS, COLUMNS), 16)
        made.SOPClassUID, made.Modality = CTImageStorage, "CT"
        made.SeriesInstanceUID, made.SeriesNumber = self.slices, 1
        made.SeriesDescription, made.BodyPartExamined = "slices", "CHEST"
        made.WindowCenter, made.WindowWidth, made.RescaleIntercept, made.RescaleSlope = 2048, 4096, 0, 1
        made.ImagePositionPatient, made.PixelSpacing = [0, 0, number], [1, 1]
        made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        made.FrameOfReferenceUID = uid()
        request = Dataset()
        request.RequestedProcedureID, request.ScheduledProcedureStepID = f"R{self.mark}", f"S{self.mark}"
        made.RequestAttributesSequence = [request]
        return made

    def _film(self) -> Dataset:
        made = pictured(4, (FRAMES, ROWS, COLUMNS), 8)
        made.SOPClassUID = MultiFrameGrayscaleByteSecondaryCaptureImageStorage
        made.Modality, made.SeriesInstanceUID, made.SeriesNumber = "OT", self.film, 2
        made.NumberOfFrames, made.ConversionType, made.SeriesDescription = FRAMES, "WSD", "film"
        return made


def pictured(seed: int, shape: tuple[int, ...], bits: int) -> Dataset:
    """Return a data set with the Image Pixel module only: gray, full of what a wrong byte order would show."""
    made = Dataset()
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored = bits, min(bits, 12)
    made.HighBit, made.PixelRepresentation = made.BitsStored - 1, 0
    values = np.random.default_rng(seed).integers(0, 1 << made.BitsStored, shape)
    made.add_new("PixelData", "OW" if bits == 16 else "OB", values.astype(f"<u{bits // 8}").tobytes())
    return made


def picture(instance: str, study: str, series: str) -> Dataset:
    """Return metadata of a Secondary Capture image without its pixels, for a picture sent beside them."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, instance
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = study, series, "OT"
    made.PatientName, made.PatientID, made.ConversionType = "Conform^Picture", "CONF-PICTURE", "WSD"
    return made


def file_of(data: Dataset) -> bytes:
    """Write a data set as a DICOM file."""
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()

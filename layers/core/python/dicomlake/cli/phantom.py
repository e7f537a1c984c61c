"""A CT of the project's own: a phantom of ellipses with noise, slice by slice, the same for the same seed.

It is no patient. Size, bit depth and noise are a chest CT's, so that compression and speed are a chest CT's too.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SIZE = 512
SPACING = 0.7
THICKNESS = 1.25
ROOT = "2.25.309279846302941216353873183216404870149"
_PIXEL_DATA = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", SIZE * SIZE * 2)
_NOISE_ROWS = 4 * SIZE

Image = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """A body part in a slice: centre and half axes in parts of the image, CT number in Hounsfield units.

    Its size follows the slice by `taper`: 0 is a cylinder, 1 ends in a point at both ends of the scan.
    """

    x: float
    y: float
    a: float
    b: float
    hounsfield: int
    taper: float


BODY = (
    Ellipse(0.50, 0.50, 0.42, 0.31, 30, 0.10),
    Ellipse(0.33, 0.46, 0.14, 0.20, -840, 0.55),
    Ellipse(0.67, 0.46, 0.14, 0.20, -840, 0.55),
    Ellipse(0.54, 0.53, 0.10, 0.11, 45, 0.80),
    Ellipse(0.50, 0.71, 0.05, 0.05, 420, 0.00),
    Ellipse(0.50, 0.72, 0.02, 0.02, 20, 0.00),
    Ellipse(0.52, 0.60, 0.03, 0.03, 130, 0.05),
    Ellipse(0.40, 0.40, 0.02, 0.02, -20, 0.90),
)


@dataclass(frozen=True)
class Phantom:
    """A CT study of one series of `slices` images; `seed` names it: same seed, same bytes."""

    slices: int = 300
    seed: int = 1

    @property
    def study_uid(self) -> str:
        """Its Study Instance UID."""
        return f"{ROOT}.{self.seed}.1"

    @property
    def series_uid(self) -> str:
        """Its Series Instance UID."""
        return f"{ROOT}.{self.seed}.1.1"

    def instance_uid(self, index: int) -> str:
        """The SOP Instance UID of a slice, counted from 0."""
        return f"{self.series_uid}.{index + 1}"

    def pixels(self, index: int) -> Image:
        """Return a slice: int16, 512 x 512, in Hounsfield units, -1024 outside of the scanner's field."""
        along = abs(2 * index / max(self.slices - 1, 1) - 1)
        image = np.full((SIZE, SIZE), -1000, np.int16)
        for part in BODY:
            _paint(image, part, 1 - part.taper * along * along)
        image += self._noise_of(index)
        image[self._outside] = -1024
        return image

    def write(self, folder: Path) -> Iterator[Path]:
        """Write the slices as DICOM files into a folder and yield their paths as they are there."""
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(self.slices):
            file = folder / f"slice{index + 1:04d}.dcm"
            file.write_bytes(self.file(index))
            yield file

    def file(self, index: int) -> bytes:
        """Return a slice as a DICOM file."""
        out = DicomBytesIO()
        dcmwrite(out, self._data_set(index), enforce_file_format=True)
        return out.getvalue() + _PIXEL_DATA + self.pixels(index).astype("<i2", copy=False).tobytes()

    @cached_property
    def _noise(self) -> Image:
        """A field of noise larger than a slice, smoothed a little along rows as a reconstruction's kernel does."""
        random = np.random.default_rng(self.seed)
        white = random.standard_normal((_NOISE_ROWS, SIZE + 2), np.float32) * 16
        smooth = (white[:, :-2] + 2 * white[:, 1:-1] + white[:, 2:]) / 2.5
        return smooth.astype(np.int16)

    @cached_property
    def _outside(self) -> NDArray[np.bool_]:
        y, x = np.ogrid[:SIZE, :SIZE]
        outside: NDArray[np.bool_] = (x - SIZE / 2) ** 2 + (y - SIZE / 2) ** 2 > (SIZE / 2) ** 2
        return outside

    def _noise_of(self, index: int) -> Image:
        """Cut a slice's noise out of the field; every index has a cut of its own, shifted along the row too."""
        start = (index * 37) % (_NOISE_ROWS - SIZE)
        return np.roll(self._noise[start : start + SIZE], (index * 101) % SIZE, axis=1)

    def _data_set(self, index: int) -> Dataset:
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SpecificCharacterSet = "ISO_IR 192"
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, self.instance_uid(index)
        data.StudyInstanceUID, data.SeriesInstanceUID = self.study_uid, self.series_uid
        data.FrameOfReferenceUID = f"{ROOT}.{self.seed}.2"
        data.PatientName, data.PatientID, data.PatientSex = "Phantom^Ellipses", f"PHANTOM-{self.seed}", "O"
        data.PatientBirthDate = "19700101"
        data.StudyID, data.AccessionNumber, data.ReferringPhysicianName = str(self.seed), f"A{self.seed}", ""
        data.StudyDate = data.SeriesDate = data.ContentDate = "20260101"
        data.StudyTime = data.SeriesTime = data.ContentTime = "120000"
        data.StudyDescription, data.SeriesDescription = "Chest phantom", f"Axial {THICKNESS} mm"
        data.Modality, data.Manufacturer, data.ManufacturerModelName = "CT", "dicomlake", "Phantom"
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = 1, 1, index + 1
        data.KVP, data.SliceThickness, data.PatientPosition = 120, THICKNESS, "HFS"
        data.ImagePositionPatient = [-SIZE * SPACING / 2, -SIZE * SPACING / 2, -index * THICKNESS]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.SliceLocation, data.PixelSpacing = -index * THICKNESS, [SPACING, SPACING]
        data.PositionReferenceIndicator = ""
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.Rows = data.Columns = SIZE
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "HU"
        data.WindowCenter, data.WindowWidth = 40, 400
        return data


def _paint(image: Image, part: Ellipse, scale: float) -> None:
    """Fill an ellipse, looking only at the rows and columns it touches."""
    a, b = part.a * SIZE * scale, part.b * SIZE * scale
    if min(a, b) < 1:
        return
    x, y = part.x * SIZE, part.y * SIZE
    top, bottom = max(0, int(y - b)), min(SIZE, int(y + b) + 1)
    left, right = max(0, int(x - a)), min(SIZE, int(x + a) + 1)
    rows, columns = np.ogrid[top:bottom, left:right]
    inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1
    image[top:bottom, left:right][inside] = part.hounsfield

"""CT studies of any size for the benchmarks: the same arguments give the same files, whoever runs them.

A slice is a torso phantom (body, fat, lungs, heart, spine) with correlated noise of about 11 HU, 12 bits stored in 16;
HTJ2K takes it to 35 percent of its size.
"""

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

Slice = NDArray[np.uint16]
NOISES = 4
MARGIN = 128


@lru_cache(maxsize=2)
def _phantom(rows: int) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Return the body in HU and some planes of noise, larger than a slice so that each slice cuts its own."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : rows * 1j].astype(np.float32)
    shapes = ((0, 0, 0.86, 0.62, -95), (0, 0, 0.78, 0.54, 52), (-0.38, -0.04, 0.29, 0.38, -820))
    shapes += ((0.38, -0.04, 0.29, 0.38, -820), (0.1, -0.1, 0.2, 0.2, 90), (0, 0.37, 0.1, 0.09, 480))
    body = np.full((rows, rows), -1000, np.float32)
    for cx, cy, rx, ry, value in shapes:
        body[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = value
    random = np.random.default_rng(7)
    return body, [_blurred(random.standard_normal((rows + MARGIN, rows + MARGIN), np.float32)) for _ in range(NOISES)]


def _blurred(noise: NDArray[np.float32]) -> NDArray[np.float32]:
    for axis in (0, 1):
        noise = 0.5 * noise + 0.25 * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    return noise * np.float32(11 / 0.4)


def pixels(number: int, rows: int, seed: int) -> Slice:
    """Return one slice as stored values, intercept -1024."""
    body, noises = _phantom(rows)
    random = np.random.default_rng((seed, number))
    top, left = random.integers(0, MARGIN, 2)
    noise = noises[random.integers(NOISES)][top : top + rows, left : left + rows]
    values = np.roll(body, number % 16, axis=0) + noise + 1024
    return np.clip(np.rint(values), 0, 4095).astype("<u2")


def header(study: int, images: int, rows: int, seed: int) -> Dataset:
    """Return everything of a study's instances but what differs between them."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = f"2026{study % 12 + 1:02d}{study % 28 + 1:02d}"
    dataset.StudyTime = dataset.SeriesTime = "081530"
    dataset.AccessionNumber = f"A{seed:03d}{study:07d}"
    dataset.Modality, dataset.Manufacturer, dataset.ManufacturerModelName = "CT", "SYNTHETIC", "Phantom"
    dataset.StudyDescription, dataset.SeriesDescription = "CT thorax", f"thin slices, {images}"
    dataset.PatientName, dataset.PatientID = f"Synthetic^{study:05d}", f"P{seed:03d}{study:07d}"
    dataset.PatientBirthDate, dataset.PatientSex = "19600101", "O"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _uid(seed, study, 0), _uid(seed, study, 1)
    dataset.FrameOfReferenceUID = _uid(seed, study, 2)
    dataset.StudyID, dataset.SeriesNumber, dataset.AcquisitionNumber = str(study), 1, 1
    dataset.KVP, dataset.ExposureTime, dataset.XRayTubeCurrent, dataset.ConvolutionKernel = "120", 500, 210, "B30f"
    dataset.SliceThickness, dataset.PixelSpacing, dataset.PatientPosition = "1.25", ["0.7", "0.7"], "HFS"
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.Rows = dataset.Columns = rows
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1024", "1", "HU"
    return dataset


def _uid(*parts: int) -> str:
    return str(generate_uid(prefix="2.25.", entropy_srcs=["dicomlake-bench", *map(str, parts)]))


def instance_uid(number: int, at: int, seed: int = 1) -> str:
    """Return the SOP Instance UID of one slice of a study."""
    return _uid(seed, number, 3, at)


def study(number: int, images: int, rows: int = 512, seed: int = 1) -> Iterator[bytes]:
    """Yield the files of one study, in order."""
    dataset = header(number, images, rows, seed)
    for at in range(images):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance_uid(number, at, seed)
        dataset.InstanceNumber = at + 1
        dataset.ImagePositionPatient = ["-180", "-180", f"{1.25 * at:.2f}"]
        dataset.SliceLocation = f"{1.25 * at:.2f}"
        dataset.add_new(0x7FE00010, "OW", pixels(at, rows, seed * 100_003 + number).tobytes())
        yield _file(dataset)


def _file(dataset: Any) -> bytes:
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def write_study(folder: Path, number: int, images: int, rows: int = 512, seed: int = 1) -> list[Path]:
    """Write one study into a folder and return its files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for at, data in enumerate(study(number, images, rows, seed)):
        paths.append(folder / f"{number:05d}-{at:05d}.dcm")
        paths[-1].write_bytes(data)
    return paths

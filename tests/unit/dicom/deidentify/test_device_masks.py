"""Device masks: rectangles of the devices that they are for, and of no others."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

from dicomlake.cli.deid_folder import Folder, deidentify_folder
from dicomlake.dicom.deidentify.device_masks import read_masks
from dicomlake.dicom.deidentify.pixel_look import Looking
from dicomlake.dicom.deidentify.policy import Policy
from dicomlake.domain.errors import InvalidRequestError
from tests.unit.dicom.deidentify.deid_given import image

TABLE = [{"manufacturer": "ACME", "model": "Sono 3", "rows": 32, "columns": 64, "boxes": [[0, 0, 900, 8]]}]


def ultrasound(model: str) -> bytes:
    dataset = image()
    dataset.SOPClassUID, dataset.Modality = "1.2.840.10008.5.1.4.1.1.6.1", "US"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Acme ", model
    dataset.Rows, dataset.Columns = 32, 64
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    pixels = np.full((32, 64), 50, np.uint8)
    pixels[2:6, 4:40] = 255
    pixels[20:24, 4:40] = 200
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_a_mask_is_filled_over_in_images_of_its_device_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/sono.dcm").write_bytes(ultrasound("SONO 3"))
    (tmp_path / "in/other.dcm").write_bytes(ultrasound("Sono 4"))
    looking = Looking(masks=read_masks(json.dumps(TABLE)))

    outcome = deidentify_folder(
        Folder(tmp_path / "in", tmp_path / "out", b"k" * 32, Policy(), looking), lambda *_: None
    )

    clean = pydicom.dcmread(outcome.files[str(tmp_path / "in/sono.dcm")])
    assert set(clean.pixel_array[:8].ravel().tolist()) == {50}
    assert (clean.pixel_array[20:24, 4:40] == 200).all()
    assert clean.BurnedInAnnotation == "NO"
    assert outcome.files[str(tmp_path / "in/other.dcm")].startswith("refused: text may be burned")


@pytest.mark.parametrize(
    "table",
    [
        "{",
        "{}",
        "[1]",
        '[{"boxes": [[0, 0, 1, 1]]}]',
        '[{"model": "x"}]',
        '[{"model": "x", "boxes": [[5, 0, 1, 1]]}]',
        '[{"model": "x", "rows": "768", "boxes": [[0, 0, 1, 1]]}]',
        '[{"model": "x", "colour": 1, "boxes": [[0, 0, 1, 1]]}]',
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_row(table: str) -> None:
    with pytest.raises(InvalidRequestError, match="masks"):
        read_masks(table)

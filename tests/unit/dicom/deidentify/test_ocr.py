"""The reader itself: what is drawn is found and read, in pixels of every kind."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw

from dicomlake.adapters.rapid_ocr import RapidTextReader, available
from dicomlake.cli.deid_folder import Folder, deidentify_folder
from dicomlake.dicom.deidentify.pixel_look import Looking
from dicomlake.dicom.deidentify.policy import Faces, Policy, TextInPixels
from tests.unit.dicom.deidentify.deid_given import image

pytestmark = pytest.mark.skipif(not available(), reason="rapidocr is not installed (layers/deps/requirements-ocr.txt)")
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


@pytest.fixture(scope="module")
def reader() -> RapidTextReader:
    return RapidTextReader()


def written() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = Image.fromarray(np.random.default_rng(3).integers(0, 40, (160, 320)).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.text((10, 10), "Mustermann, Erika", fill=255, font_size=16)
    draw.text((10, 120), "MI 1.2", fill=255, font_size=16)
    return np.array(picture)


def ultrasound(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    dataset = image()
    dataset.SOPClassUID, dataset.Modality = ULTRASOUND, "US"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB"
    out = BytesIO()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_a_name_in_an_ultrasound_image_is_gone_and_its_index_is_still_there(
    tmp_path: Path, reader: RapidTextReader
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/us.dcm").write_bytes(ultrasound(written()))
    policy = Policy(faces=Faces.REFUSE, text=TextInPixels.SENSITIVE)

    outcome = deidentify_folder(
        Folder(tmp_path / "in", tmp_path / "out", b"k" * 32, policy, Looking(reader)), lambda *_: None
    )

    clean = pydicom.dcmread(outcome.files[str(tmp_path / "in/us.dcm")])
    said = " ".join(line.text for line in reader.read(clean.pixel_array))
    assert "MI 1.2" in said
    assert "Muster" not in said
    assert "Erika" not in said
    assert clean.BurnedInAnnotation == "NO"
    assert [code.CodeValue for code in clean.DeidentificationMethodCodeSequence] == ["113100", "113101"]


def test_small_letters_of_a_large_picture_are_found(reader: RapidTextReader) -> None:
    large = np.zeros((300, 4200), np.uint8)
    large[100:260, 3600:3920] = written()

    lines = reader.read(large)

    said = [line.text for line in lines if line.left > 3590 and line.top > 90]
    assert any("Muster" in text for text in said)


def test_without_a_reader_what_may_carry_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/us.dcm").write_bytes(ultrasound(written()))

    outcome = deidentify_folder(Folder(tmp_path / "in", tmp_path / "out", b"k" * 32, Policy()), lambda *_: None)

    assert list(outcome.refusals()) == [
        "text may be burned into the pixels, and nothing here can read it: install rapidocr"
    ]

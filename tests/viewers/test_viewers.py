"""What is stored as HTJ2K has the same values in every reader: pydicom, a web viewer's decoder, and dcmtk.

dcmtk 3.6 reads no HTJ2K: it gets the instance in Explicit VR Little Endian, as `dicomlake get` writes it.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.uid import UID

from dicomlake.dicom.codecs.lossless import decode_openjpeg, encode
from dicomlake.dicom.codecs.transcode import store_instance
from dicomlake.dicom.files.dataset import read_head
from dicomlake.dicom.files.part10 import StoredPixels, write_part10
from dicomlake.dicom.files.restore import head_parts, splices
from dicomlake.dicom.frames.kinds import KINDS, Kind, plan_of
from dicomlake.dicom.frames.locate import plan_frames
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.frames.syntaxes import EXPLICIT_LITTLE, HTJ2K_LOSSLESS_RPCL, Action, plan_storage
from dicomlake.dicom.header.parse import parse
from dicomlake.dicom.source import BufferSource
from dicomlake.domain.errors import PermanentError
from tests.unit.dicom.frames_given import cases, needs_corpus
from tests.unit.dicom.sources import frame_of, value_of

pytestmark = pytest.mark.filterwarnings("ignore")
HERE = Path(__file__).parent
STORED_KINDS = [kind for kind in KINDS if plan_of(EXPLICIT_LITTLE, kind).action is Action.TRANSCODE]
SLOPE, INTERCEPT = 2.0, -1024.0
LARGEST_FILE = 600_000

needs_node = pytest.mark.skipif(
    not (HERE / "node_modules").is_dir() or shutil.which("node") is None,
    reason="the web viewer's decoder is not here; `make viewers` installs it",
)
needs_dcmtk = pytest.mark.skipif(shutil.which("dcm2pnm") is None, reason="dcmtk is not here; Debian's package has it")


@dataclass(frozen=True)
class Shown:
    """An instance as the lake keeps it: the two files it gives, the stored frames, and the file that landed."""

    landed: bytes
    as_stored: bytes
    native: bytes
    frames: tuple[bytes, ...]

    @property
    def source(self) -> pydicom.FileDataset:
        return pydicom.dcmread(BytesIO(self.landed), force=True)


def shown(data: bytes) -> Shown | None:
    """Store a file and write both forms of it; None where it is not stored as HTJ2K."""
    parsed = parse(BufferSource(data))
    found = plan_frames(parsed)
    plan, kept = store_instance(parsed.source, plan_storage(parsed), found, b"k" * 32)
    if plan.stored_syntax != HTJ2K_LOSSLESS_RPCL or plan.layout is None:
        return None
    head = b"".join(bytes(part) for part in head_parts(parsed, plan, found))
    lengths, checksums = [one.frame.length for one in kept], [one.frame.levels[-1].crc32 for one in kept]
    pixels = StoredPixels(plan.stored_syntax, plan.layout, lengths, lambda i: kept[i].code_stream, checksums)
    stored, native = (
        b"".join(bytes(part) for part in write_part10(read_head(head, splices(plan, found)), pixels, as_stored=form))
        for form in (True, False)
    )
    return Shown(data, stored, native, tuple(bytes(one.code_stream) for one in kept))


def landed(kind: Kind) -> bytes:
    """A file of one frame of noise over the whole range of its kind, gray ones with a Modality LUT."""
    given, dataset = kind.attributes, Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.7"), UID("1.2.3")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = UID("1.2.1"), UID("1.2.2"), "OT"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = given.rows, given.columns, given.samples
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = given.bits_allocated, given.bits_stored, given.high_bit
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = given.pixel_representation, given.photometric
    if given.samples > 1:
        dataset.PlanarConfiguration = given.planar_configuration
    elif given.photometric == "PALETTE COLOR":
        for number, colour in enumerate(("Red", "Green", "Blue")):
            setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
            table = (np.arange(256) * (number + 1) * 257 % 65536).astype("<u2")
            setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())
    else:
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = SLOPE, INTERCEPT, "US"
    dataset.PixelData = value_of(kind, EXPLICIT_LITTLE, frame_of(kind, EXPLICIT_LITTLE))
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(EXPLICIT_LITTLE)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def kept(kind: Kind) -> Shown:
    found = shown(landed(kind))
    assert found is not None
    return found


def modality_values(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """What a viewer measures: stored values through the Modality LUT; of colour the values themselves."""
    return apply_modality_lut(values, dataset) if dataset.SamplesPerPixel == 1 else values


def decoded_by_node(frames: dict[str, bytes], folder: Path) -> dict[str, np.ndarray]:
    """Decode frames as a browser does, in one run of Node."""
    for name, frame in frames.items():
        (folder / f"{name}.jphc").write_bytes(frame)
    subprocess.run(["node", str(HERE / "decode.mjs"), str(folder)], check=True)  # noqa: S603, S607
    return {name: _raw(folder / name) for name in frames}


def _raw(place: Path) -> np.ndarray:
    told = json.loads(place.with_name(place.name + ".json").read_text())
    size = 1 if told["bitsPerSample"] <= 8 else 2
    values = np.frombuffer(
        place.with_name(place.name + ".raw").read_bytes(), f"<{'i' if told['isSigned'] else 'u'}{size}"
    )
    shape = (told["height"], told["width"], told["componentCount"])
    return values.reshape(shape if told["componentCount"] > 1 else shape[:2])


@pytest.mark.parametrize("kind", STORED_KINDS, ids=lambda kind: kind.name)
def test_pydicom_reads_the_same_values_of_both_files(kind: Kind) -> None:
    found = kept(kind)

    for file in (found.as_stored, found.native):
        again = pydicom.dcmread(BytesIO(file))
        values = modality_values(again.pixel_array, again)
        assert np.array_equal(values, modality_values(found.source.pixel_array, found.source))
        assert values.dtype == modality_values(found.source.pixel_array, found.source).dtype


@needs_node
def test_a_web_viewers_decoder_gives_the_values_that_pydicom_reads(tmp_path: Path) -> None:
    found = {f"kind{number}": kept(kind) for number, kind in enumerate(STORED_KINDS)}

    decoded = decoded_by_node({name: one.frames[0] for name, one in found.items()}, tmp_path)

    assert len(decoded) >= 12
    for name, kind in zip(found, STORED_KINDS, strict=True):
        source = found[name].source
        expected = modality_values(frame_of(kind, EXPLICIT_LITTLE), source)
        assert np.array_equal(modality_values(decoded[name], source), expected), kind.name


@needs_node
def test_a_web_viewers_decoder_loses_signed_bytes_so_that_they_are_kept(tmp_path: Path) -> None:
    (kind,) = [one for one in KINDS if one.name == "gray, 8 bits, signed"]
    frame = frame_of(kind, EXPLICIT_LITTLE)
    layout = PixelLayout(*frame.shape, 1, 8, 8, signed=True)

    decoded = decoded_by_node({"bytes": encode(frame, layout, colour_transform=False)}, tmp_path)

    assert np.array_equal(decoded["bytes"], frame.clip(0))
    assert plan_of(EXPLICIT_LITTLE, kind).reason == "signed-byte"


@needs_node
def test_a_web_viewers_decoder_mixes_lines_without_the_colour_transform_so_that_they_are_kept(tmp_path: Path) -> None:
    (kind,) = [one for one in KINDS if one.name == "YBR_FULL, 8 bits"]
    frame = frame_of(kind, EXPLICIT_LITTLE)
    layout = PixelLayout(*frame.shape[:2], 3, 8, 8, signed=False)

    decoded = decoded_by_node({"ybr": encode(frame, layout, colour_transform=False)}, tmp_path)

    by_plane = frame.transpose(2, 0, 1).reshape(-1, frame.shape[1])
    assert np.array_equal(decoded["ybr"].transpose(0, 2, 1).reshape(by_plane.shape), by_plane)
    assert plan_of(EXPLICIT_LITTLE, kind).reason == "untransformed-colour"


@needs_node
@needs_corpus
def test_a_web_viewers_decoder_gives_the_values_of_the_corpus(tmp_path: Path) -> None:
    found: dict[str, Shown] = {}
    for number, case in enumerate(cases()):
        if len(case.read()) < LARGEST_FILE and (one := _shown_or_none(case.read())) is not None:
            found[f"file{number}"] = one

    decoded = decoded_by_node({name: one.frames[0] for name, one in found.items()}, tmp_path)

    compared = 0
    for name, one in found.items():
        pixels = decode_openjpeg(one.frames[0])  # which gives what other decoders found (test_transcode_corpus)
        assert np.array_equal(decoded[name], pixels), name
        compared += 1
    assert compared > 100


def _shown_or_none(data: bytes) -> Shown | None:
    try:
        return shown(data)
    except PermanentError:
        return None


# --- dcmtk -----------------------------------------------------------------------------------------------------------


def dcmtk(tool: str, *arguments: str) -> bytes:
    done = subprocess.run([tool, *arguments], check=True, capture_output=True)  # noqa: S603
    return done.stdout


def pgm(file: bytes) -> np.ndarray:
    """Read a portable gray map as dcm2pnm writes it with 16 bits: in plain text."""
    text = [line.partition(b"#")[0] for line in file.splitlines()]
    kind, width, height, _, *values = b" ".join(text).split()
    assert kind == b"P2"
    return np.array(values, "i8").reshape(int(height), int(width))


@needs_dcmtk
@pytest.mark.parametrize("kind", [one for one in STORED_KINDS if one.attributes.samples == 1], ids=lambda one: one.name)
def test_dcmtk_reads_the_same_values_of_the_native_file(kind: Kind, tmp_path: Path) -> None:
    found, file = kept(kind), tmp_path / "native.dcm"
    file.write_bytes(found.native)

    dcmtk("dcmdump", "-q", "+W", str(tmp_path), str(file))

    (raw,) = tmp_path.glob("*.raw")
    source = found.source.pixel_array
    assert raw.read_bytes()[: source.nbytes] == source.tobytes()


GRAY = [one for one in STORED_KINDS if one.attributes.photometric.startswith("MONOCHROME")]


@needs_dcmtk
@pytest.mark.parametrize("kind", GRAY, ids=lambda kind: kind.name)
def test_dcmtk_shows_modality_values_in_their_order(kind: Kind, tmp_path: Path) -> None:
    found, file = kept(kind), tmp_path / "native.dcm"
    file.write_bytes(found.native)
    values = modality_values(found.source.pixel_array, found.source)

    picture = pgm(dcmtk("dcm2pnm", "-q", "+Wm", "+opw", str(file)))

    order = np.argsort(values, axis=None)
    if kind.attributes.photometric == "MONOCHROME1":
        order = order[::-1]
    assert picture.min() == 0
    assert picture.max() > 65000
    assert (np.diff(picture.reshape(-1)[order]) >= 0).all()
    assert len(np.unique(picture)) == len(np.unique(values))


@needs_dcmtk
@pytest.mark.parametrize("kind", [one for one in STORED_KINDS if one not in GRAY], ids=lambda kind: kind.name)
def test_dcmtk_shows_the_same_colours(kind: Kind, tmp_path: Path) -> None:
    found, file, before = kept(kind), tmp_path / "native.dcm", tmp_path / "landed.dcm"
    file.write_bytes(found.native)
    before.write_bytes(found.landed)

    assert dcmtk("dcm2pnm", "-q", str(file)) == dcmtk("dcm2pnm", "-q", str(before))


def test_a_palette_is_applied_to_the_same_values() -> None:
    (kind,) = [one for one in STORED_KINDS if one.name == "PALETTE COLOR, 8 bits"]
    found = kept(kind)
    again = pydicom.dcmread(BytesIO(found.as_stored))

    assert np.array_equal(
        apply_color_lut(again.pixel_array, again), apply_color_lut(found.source.pixel_array, found.source)
    )

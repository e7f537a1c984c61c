"""The layers as Lambda gets them: small enough, and able to do what functions ask, with nothing else on the path."""

import importlib.util
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks.templates import ROOT, of_type, text

BUILT = ROOT / "build" / "layers"
LARGEST_TOTAL = 120_000_000

needs_layers = pytest.mark.skipif(
    not (BUILT / "pixels.recipe").exists(), reason="the layers are not built; run `python layers/build.py`"
)
needs_their_platform = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="Lambda's wheels are for Linux on x86_64"
)

ROUND_TRIP = """
import numpy as np
from imagecodecs import htj2k_decode, jpeg2k_decode, jpeg2k_encode, jpegls_decode, jpegls_encode
from imagecodecs import jpeg8_decode, jpeg8_encode, ljpeg_decode, ljpeg_encode, jpegsof3_decode
import ojph, openjpeg, rle, pydicom.pixels
from dicomlake.dicom.codecs.lossless import decode_openjph, decode_openjpeg, encode, self_test
frame = np.arange(128 * 96, dtype=np.uint16).reshape(96, 128)
assert (jpeg2k_decode(jpeg2k_encode(frame, level=0, reversible=True)) == frame).all()
assert (jpegls_decode(jpegls_encode(frame)) == frame).all()
assert (jpegsof3_decode(ljpeg_encode(frame, bitspersample=16)) == frame).all()
assert jpeg8_decode(jpeg8_encode(frame.astype(np.uint8))).shape == frame.shape
from imagecodecs._isal import isal_crc32  # without its library checksums fall back to zlib, ten times slower
self_test()
from dicomlake.dicom.frames.pixels import PixelLayout
from dicomlake.dicom.files.recode import ENCODERS
for encoder in ENCODERS.values():
    assert encoder(frame, PixelLayout(96, 128, 1, 16, 16, signed=False))
"""

CLIENTS = """
import botocore.session, aws_lambda_powertools, boto3, orjson, zstandard
session = botocore.session.Session()
for service in ("s3", "dynamodb", "sns", "sqs", "stepfunctions", "secretsmanager", "kms", "sts"):
    session.create_client(service, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
"""


def in_layers(code: str, *layers: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that sees the standard library, the package and the layers only."""
    paths = [str(ROOT / "layers" / "core" / "python"), *(str(BUILT / layer / "python") for layer in layers)]
    setup = f"import sys; sys.path[0:0] = {paths!r}; sys.dont_write_bytecode = True\n"
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", setup + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def build_script() -> object:
    spec = importlib.util.spec_from_file_location("build_layers", ROOT / "layers" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_layers
@needs_their_platform
def test_every_codec_works_from_the_pruned_layers() -> None:
    done = in_layers(ROUND_TRIP, "base", "pixels")

    assert done.returncode == 0, done.stderr


@needs_layers
@needs_their_platform
def test_every_client_that_functions_use_can_be_made_from_the_base_layer() -> None:
    done = in_layers(CLIENTS, "base")

    assert done.returncode == 0, done.stderr


def functions_by_layers() -> dict[tuple[str, ...], set[str]]:
    """Which handlers are deployed with which dependency layers, by the templates."""
    found: dict[tuple[str, ...], set[str]] = {}
    for resource in of_type("dev", "AWS::Lambda::Function").values():
        layers = [text(layer) for layer in resource["Properties"]["Layers"]]
        names = tuple(name for name in ("base", "pixels") if any(f"Layers{name.title()}" in layer for layer in layers))
        key = resource["Properties"]["Code"]["S3Key"]
        found.setdefault(names, set()).add(key.removeprefix("functions-").removesuffix(".zip"))
    return found


@needs_layers
@needs_their_platform
@pytest.mark.parametrize("layers", [("base",), ("base", "pixels")])
def test_no_entry_point_needs_more_than_its_layers(layers: tuple[str, ...]) -> None:
    names = sorted(functions_by_layers()[layers])

    done = in_layers(f"from dicomlake import entry\nfor name in {names!r}: getattr(entry, name)()", *layers)

    assert done.returncode == 0, done.stderr


@needs_layers
def test_layers_are_far_below_the_limit() -> None:
    files = [path for name in ("base", "pixels") for path in (BUILT / name).rglob("*") if path.is_file()]

    assert sum(path.stat().st_size for path in files) < LARGEST_TOTAL


@needs_layers
@pytest.mark.parametrize("name", ["base", "pixels"])
def test_licences_and_byte_code_are_in_the_layer(name: str) -> None:
    python = BUILT / name / "python"
    installed = list(python.glob("*.dist-info"))

    licences = [path for path in python.rglob("*") if path.name.upper().startswith(("LICEN", "COPYING", "NOTICE"))]

    assert all((path / "METADATA").exists() for path in installed)
    assert len(licences) >= len(installed) - 1
    assert list(python.rglob("*.cpython-313.pyc"))


def test_a_recipe_changes_with_what_it_names_and_with_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_script()
    package = tmp_path / "layers" / "core" / "python" / "dicomlake"
    package.mkdir(parents=True)
    (package / "a.py").write_text("A = 1\n")
    monkeypatch.setattr(build, "CORE", package.parent)
    monkeypatch.setattr(build, "ROOT", Path("/"))
    recipe = build.recipe  # type: ignore[attr-defined]
    before = recipe("core")

    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_bytes(b"1")
    same = recipe("core")
    (package / "a.py").write_text("A = 2\n")

    assert same == before
    assert recipe("core") != before

"""Builds the layers into build/layers without Docker: `python layers/build.py [--host]`.

base and pixels are wheels for Lambda (x86_64, Python 3.13), pruned of what no function imports, stripped of debug
symbols, with byte code; core is this project's package. A layer whose recipe has not changed is left as it is.
`--host` builds base and pixels for the machine it runs on, unpruned, into build/layers-host: for a local run where
Lambda's wheels cannot be imported.
"""

import argparse
import compileall
import hashlib
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "layers" / "core" / "python"
DEPS = ROOT / "layers" / "deps"
BUILD = ROOT / "build"
NAMES = ("core", "base", "pixels")
PYTHON = (3, 13)
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")
LARGEST_TOTAL = 120_000_000
"""Bytes that base and pixels together may take unzipped; Lambda's limit for function and layers is 250 MB."""

SERVICES = {"s3", "dynamodb", "sns", "sqs", "stepfunctions", "secretsmanager", "kms", "sts"}
"""The services whose models the functions' clients load; botocore ships 440."""

CODECS = {
    "htj2k",
    "jpeg2k",
    "jpeg8",
    "jpegls",
    "ljpeg",
    "jpegsof3",
    "imcd",
    "isal",
    "png",
    "gif",
    "shared",
    "shared_cython",
}
CODEC_LIBRARIES = (
    "libopenjph-",
    "libopenjp2-",
    "libjpeg-",
    "libcharls-",
    "liblcms2-",
    "libisal-",
    "libpng16-",
    "libgif-",
)
"""The parts of imagecodecs that lake uses, and what they link to."""

UNUSED = (
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
    "boto3/examples",
    "botocore/data/*/*/examples-1.json",
    "botocore/data/dynamodb/2011-12-05",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/_pyinstaller",
    "numpy/doc",
    "numpy/f2py",
    "numpy/random/_examples",
    "numpy/random/lib",
    "pydicom/data/charset_files",
    "pydicom/data/test_files",
    "zstandard/*.c",
)
"""Never imported by a function. dist-info stays: licences, and the versions that packages read of themselves."""


def recipe(name: str) -> str:
    """Return what a layer is made from, as a SHA-256: the asset's hash, so that templates do not depend on bytes."""
    digest = hashlib.sha256(name.encode())
    for path in sorted(_ingredients(name)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _ingredients(name: str) -> Iterator[Path]:
    if name == "core":
        yield from (path for path in (CORE / "dicomlake").rglob("*") if path.is_file() and _is_source(path))
    else:
        yield DEPS / f"requirements-{name}.txt"
    yield Path(__file__).resolve()


def _is_source(path: Path) -> bool:
    return "__pycache__" not in path.parts


def build_core(target: Path) -> None:
    """Copy the package and compile it: Lambda cannot write byte code beside a layer's files."""
    python = _fresh(target)
    shutil.copytree(CORE / "dicomlake", python / "dicomlake", ignore=shutil.ignore_patterns("__pycache__"))
    _compile(python)


def build_dependencies(name: str, target: Path, *, host: bool) -> None:
    """Install one requirements file; for Lambda also prune, strip and compile."""
    python = _fresh(target)
    _install(DEPS / f"requirements-{name}.txt", python, host=host)
    if not host:
        _prune(python)
        _strip(python)
    _compile(python)


def _fresh(target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    python = target / "python"
    python.mkdir(parents=True)
    return python


def _install(requirements: Path, python: Path, *, host: bool) -> None:
    platforms = [] if host else [f"--platform={platform}" for platform in PLATFORMS]
    version = f"--python-version={PYTHON[0]}.{PYTHON[1]}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-compile", version]
    subprocess.run([*command, *platforms, f"--target={python}", f"--requirement={requirements}"], check=True)  # noqa: S603


def _prune(python: Path) -> None:
    for pattern in UNUSED:
        for path in list(python.glob(pattern)):
            _remove(path)
    for path in list((python / "botocore" / "data").glob("*/")):
        if path.name not in SERVICES:
            _remove(path)
    for path in list((python / "imagecodecs").glob("_*.so")):
        if path.name.split(".")[0].removeprefix("_") not in CODECS:
            _remove(path)
    for path in list((python / "imagecodecs.libs").glob("*")):
        if not path.name.startswith(CODEC_LIBRARIES):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _strip(python: Path) -> None:
    """Drop symbols, where the tool is there; libraries in *.libs were rewritten by patchelf and may not survive it."""
    tool = shutil.which("strip")
    if tool is None or sys.platform != "linux":
        return
    for path in python.rglob("*.so*"):
        if not path.parent.name.endswith(".libs"):
            subprocess.run([tool, "--strip-unneeded", str(path)], check=True)  # noqa: S603


def _compile(python: Path) -> None:
    """Compile ahead, never to be checked against the source: 4-5 times faster to import cold."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(python, quiet=2, stripdir=str(python), prependdir="/opt/python", invalidation_mode=mode)


def size(target: Path) -> int:
    """Return the bytes below a directory."""
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def main() -> int:
    """Build all layers; 1 says that they are larger than they may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", action="store_true", help="for this machine's platform, into build/layers-host")
    host: bool = parser.parse_args().host
    if sys.version_info[:2] != PYTHON:
        raise SystemExit(f"byte code is for Python {PYTHON[0]}.{PYTHON[1]}: run this script with it")
    out = BUILD / ("layers-host" if host else "layers")
    for name in NAMES:
        _refresh(name, out, host=host)
    sizes = {name: size(out / name) for name in NAMES}
    for name, amount in sizes.items():
        sys.stdout.write(f"{name}: {amount / 1e6:.1f} MB\n")
    return 1 if not host and sizes["base"] + sizes["pixels"] > LARGEST_TOTAL else 0


def _refresh(name: str, out: Path, *, host: bool) -> None:
    """Build a layer unless the one that is there was made from the same; its recipe is written last."""
    made_from = out / f"{name}.recipe"
    wanted = recipe(name)
    if made_from.exists() and made_from.read_text() == wanted:
        return
    made_from.unlink(missing_ok=True)
    if name == "core":
        build_core(out / name)
    else:
        build_dependencies(name, out / name, host=host)
    made_from.write_text(wanted)


if __name__ == "__main__":
    raise SystemExit(main())

"""The templates as files: `python -m stacks.golden` rewrites tests/golden, `--check` says what differs.

Each environment is synthesized as `cdk deploy` would, then written with stable names in place of asset hashes. The
local run deploys tests/golden/dev as it is: manifest.json says which directory stands behind each name.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
ENVIRONMENTS = ("dev", "staging", "prod")
PARTS = ("storage", "ingest", "study", "api", "observe")
LAYERS = {"core": "layers/core", "base": "build/layers/base", "pixels": "build/layers/pixels"}
"""Where the local run takes each layer from: the package as it is edited, the dependencies as they were built."""

Json = dict[str, Any]


def synthesize(environment: str, out: Path) -> None:
    """Run app.py into a directory. Layers need not be built: their hashes are not in a golden file."""
    layers = out / "layers"
    for name in LAYERS:
        (layers / name).mkdir(parents=True)
        (layers / f"{name}.recipe").write_text(name)
    context = {"env": environment, "layers": str(layers), "aws:cdk:disable-asset-staging": True}
    settings = {
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_OUTDIR": str(out / "assembly"),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }
    command = [sys.executable, str(ROOT / "app.py")]
    done = subprocess.run(  # noqa: S603 - our own app.py
        command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"synthesis of {environment} failed\n{done.stdout}\n{done.stderr}")


def normalised(environment: str, out: Path) -> dict[str, str]:
    """Return the golden files of one synthesized environment: file name -> text."""
    assembly = out / "assembly"
    stacks = [f"dicomlake-{environment}-{part}" for part in PARTS]
    files: dict[str, str] = {}
    images: dict[str, str] = {}
    names: dict[str, str] = {}
    for stack in stacks:
        listed: Json = json.loads((assembly / f"{stack}.assets.json").read_text())
        for digest, directory in _directories(listed["files"], out):
            files[f"{_stable(directory)}.zip"] = directory
            names[digest] = _stable(directory)
        for digest, image in listed.get("dockerImages", {}).items():
            folder = str(Path(image["source"]["dockerFile"]).parent)
            names[digest] = Path(folder).name
            images[Path(folder).name] = folder
    manifest = {"stacks": stacks, "assets": dict(sorted(files.items())), "images": images}
    texts = {f"{stack}.template.json": _template(assembly / f"{stack}.template.json", names) for stack in stacks}
    return {**texts, "manifest.json": json.dumps(manifest, indent=1) + "\n"}


def _directories(listed: Mapping[str, Json], out: Path) -> Iterator[tuple[str, str]]:
    """Each zipped asset's hash and the directory in the repository from which it was made."""
    for digest, file in listed.items():
        if file["source"]["packaging"] == "zip":
            source = Path(file["source"]["path"])
            layer = source.parent == out / "layers"
            yield digest, LAYERS[source.name] if layer else str(source.relative_to(ROOT))


def _stable(directory: str) -> str:
    """functions/plan_study -> functions-plan_study; build/layers/base -> layers-base."""
    return directory.removeprefix("build/").replace("/", "-")


def _template(path: Path, names: Mapping[str, str]) -> str:
    text = path.read_text()
    for digest, name in names.items():
        text = text.replace(digest, name)
    return json.dumps(json.loads(text), indent=1) + "\n"


def fresh() -> dict[Path, str]:
    """Synthesize every environment; return path below tests/golden -> text. The manifest is dev's: it is what runs."""
    texts: dict[Path, str] = {}
    for environment in ENVIRONMENTS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder).resolve()
            synthesize(environment, out)
            for name, text in normalised(environment, out).items():
                if name != "manifest.json" or environment == "dev":
                    texts[Path(environment) / name] = text
    return texts


def differences(texts: Mapping[Path, str]) -> list[str]:
    """Return unified diffs between the golden files and fresh ones, stale files included."""
    stale = {path.relative_to(GOLDEN): "" for path in GOLDEN.glob("*/*.json")}
    lines: list[str] = []
    for path, text in sorted({**stale, **texts}.items()):
        held = (GOLDEN / path).read_text() if (GOLDEN / path).exists() else ""
        lines += difflib.unified_diff(
            held.splitlines(), text.splitlines(), f"golden/{path}", f"fresh/{path}", lineterm="", n=2
        )
    return lines


def rewrite(texts: Mapping[Path, str]) -> None:
    """Write fresh golden files and remove stale ones."""
    for path in GOLDEN.glob("*/*.json"):
        path.unlink()
    for path, text in texts.items():
        (GOLDEN / path).parent.mkdir(parents=True, exist_ok=True)
        (GOLDEN / path).write_text(text)


def main() -> int:
    """Rewrite or check; 1 says that something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; print what differs and exit 1")
    check = parser.parse_args().check
    texts = fresh()
    lines = differences(texts)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    if not check:
        rewrite(texts)
    return 1 if check and lines else 0


if __name__ == "__main__":
    raise SystemExit(main())

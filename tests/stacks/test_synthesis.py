"""The golden files are what app.py makes, and CloudFormation's linter has nothing to say of them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stacks.templates import ENVIRONMENTS, GOLDEN, PARTS, ROOT

CDK = ROOT / "build" / "cdk-venv" / "bin"

needs_cdk = pytest.mark.skipif(
    not (CDK / "python").exists() or shutil.which("node") is None,
    reason="the CDK is not here; `make setup golden` installs it into build/cdk-venv and needs Node 20",
)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603


@needs_cdk
def test_a_fresh_synthesis_equals_the_golden_templates() -> None:
    done = run(CDK / "python", "-m", "stacks.golden", "--check")

    assert done.returncode == 0, f"run `make golden` and read the diff:\n{done.stdout[:4000]}{done.stderr[-2000:]}"


@needs_cdk
def test_linter_finds_nothing() -> None:
    # W3005: CDK writes a DependsOn that a reference already implies.
    files = [GOLDEN / env / f"dicomlake-{env}-{part}.template.json" for env in ENVIRONMENTS for part in PARTS]

    done = run(CDK / "cfn-lint", "--ignore-checks", "W3005", "--regions", "eu-central-1", "--", *files)

    assert done.returncode == 0, done.stdout


@needs_cdk
def test_stacks_are_fully_typed() -> None:
    done = run(CDK / "mypy", "stacks", "app.py")

    assert done.returncode == 0, done.stdout

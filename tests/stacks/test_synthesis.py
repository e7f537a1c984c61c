"""The golden files are what app.py makes, and CloudFormation's linter has nothing to say of them."""

import json
import shutil
import subprocess
from collections import Counter
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


WITH = """
import json, pathlib, sys
from dataclasses import replace
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks
from stacks import config, guards, lake
out = pathlib.Path(sys.argv[1])
for name in ("core", "base", "pixels"):
    (out / "layers" / name).mkdir(parents=True)
    (out / "layers" / f"{name}.recipe").write_text(name)
app = App(analytics_reporting=False, context=config.FEATURE_FLAGS, outdir=str(out / "assembly"))
environment = replace(config.PROD, **json.loads(sys.argv[2]))
lake.build(app, environment, layers=out / "layers")
Validations.of(app).add_plugins(AwsSolutionsChecks(app))
guards.require(app.synth(), keeps_data=True)
"""
"""Synthesizes prod with other settings, with everything that app.py checks."""


@needs_cdk
def test_with_tokens_every_route_asks_the_user_pool(tmp_path: Path) -> None:
    done = run(CDK / "python", "-c", WITH, tmp_path, '{"authorization": "jwt"}')

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    resources = json.loads((tmp_path / "assembly/dicomlake-prod-api.template.json").read_text())["Resources"].values()
    kinds = Counter(one["Properties"]["AuthorizationType"] for one in resources if one["Type"].endswith("V2::Route"))
    groups = {one["Properties"]["GroupName"] for one in resources if one["Type"].endswith("UserPoolGroup")}
    assert set(kinds) == {"JWT", "NONE"}
    assert groups == {
        f"{store}:{may}" for store in ("clinical", "research") for may in ("read", "upload", "change")
    } | {"operator"}
    assert (
        run(
            CDK / "cfn-lint", "--ignore-checks", "W3005", "--", tmp_path / "assembly/dicomlake-prod-api.template.json"
        ).returncode
        == 0
    )


@needs_cdk
def test_an_api_that_knows_nobody_cannot_be_deployed(tmp_path: Path) -> None:
    done = run(CDK / "python", "-c", WITH, tmp_path, '{"authorization": "none"}')

    assert done.returncode != 0
    assert "authorization is iam or jwt, not none" in done.stderr


@needs_cdk
def test_an_environment_that_keeps_code_streams_tells_who_decides_landed_objects(
    tmp_path: Path,
) -> None:
    done = run(CDK / "python", "-c", WITH, tmp_path, '{"keeps_code_streams": true}')

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    resources = json.loads((tmp_path / "assembly/dicomlake-prod-ingest.template.json").read_text())["Resources"]
    told = [name for name, one in resources.items() if "DICOMLAKE_CODE_STREAMS" in json.dumps(one)]
    usual = json.loads((GOLDEN / "prod/dicomlake-prod-ingest.template.json").read_text())["Resources"]
    deciding = [name for name, one in usual.items() if "DICOMLAKE_EVENTS_TOPIC" in json.dumps(one)]
    assert [resources[name]["Type"] for name in told].count("AWS::Lambda::Function") >= 2
    assert "AWS::ECS::TaskDefinition" in [resources[name]["Type"] for name in told]
    assert {kind_of(resources[name]) for name in told} <= {kind_of(usual[name]) for name in deciding}
    assert "DICOMLAKE_CODE_STREAMS" not in json.dumps(usual)


def kind_of(resource: dict[str, object]) -> object:
    return resource["Type"]

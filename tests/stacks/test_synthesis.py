"""The golden files are what app.py makes, and CloudFormation's linter has nothing to say of them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stacks.templates import ENVIRONMENTS, GOLDEN, PARTS, ROOT, Json

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
gateway = config.Gateway("arn:aws:acm:eu-central-1:123456789012:certificate/c", ("192.0.2.0/24",))
environment = replace(config.PROD, authorization="jwt", gateway=gateway, keeps_code_streams=True)
lake.build(app, environment, layers=out / "layers")
Validations.of(app).add_plugins(AwsSolutionsChecks(app))
guards.require(app.synth(), keeps_data=True)
"""
"""Synthesizes prod with tokens, a gateway and code streams as they came, with everything that app.py checks."""

REFUSED = """
from dataclasses import replace
from stacks import config
gateway = config.Gateway("arn:aws:acm:eu-central-1:123456789012:certificate/c", ("192.0.2.0/24",))
for changed in ({"authorization": "none"}, {"gateway": gateway}):
    try:
        replace(config.PROD, **changed)
    except ValueError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates of prod with tokens and a gateway."""
    out = tmp_path_factory.mktemp("with")
    done = run(CDK / "python", "-c", WITH, out)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return out / "assembly"


def resources(file: Path) -> list[Json]:
    return list(json.loads(file.read_text())["Resources"].values())


@needs_cdk
def test_with_tokens_every_route_asks_the_user_pool(assembly: Path) -> None:
    made = resources(assembly / "dicomlake-prod-api.template.json")

    kinds = {one["Properties"]["AuthorizationType"] for one in made if one["Type"].endswith("V2::Route")}
    groups = {one["Properties"]["GroupName"] for one in made if one["Type"].endswith("UserPoolGroup")}

    assert kinds == {"JWT", "NONE"}
    stores, grants = ("clinical", "research"), ("read", "upload", "change")
    assert groups == {f"{store}:{may}" for store in stores for may in grants} | {"operator"}


@needs_cdk
def test_the_gateways_load_balancer_checks_tokens_where_callers_do_not_prove_who_they_are(assembly: Path) -> None:
    made = resources(assembly / "dicomlake-prod-gateway.template.json")

    rules = {
        one["Properties"]["Priority"]: [action["Type"] for action in one["Properties"]["Actions"]]
        for one in made
        if one["Type"].endswith("ListenerRule")
    }

    assert rules.pop(10) == ["jwt-validation", "forward"]
    assert list(rules.values()) == [["forward"]] * 3


@needs_cdk
def test_linter_finds_nothing_in_tokens_and_gateway(assembly: Path) -> None:
    files = [assembly / f"dicomlake-prod-{part}.template.json" for part in ("api", "gateway")]

    done = run(CDK / "cfn-lint", "--ignore-checks", "W3005", "--regions", "eu-central-1", "--", *files)

    assert done.returncode == 0, done.stdout


@needs_cdk
def test_an_api_that_knows_nobody_cannot_be_deployed() -> None:
    told = run(CDK / "python", "-c", REFUSED).stdout.splitlines()

    assert told == [
        "prod: the API's authorization is iam or jwt, not none",
        "prod: a gateway's callers bring tokens; its authorization is jwt",
    ]


@needs_cdk
def test_an_environment_that_keeps_code_streams_tells_who_decides_landed_objects(assembly: Path) -> None:
    kept = json.loads((assembly / "dicomlake-prod-ingest.template.json").read_text())["Resources"]
    told = [name for name, one in kept.items() if "DICOMLAKE_CODE_STREAMS" in json.dumps(one)]
    usual = json.loads((GOLDEN / "prod/dicomlake-prod-ingest.template.json").read_text())["Resources"]
    deciding = [name for name, one in usual.items() if "DICOMLAKE_EVENTS_TOPIC" in json.dumps(one)]

    assert [kept[name]["Type"] for name in told].count("AWS::Lambda::Function") >= 2
    assert "AWS::ECS::TaskDefinition" in [kept[name]["Type"] for name in told]
    assert {kept[name]["Type"] for name in told} <= {usual[name]["Type"] for name in deciding}
    assert "DICOMLAKE_CODE_STREAMS" not in json.dumps(usual)

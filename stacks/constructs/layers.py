"""The layers: this project's package, and its dependencies as layers/build.py made them (no Docker)."""

import hashlib
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = lambda_.Runtime.PYTHON_3_13
NOT_CODE = ["**/__pycache__", "**/*.pyc", "**/*.egg-info"]


class Layers(Construct):
    """One stack's layer versions. A layer's hash is that of its recipe, so that templates do not depend on bytes."""

    def __init__(self, scope: Construct, construct_id: str, *, built: Path) -> None:
        super().__init__(scope, construct_id)
        core = lambda_.Code.from_asset(str(ROOT / "layers" / "core"), exclude=["*", "!python", "!python/**", *NOT_CODE])
        self.core = self._version("Core", core, "dicomlake")
        self.base = self._version("Base", self._recipe(built, "base"), "what every function needs")
        self.pixels = self._version("Pixels", self._recipe(built, "pixels"), "data sets and frames")

    @property
    def for_look_ups(self) -> list[lambda_.ILayerVersion]:
        """The layers of functions that open no data set."""
        return [self.core, self.base]

    @property
    def for_pixels(self) -> list[lambda_.ILayerVersion]:
        """The layers of functions that open data sets and frames."""
        return [self.core, self.base, self.pixels]

    def _recipe(self, built: Path, name: str) -> lambda_.AssetCode:
        deps = ROOT / "layers" / "deps"
        recipe = (ROOT / "layers" / "build.py").read_bytes() + (deps / f"requirements-{name}.txt").read_bytes()
        return lambda_.Code.from_asset(str(built / name), asset_hash=hashlib.sha256(recipe).hexdigest())

    def _version(self, construct_id: str, code: lambda_.Code, description: str) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=code,
            description=description,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[lambda_.Architecture.X86_64],
        )

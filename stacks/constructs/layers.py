"""The layers, as layers/build.py made them (no Docker)."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = lambda_.Runtime.PYTHON_3_13
NOT_CODE = ["**/__pycache__", "**/*.pyc", "**/*.egg-info"]


class Layers(Construct):
    """One stack's layer versions. A layer's hash is that of its recipe: templates do not depend on built bytes."""

    def __init__(self, scope: Construct, construct_id: str, *, built: Path) -> None:
        super().__init__(scope, construct_id)
        self._built = built
        self.core = self._version("Core", "core", "dicomlake")
        self.base = self._version("Base", "base", "what every function needs")
        self.pixels = self._version("Pixels", "pixels", "data sets and frames")

    @property
    def for_look_ups(self) -> list[lambda_.ILayerVersion]:
        """The layers of functions that open no data set."""
        return [self.core, self.base]

    @property
    def for_pixels(self) -> list[lambda_.ILayerVersion]:
        """The layers of functions that open data sets and frames."""
        return [self.core, self.base, self.pixels]

    def _version(self, construct_id: str, name: str, description: str) -> lambda_.LayerVersion:
        recipe = self._built / f"{name}.recipe"
        if not recipe.exists():
            raise FileNotFoundError(f"layer {name} is not built; run `python layers/build.py`")
        return lambda_.LayerVersion(
            self,
            construct_id,
            code=lambda_.Code.from_asset(str(self._built / name), asset_hash=recipe.read_text()),
            description=description,
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[lambda_.Architecture.X86_64],
        )

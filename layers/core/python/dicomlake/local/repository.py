"""Where the checkout keeps what the local run needs."""

import os
from dataclasses import dataclass
from pathlib import Path

from dicomlake.local.failure import LocalRunError


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout of the project: its virtual environments, its golden templates, its build directory."""

    root: Path

    @property
    def build(self) -> Path:
        """What `make setup` and the deployment make, and what may be deleted at any time."""
        return self.root / "build"

    @property
    def engine_python(self) -> Path:
        """The interpreter of the engine's environment."""
        return self.build / "engine-venv" / "bin" / "python"

    @property
    def handler_python(self) -> Path:
        """The interpreter of the handlers' environment: Lambda's runtime client and nothing else."""
        return self.build / "handler-venv" / "bin" / "python"

    @property
    def package_path(self) -> Path:
        """What PYTHONPATH needs for `dicomlake`."""
        return self.root / "layers" / "core" / "python"

    def golden(self, environment: str) -> Path:
        """The directory of the synthesized templates of an environment."""
        return self.root / "tests" / "golden" / environment


def find_repository() -> Repository:
    """Return the checkout this package belongs to; raises LocalRunError outside of one or before `make setup`."""
    own = Path(__file__).resolve().parents[5]
    repository = Repository(Path(os.environ.get("DICOMLAKE_REPOSITORY", own)))
    if not (repository.root / "layers" / "deps" / "requirements-engine.txt").is_file():
        raise LocalRunError(
            "The local lake runs from a checkout of the repository; "
            "set DICOMLAKE_REPOSITORY to one, or run `make up` in it."
        )
    for python in (repository.engine_python, repository.handler_python):
        if not python.exists():
            raise LocalRunError(
                f"{python.relative_to(repository.root)} is missing; run `make setup` in {repository.root}."
            )
    return repository

"""One small lake for the tests of the host, and one whole lake for the tests of what becomes of objects."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomlake.local.endpoints import Endpoints
from dicomlake.local.lake import local_lake
from tests.pipeline import corpus_lake as corpus_lakes
from tests.pipeline import quick_templates, small_lake
from tests.pipeline.corpus_lake import CorpusLake
from tests.pipeline.running import RunningLake


@pytest.fixture(scope="session")
def small_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates of the small lake."""
    return small_lake.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, small_templates: Path) -> Iterator[Endpoints]:
    """A running small lake."""
    arguments = ("--templates", str(small_templates))
    with local_lake(tmp_path_factory.mktemp("lake"), arguments=arguments) as endpoints:
        yield endpoints


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLake]:
    """The whole lake, from the golden templates of the dev environment."""
    with local_lake(tmp_path_factory.mktemp("whole")) as endpoints:
        yield RunningLake(endpoints)


@pytest.fixture(scope="session")
def corpus_lake(corpus: Path, lake: RunningLake) -> CorpusLake:
    """The whole lake with the corpus in it."""
    return corpus_lakes.fill(lake)


@pytest.fixture(scope="session")
def quick_lake(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLake]:
    """The whole lake with small limits and short time-outs."""
    templates = quick_templates.write(repository / "tests" / "golden" / "dev", tmp_path_factory.mktemp("templates"))
    arguments = ("--templates", str(templates), "--wait-scale", "0.1")
    with local_lake(tmp_path_factory.mktemp("quick"), arguments=arguments) as endpoints:
        yield RunningLake(endpoints)

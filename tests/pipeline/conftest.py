"""One small lake for all tests that only talk to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicomlake.local.endpoints import Endpoints
from dicomlake.local.lake import local_lake
from tests.pipeline import small_lake


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

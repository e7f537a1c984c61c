"""The soak runs where it is asked for by name (`make soak`): it takes minutes and kills processes."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests out of a run of everything."""
    return None if any("soak" in argument for argument in config.args) else True

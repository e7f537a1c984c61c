"""docs/scale.md shows what its script prints, and the script counts with the row sizes that the index's page lists."""

import importlib.util
from types import ModuleType

from tests.docs.docs_given import DOCS, ROOT, section, tables


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_scale", ROOT / "benchmarks" / "simulate_scale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_the_script_prints() -> None:
    page = (DOCS / "scale.md").read_text(encoding="utf-8")

    assert page == script().page(page), "run `python benchmarks/simulate_scale.py --write`"


def test_the_script_counts_with_the_sizes_of_the_index() -> None:
    listed = {row[0]: row[1] for row in tables(section((DOCS / "index.md").read_text(encoding="utf-8"), "Sizes"))}
    listed["ledger"] = listed["ledger, stored"]

    for name, size in script().SIZES.items():
        assert listed[name] == f"{size} B"


def test_no_partition_is_asked_for_more_than_it_takes() -> None:
    for use in script().heat():
        assert use.peak <= use.quota, use.what


def test_no_quota_is_exceeded_at_peak() -> None:
    for use in script().quotas():
        assert use.peak < use.quota, use.what

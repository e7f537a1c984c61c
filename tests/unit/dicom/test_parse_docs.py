"""docs/parse.md names every warning that the code can give, and no other."""

import re
from pathlib import Path

from dicomlake.dicom.header import elements, inflate, walk

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "layers/core/python/dicomlake/dicom/header"
READERS = ("classify", "elements", "fallback", "nested", "opened", "parse", "special", "walk")
GIVEN = re.compile(r"(?:warn\(|Warned\(|Start\([^,()]+, )\"([a-z-]+)\"|\"(no-pre[a-z]+)\"")


def _documented() -> set[str]:
    text = (ROOT / "docs" / "parse.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))


def _given() -> set[str]:
    texts = [(SOURCES / f"{name}.py").read_text(encoding="utf-8") for name in READERS]
    return {code for text in texts for pair in GIVEN.findall(text) for code in pair if code}


def test_every_warning_is_documented_and_every_documented_one_exists() -> None:
    assert _documented() == _given()


def test_the_limits_are_the_documented_ones() -> None:
    text = (ROOT / "docs" / "parse.md").read_text(encoding="utf-8")

    assert f"{elements.MAX_ELEMENTS:,} elements, {elements.MAX_DEPTH}\nnested" in text
    assert f"{elements.TOO_MUCH >> 20} MB of values" in text
    assert f"{inflate.MAX_INFLATED >> 20} MB inflated" in text
    assert f"above {walk.BULK_LIMIT >> 20} MiB (a parameter)" in text
    assert f"above {elements.SHORT >> 10} KiB once a header has given {elements.AMPLE >> 20} MiB" in text

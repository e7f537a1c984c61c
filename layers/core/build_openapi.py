"""Writes docs/openapi.json from the route table: `python layers/core/build_openapi.py [--check]`."""

import json
import sys
from pathlib import Path

from dicomlake.web.openapi import openapi_document
from dicomlake.web.routes import ROUTES

PAGE = Path(__file__).parents[2] / "docs/openapi.json"


def text() -> str:
    """Return the file's content."""
    return json.dumps(openapi_document(ROUTES), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == text() else "docs/openapi.json is old: run this again")
    PAGE.write_text(text(), encoding="utf-8")

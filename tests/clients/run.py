"""Clients that are not ours, unchanged, against a running lake; they are installed in an environment of their own.

    python3 -m venv build/clients
    build/clients/bin/pip install dicomtrolley==4.1.0 wsidicom==0.36.1 imagecodecs
    build/clients/bin/python tests/clients/run.py .lake/endpoints.json CT.dcm SLIDE.dcm

CT.dcm and SLIDE.dcm are files that the lake holds. Each client prints a line, and fails where what it reads is not the
file's.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pydicom
import requests
from dicomtrolley.core import Query, QueryLevels
from dicomtrolley.qido_rs import HierarchicalQuery, QidoRS
from dicomtrolley.trolley import Trolley
from dicomtrolley.wado_rs import WadoRS
from dicomweb_client.api import DICOMwebClient
from wsidicom import WsiDicom, WsiDicomWebClient


def with_dicomtrolley(root: str, ct: Path, _: Path) -> str:
    """Find the patient's studies and their series, and download the study of the file."""
    wanted, session = pydicom.dcmread(ct), requests.Session()
    trolley = Trolley(searcher=QidoRS(session=session, url=root), downloader=WadoRS(session=session, url=root))
    found = trolley.find_studies(Query(PatientID=wanted.PatientID))
    studies = [study for study in found if study.uid == wanted.StudyInstanceUID]
    query = HierarchicalQuery(StudyInstanceUID=wanted.StudyInstanceUID, query_level=QueryLevels.SERIES)
    (deep,) = trolley.find_studies(query)
    same = [one for one in trolley.fetch_all_datasets(studies) if one.SOPInstanceUID == wanted.SOPInstanceUID]
    require((same[0].pixel_array == wanted.pixel_array).all(), "dicomtrolley read other pixels")
    return f"{len(found)} studies, {len(deep.series)} series, pixels equal"


def with_wsidicom(root: str, _: Path, slide: Path) -> str:
    """Open a slide by its tiles and compare its base level with the file's."""
    wanted = pydicom.dcmread(slide, stop_before_pixels=True)
    client = WsiDicomWebClient(DICOMwebClient(root))
    size = (int(wanted.TotalPixelMatrixColumns), int(wanted.TotalPixelMatrixRows))
    with (
        WsiDicom.open_web(client, wanted.StudyInstanceUID, wanted.SeriesInstanceUID) as ours,
        WsiDicom.open(slide) as file,
    ):
        equal = ours.read_region((0, 0), 0, size).tobytes() == file.read_region((0, 0), 0, size).tobytes()
    require(equal, "wsidicom read other pixels")
    return f"{size[0]} x {size[1]}, pixels equal"


def require(holds: bool, otherwise: str) -> None:
    """End the run where something does not hold."""
    if not holds:
        raise SystemExit(otherwise)


CLIENTS: dict[str, Callable[[str, Path, Path], str]] = {"dicomtrolley": with_dicomtrolley, "wsidicom": with_wsidicom}


def main() -> None:
    """Run every client."""
    endpoints, ct, slide = map(Path, sys.argv[1:4])
    root = json.loads(endpoints.read_text())["dicomweb"]
    for name, run in CLIENTS.items():
        sys.stdout.write(f"{name}: {run(root, ct, slide)}\n")


if __name__ == "__main__":
    main()

"""Objects to plant into: files that others made, of as many kinds as are at hand."""

import csv
import os
from pathlib import Path

from pydicom.data import get_testdata_file

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("DICOMLAKE_CORPUS", ROOT.parent / "shared/corpus"))
OWN = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "JPEG2000.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "test-SR.dcm",
    "rtplan.dcm",
    "rtdose_1frame.dcm",
    "waveform_ecg.dcm",
    "image_dfl.dcm",
)
"""pydicom's own, which are always there."""

KINDS = {
    "1": 2,
    "1.1": 1,
    "2.2": 1,
    "4.1": 2,
    "6.1": 2,
    "11.1": 1,
    "20": 1,
    "66.4": 2,
    "77.1.6": 1,
    "88.11": 2,
    "88.34": 1,
    "104.1": 1,
    "128": 2,
    "481.3": 1,
    "30": 1,
}
"""SOP classes by their last numbers, and how many files of each are taken of the corpus."""


def bases() -> list[Path]:
    """Return the files to plant into."""
    own = [Path(str(path)) for path in map(get_testdata_file, OWN) if path]
    manifest = CORPUS / "manifest.csv"
    if not manifest.is_file():
        return own
    wanted = {f"1.2.840.10008.5.1.4.1.1.{kind}": count for kind, count in KINDS.items()}
    with manifest.open(newline="") as stream:
        for row in csv.DictReader(stream):
            sound = (
                row["expected"] in ("ok", "ok-no-pixels")
                and row["indexable"] == "yes"
                and not row["path"].startswith("pydicom:")
            )
            if sound and wanted.get(row["sop_class"], 0) and int(row["size"]) < 600_000:
                wanted[row["sop_class"]] -= 1
                own.append(CORPUS / row["path"])
    return own

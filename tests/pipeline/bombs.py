"""Objects that are small on the wire and large in memory: what kills a process that has too little of it."""

import io
import struct

import pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from tests.usecases.dicom_files import ct_slice

RUN = 128


def rle_bomb(study: int, side: int, frames: int) -> bytes:
    """Sound frames of side x side zeros in RLE (PS3.5 annex G): a sixtieth of their pixels' size."""
    data = pydicom.dcmread(io.BytesIO(ct_slice(study, 1, 1)))
    full, rest = divmod(side, RUN)
    row = struct.pack("bB", 1 - RUN, 0) * full + (struct.pack("bB", 1 - rest, 0) if rest > 1 else b"\0\0" * rest)
    segment = row * side
    segment += b"\0" * (len(segment) % 2)
    header = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13)
    data.Rows = data.Columns = side
    data.NumberOfFrames = frames
    data.PixelData = encapsulate([header + segment * 2] * frames)
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = RLELossless
    out = io.BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    return out.getvalue()

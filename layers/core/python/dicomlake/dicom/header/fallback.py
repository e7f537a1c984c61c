"""What the walk declines, read by pydicom: slower and more forgiving. Only here does a header need pydicom.

The outcome has the walk's form. Since pydicom makes elements of any bytes, an unknown tag of the standard's own groups
is taken as the sign of a reading gone astray. The pixel value's place comes from pydicom's raw elements.
"""

import struct
import warnings
from io import BytesIO
from math import isfinite
from typing import Any

from dicomlake.dicom.dictionary.lookup import vr_of
from dicomlake.dicom.header.elements import MAX_DEPTH
from dicomlake.dicom.header.json_view import not_finite
from dicomlake.dicom.header.walk import DataSet
from dicomlake.dicom.header.window import Window
from dicomlake.dicom.instance import PIXEL_TAGS, PIXELS_URI, PixelElement
from dicomlake.domain.errors import MalformedError, Reason
from dicomlake.domain.model import JsonObject, JsonValue, Warned

MAX_SIZE = 1 << 20
"""Objects above this are not tried: one of nothing but empty items takes pydicom three seconds."""


def read_with_pydicom(window: Window) -> DataSet:
    """Read a whole object with pydicom, or raise MalformedError where that fails too."""
    if window.size > MAX_SIZE:
        raise MalformedError("the data set breaks the standard and is too large for a second reading")
    from pydicom.errors import BytesLengthException

    try:
        view, pixels = _read(window)
    except (*_FAILURES, BytesLengthException):
        # Not `from exc`: its text may quote the value that it met.
        raise MalformedError("neither the walk nor pydicom can read the data set") from None
    json: JsonObject = {tag: _plain(element) for tag, element in view.items() if not tag.endswith("0000")}
    if any(vr_of(tag) is None and int(tag[3], 16) % 2 == 0 for tag in json):
        raise MalformedError("the data set goes on with something that is no element")
    if pixels is not None:
        json[f"{pixels.tag:08X}"] = {"vr": pixels.vr, "BulkDataURI": PIXELS_URI}
    return DataSet(dict(sorted(json.items())), pixels, {}, (), (Warned("read-by-pydicom"),), True)


def _read(window: Window) -> tuple[JsonObject, PixelElement | None]:
    """Read with pydicom kept quiet: what it logs and warns of quotes values, which are patient data."""
    import pydicom

    logger = pydicom.config.logger
    talked = not logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data_set = pydicom.dcmread(BytesIO(window.source.read(0, window.size)), force=True)
            pixels = _take_pixels(window, data_set)
            return data_set.to_json_dict(bulk_data_threshold=window.size + 1), pixels
    finally:
        logger.disabled = not talked


_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises on bytes that it cannot read; all are the input's fault."""


def _take_pixels(window: Window, data_set: Any) -> PixelElement | None:
    """Remove the pixel element from the data set and tell where its value lies."""
    found: PixelElement | None = None
    for tag in sorted(PIXEL_TAGS & set(map(int, data_set.keys()))):
        raw = data_set.get_item(tag)
        del data_set[tag]
        if found is None and raw.value:
            found = _element(window, tag, raw)
    return found


def _element(window: Window, tag: int, raw: Any) -> PixelElement:
    encapsulated = raw.length == 0xFFFFFFFF
    length = len(raw.value) + (8 if encapsulated else 0)
    end = min(raw.value_tell + length, window.size)
    truncated = not encapsulated and raw.value_tell + raw.length > window.size
    return PixelElement(tag, str(raw.VR or "OW"), raw.value_tell, end - raw.value_tell, encapsulated, truncated)


def _plain(value: Any, depth: int = 0) -> JsonValue:
    """Return pydicom's JSON in ours: plain strings for VRs, null for empty values. An item is three levels deep."""
    if depth > 3 * MAX_DEPTH:
        raise MalformedError("sequences are nested deeper than any that this lake reads", Reason.TOO_LARGE)
    if isinstance(value, dict):
        return {str(key): str(inner) if key == "vr" else _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        return str(value) or None
    if isinstance(value, float) and not isfinite(value):
        return not_finite(value)
    return value  # type: ignore[no-any-return]

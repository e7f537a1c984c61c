"""The Image Pixel module out of the JSON view, with what stands in for what is missing (PixelAttributes)."""

from dicomlake.dicom.instance import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, PixelAttributes, Span
from dicomlake.domain.model import PIXEL_LAYOUT, JsonObject, JsonValue

BITS = {FLOAT_PIXEL_DATA: 32, DOUBLE_FLOAT_PIXEL_DATA: 64}


_LAST: dict[int, tuple[list[JsonValue], PixelAttributes]] = {}
"""By pixel element, the module that was read last and what it said: a series' instances come together."""


def pixel_attributes(view: JsonObject, tag: int, offsets: Span | None, lengths: Span | None) -> PixelAttributes:
    """Return the attributes that tell how the pixels of element `tag` are laid out."""
    if offsets or lengths:
        return _read(view, tag, offsets, lengths)
    module = list(map(view.get, PIXEL_LAYOUT))
    last = _LAST.get(tag)
    if last is None or last[0] != module:
        last = _LAST[tag] = module, _read(view, tag, None, None)
    return last[1]


def _read(view: JsonObject, tag: int, offsets: Span | None, lengths: Span | None) -> PixelAttributes:
    samples = _number(view, "00280002", 1)
    allocated = _number(view, "00280100", BITS.get(tag, 16))
    stored = _number(view, "00280101", allocated)
    return PixelAttributes(
        rows=_number(view, "00280010", 0),
        columns=_number(view, "00280011", 0),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_number(view, "00280102", stored - 1),
        pixel_representation=_number(view, "00280103", 0),
        planar_configuration=_number(view, "00280006", 0),
        number_of_frames=_number(view, "00280008", 1),
        photometric=_text(view, "00280004") or ("RGB" if samples == 3 else "MONOCHROME2"),
        frame_offsets=offsets,
        frame_lengths=lengths,
    )


def _first(view: JsonObject, tag: str) -> object:
    element = view.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _number(view: JsonObject, tag: str, default: int) -> int:
    """Return an attribute's number; a text that is none (IS of another spelling) is read as far as it goes."""
    value = _first(view, tag)
    if isinstance(value, str):
        try:
            value = int(float(value))
        except (ValueError, OverflowError):
            return default
    return int(value) if isinstance(value, int | float) and value >= 0 else default


def _text(view: JsonObject, tag: str) -> str:
    value = _first(view, tag)
    return value.strip() if isinstance(value, str) else ""

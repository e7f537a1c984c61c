"""Every file of the corpus ends as its manifest says, loses no byte, and says what pydicom says of it."""

import warnings
from collections import Counter
from collections.abc import Iterator
from io import BytesIO

import orjson
import pydicom

from dicomlake.dicom.header.opened import open_object
from dicomlake.dicom.header.parse import BufferSource, ParsedInstance, parse
from dicomlake.dicom.header.walk import read_data_set
from dicomlake.dicom.text.names import person_name
from dicomlake.domain.errors import PermanentError, Reason
from dicomlake.domain.model import JsonObject, JsonValue
from tests.unit.dicom.corpus import Row, rows

REASONS = {
    "derived/empty.dcm": Reason.EMPTY,
    "derived/random-bytes.dcm": Reason.NOT_DICOM,
    "derived/trunc-meta.dcm": Reason.TRUNCATED_HEADER,
    "derived/preamble-only.dcm": Reason.TRUNCATED_HEADER,
    "derived/dicm-then-random.dcm": Reason.MALFORMED,
    "derived/bad-length-rows.dcm": Reason.MALFORMED,
    "files/ivmartel-dwv/bbmri.zip": Reason.CONTAINER,
    "files/ivmartel-dwv/DICOMDIR": Reason.DIRECTORY,
    "files/pydicom-pylibjpeg-data/B1.JPG": Reason.NOT_DICOM,
    "pydicom:palettes/fall.dcm": Reason.NON_PATIENT,
    "pydicom:test_files/zipMR.gz": Reason.CONTAINER,
    "pydicom:test_files/dicomdirtests/DICOMDIR": Reason.DIRECTORY,
    "pydicom:test_files/rtplan_truncated.dcm": Reason.TRUNCATED_HEADER,
}
"""What some of the files are, to the letter."""


def _outcome(row: Row) -> ParsedInstance | PermanentError:
    try:
        return parse(BufferSource(row.read()))
    except PermanentError as error:
        return error


def _agrees(row: Row, outcome: ParsedInstance | PermanentError) -> bool:
    if isinstance(outcome, ParsedInstance):
        return any(expected.startswith("ok") for expected in row.outcomes)
    return "quarantine" in row.outcomes or outcome.reason in {Reason.DIRECTORY, Reason.NON_PATIENT}


def test_every_file_ends_as_its_manifest_says() -> None:
    outcomes = {row: _outcome(row) for row in rows()}

    assert [row.path for row, outcome in outcomes.items() if not _agrees(row, outcome)] == []
    assert [
        (row.path, outcome.detail)
        for row, outcome in outcomes.items()
        if row.indexable and isinstance(outcome, PermanentError) and not _is_refused_kind(outcome)
    ] == []


def _is_refused_kind(error: PermanentError) -> bool:
    return error.reason in {Reason.DIRECTORY, Reason.NON_PATIENT}


def test_what_is_refused_is_refused_for_its_own_reason() -> None:
    outcomes = {row.path: _outcome(row) for row in rows() if row.path in REASONS}

    assert {path: getattr(outcome, "reason", "stored") for path, outcome in outcomes.items()} == REASONS


def test_head_and_pixel_value_are_the_file_byte_for_byte() -> None:
    checked = Counter[bool]()
    for row in rows():
        parsed = _outcome(row)
        if isinstance(parsed, ParsedInstance):
            assert _rebuilt(parsed) == _expected(row, parsed), row.path
            checked[parsed.inflated] += 1

    assert checked[False] > 300
    assert checked[True] > 0


def _rebuilt(parsed: ParsedInstance) -> bytes:
    spans = list(parsed.head_spans)
    if parsed.pixels is not None:
        spans.append((parsed.pixels.value_offset, parsed.pixels.value_end))
    return b"".join(bytes(parsed.source.read(start, end - start)) for start, end in sorted(spans))


def _expected(row: Row, parsed: ParsedInstance) -> bytes:
    return bytes(parsed.source.read(0, parsed.source.size)) if parsed.inflated else row.read()


def test_no_file_needs_a_second_reader() -> None:
    stored = [parsed for row in rows() if isinstance(parsed := _outcome(row), ParsedInstance)]

    assert not [p.key for p in stored if any(w.code == "read-by-pydicom" for w in p.warnings)]


def test_the_view_is_valid_json_in_tag_order_without_file_meta_and_group_lengths() -> None:
    for row in rows():
        parsed = _outcome(row)
        if isinstance(parsed, ParsedInstance):
            assert orjson.loads(orjson.dumps(parsed.json)) == parsed.json
            assert list(parsed.json) == sorted(parsed.json)
            assert not [tag for tag in parsed.json if tag.startswith("0002") or tag.endswith("0000")]


Difference = tuple[str, str]

ORACLE_FAILS = {
    "files/fo-dicom-fo-dicom/GH195.dcm": "a DS of `1.9.10.0`: pydicom raises, the view keeps the text",
    "files/neurolabusc-dcm_qa_ge/i22.MRDC.1": "a DS of letters: pydicom raises, the view keeps the text",
    "pydicom:test_files/badVR.dcm": "an IS of `1A`: pydicom raises, the view keeps the text",
}

JUSTIFIED: dict[Difference, str] = {
    ("derived/trailing-garbage.dcm", "A32E9615"): "bytes behind the pixels that pydicom takes for an element",
    ("files/fo-dicom-fo-dicom/GH1301.dcm", "00100040"): "a CS of Chinese: we read every text by the declared set",
    ("files/fo-dicom-fo-dicom/chrGB2312.dcm", "00100010"): "ESC $ ) A after `^`: pydicom leaves the escape in the name",
    (
        "files/dicom-ruby-dicom/at_invalid.dcm",
        "00280009",
    ): "an AT of two bytes: pydicom drops them, we keep them",
    ("files/fo-dicom-fo-dicom/RI6XDosiGap.dcm", "50003000"): "`OB or OW` is no VR; in implicit VR it is OW (PS3.5 A.1)",
}

ASTRAY = {
    "derived/trunc-pixels-j2k.dcm": "fragments without an end: pydicom gives no data set at all",
    "files/pydicom-data/emri_small_jpeg_2k_lossless_too_short.dcm": "fragments without an end",
    "pydicom:test_files/emri_small_jpeg_2k_lossless_too_short.dcm": "fragments without an end",
    "files/fo-dicom-fo-dicom/GH626.dcm": "explicit VR inside a UN sequence: pydicom takes all of it for one CS value",
    "files/fo-dicom-fo-dicom/GH179A.dcm": "a VR of blanks: pydicom takes the rest of the file for its value",
}
"""Where the oracle loses its way; the view is tested on its own."""


def test_the_view_says_what_pydicom_says() -> None:
    compared, differences, failures = 0, set[Difference](), set[str]()
    for row in rows():
        ours = _our_view(row)
        if ours is None or row.path in ASTRAY:
            continue
        theirs = _oracle_view(row)
        if theirs is None:
            failures.add(row.path)
            continue
        compared += 1
        differences |= {(row.path, tag) for tag in _differences(ours, theirs)}

    assert compared > 380
    assert failures == set(ORACLE_FAILS)
    assert differences == set(JUSTIFIED)


def _our_view(row: Row) -> JsonObject | None:
    """Return the view of a data set, whether or not it has the UIDs of an instance."""
    try:
        opened = open_object(BufferSource(row.read()))
        return read_data_set(opened.window, opened.start, opened.encoding, 1 << 40).json
    except PermanentError:
        return None


def _oracle_view(row: Row) -> JsonObject | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data_set = pydicom.dcmread(BytesIO(row.read()), force=True)
            for tag in (0x7FE00008, 0x7FE00009, 0x7FE00010):
                data_set.pop(tag, None)
            return dict(data_set.to_json_dict(bulk_data_threshold=1 << 60))
        except ValueError:
            return None


def _differences(ours: JsonObject, theirs: JsonObject) -> Iterator[str]:
    """Yield the tags at the top that say something else, themselves or anywhere below."""
    tags = {*ours, *theirs} - {"7FE00008", "7FE00009", "7FE00010"}
    for tag in tags:
        if not tag.endswith("0000") and _plain(ours.get(tag)) != _plain(theirs.get(tag)):
            yield tag


def _plain(value: JsonValue) -> JsonValue:
    """Take out what differs by rule: text of numbers, padding, null for "", no Value for []."""
    if isinstance(value, dict):
        if value.get("vr") in {"IS", "DS"}:
            return {"vr": str(value["vr"]), "Value": _numbers(value.get("Value"))}
        return {tag: _plain(inner) for tag, inner in value.items() if not tag.endswith("0000") and inner != []}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return (value.strip(" \0") or None) if isinstance(value, str) else value


def _numbers(value: JsonValue) -> JsonValue:
    return [None if v in {None, ""} else float(str(v)) for v in value] if isinstance(value, list) else None


NAMES = {
    "pydicom:charset_files/chrH31.dcm": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "pydicom:charset_files/chrH32.dcm": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "pydicom:charset_files/chrI2.dcm": "Hong^Gildong=洪^吉洞=홍^길동",
    "pydicom:charset_files/chrX1.dcm": "Wang^XiaoDong=王^小東",
    "pydicom:charset_files/chrX2.dcm": "Wang^XiaoDong=王^小东",
    "derived/charset-shift-jis-nopixels.dcm": "Test-ДΘﾈ",
}


def test_the_standards_own_names_come_out_as_printed() -> None:
    views = {row.path: _our_view(row) for row in rows() if row.path in NAMES}

    names = {path: view["00100010"] for path, view in views.items() if view is not None}
    assert names == {path: {"vr": "PN", "Value": [person_name(name)]} for path, name in NAMES.items()}

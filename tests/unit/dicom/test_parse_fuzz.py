"""Any damage to any small file of the corpus ends in a parsed instance or in an error of the lake, and soon."""

import time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from dicomlake.dicom.header.parse import BufferSource, parse
from dicomlake.domain.errors import PipelineError

NAMES = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "rtplan.dcm",
    "reportsi.dcm",
    "image_dfl.dcm",
    "UN_sequence.dcm",
    "JPEG2000.dcm",
    "nested_priv_SQ.dcm",
)
STARTS = (b"", bytes(128) + b"DICM", b"\x08\0\5\0CS", b"\2\0\0\0UL\4\0")
BOUND_SECONDS = 5.0
"""The bound of the whole ingest for one instance; parsing these takes milliseconds."""


def _file(name: str) -> bytes:
    path = get_testdata_file(name)
    if path is None:
        pytest.skip(f"this pydicom has no {name}")
    with open(str(path), "rb") as file:
        return file.read()


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(NAMES),
    cut=st.none() | st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    focus=st.sampled_from([200, 1000, 5000, 1 << 30]),
)
def test_damage_never_escapes_the_error_tree(
    name: str, cut: float | None, flips: list[tuple[float, int]], focus: int
) -> None:
    data = bytearray(_file(name))
    if cut is not None:
        del data[int(cut * len(data)) :]
    for place, value in flips:
        if data:
            data[int(place * (min(len(data), focus) - 1))] = value

    start = time.monotonic()
    try:
        parsed = parse(BufferSource(data))
    except PipelineError:
        pass
    else:
        orjson.dumps(parsed.json)
        assert (
            sum(end - begin for begin, end in parsed.head_spans) + (parsed.pixels.value_length if parsed.pixels else 0)
            == parsed.source.size
        )

    assert time.monotonic() - start < BOUND_SECONDS


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    body=st.binary(max_size=400),
    prefix=st.sampled_from([b"", bytes(128) + b"DICM", b"\x08\0\5\0CS", b"\2\0\0\0UL\4\0"]),
)
def test_random_bytes_never_escape_the_error_tree(body: bytes, prefix: bytes) -> None:
    with pytest.raises(PipelineError):
        parse(BufferSource(prefix + body))

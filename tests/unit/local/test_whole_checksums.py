"""The checksum of a whole out of its parts'."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.adapters.memory.uploads import crc32c_of
from dicomlake.local.enginehost.whole_checksums import whole_crc32c


def told(data: bytes) -> tuple[str, int]:
    return base64.b64encode(crc32c_of(data).to_bytes(4)).decode(), len(data)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_the_parts_checksums_give_the_wholes(parts: list[bytes]) -> None:
    assert whole_crc32c(map(told, parts)) == told(b"".join(parts))[0]


@pytest.mark.parametrize("cut", [0, 1, 5, 9])
def test_the_check_value_of_the_standard_comes_of_any_cut(cut: int) -> None:
    check = b"123456789"

    assert whole_crc32c([told(check[:cut]), told(check[cut:])]) == base64.b64encode(0xE3069283.to_bytes(4)).decode()

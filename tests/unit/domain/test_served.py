"""What is told to be available is what is sent."""

import pytest

from dicomlake.domain.model import TransferSyntaxUid
from dicomlake.domain.served import DECODED, HTJ2K, NATIVE, TRANSCODED, VIDEO, available_syntaxes, served_as

STORED = sorted({*NATIVE, *DECODED, *TRANSCODED, *VIDEO})


@pytest.mark.parametrize("stored", STORED)
def test_every_transfer_syntax_that_is_told_can_be_had(stored: TransferSyntaxUid) -> None:
    first, *others = available_syntaxes(stored)

    assert first == stored
    assert all(served_as(stored, other) == other for other in others)
    assert len({first, *others}) == 1 + len(others)


def test_htj2k_is_available_in_every_lossless_syntax_that_it_is_transcoded_to() -> None:
    assert set(available_syntaxes(HTJ2K)) == {HTJ2K, "1.2.840.10008.1.2.1", *TRANSCODED}


@pytest.mark.parametrize("stored", sorted(VIDEO))
def test_a_video_is_available_as_it_is(stored: TransferSyntaxUid) -> None:
    assert available_syntaxes(stored) == (stored,)

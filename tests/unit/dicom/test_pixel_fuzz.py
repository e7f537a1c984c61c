"""A short, always equal part of the long run over damaged files (`make fuzz`): a few hundred of its cases."""

import pytest

from tests.fuzz.cases import check, damaged

FIRST, CASES = 5_060, 160


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", range(FIRST, FIRST + CASES, 40))
def test_damaged_files_are_kept_refused_or_stored_exactly(first: int) -> None:
    outcomes = [check(damaged(number)) for number in range(first, first + 40)]

    assert any(outcome.startswith("transcode") for outcome in outcomes)
    assert any(outcome.startswith(("keep", "refused")) for outcome in outcomes)


def test_a_case_is_the_same_every_time() -> None:
    assert damaged(FIRST) == damaged(FIRST)
    assert len({damaged(number) for number in range(FIRST, FIRST + 20)}) == 20

"""A stack of slices, looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.findings import (
    MIXED_ORIENTATION,
    NUMBER_GAP,
    NUMBER_REPEATED,
    SPACING_GAP,
    findings,
)
from dicomlake.domain.model import JsonObject

AXIAL = [1, 0, 0, 0, 1, 0]
SAGITTAL = [0, 1, 0, 0, 0, -1]


def slice_at(number: int | None, z: float | None, orientation: list[float] | None = None) -> JsonObject:
    instance: JsonObject = {}
    if number is not None:
        instance["00200013"] = {"vr": "IS", "Value": [number]}
    if z is not None:
        instance["00200032"] = {"vr": "DS", "Value": [0, 0, z]}
        instance["00200037"] = {"vr": "DS", "Value": list(orientation or AXIAL)}
    return instance


def stack(*places: float) -> list[JsonObject]:
    return [slice_at(number, place) for number, place in enumerate(places, 1)]


@given(st.permutations(range(10)), st.floats(0.1, 10))
def test_an_even_stack_has_no_finding_in_any_order(order: list[int], step: float) -> None:
    slices = [slice_at(number + 1, round(number * step, 4)) for number in order]

    assert findings("CT", slices) == ()


def test_a_missing_slice_is_found_by_number_and_by_place() -> None:
    slices = [one for number, one in enumerate(stack(0, 1, 2, 3, 4, 5)) if number != 3]

    assert findings("MR", slices) == (NUMBER_GAP, SPACING_GAP)


def test_a_repeated_number_is_told() -> None:
    assert findings("CT", [*stack(0, 1, 2), slice_at(3, 3)]) == (NUMBER_REPEATED,)


def test_a_localizer_among_axial_slices_is_a_mixed_orientation_and_no_gap() -> None:
    slices = [*stack(0, 1, 2, 3), slice_at(5, 400, SAGITTAL)]

    assert findings("CT", slices) == (MIXED_ORIENTATION,)


@pytest.mark.parametrize("modality", ["US", "CR", "SR", ""])
def test_what_is_no_stack_is_not_looked_at(modality: str) -> None:
    assert findings(modality, stack(0, 1, 9)) == ()


def test_two_slices_make_no_stack() -> None:
    assert findings("CT", stack(0, 9)) == ()


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"00200032": {"vr": "DS", "Value": ["left", 0, 0]}},
        {"00200032": {"vr": "DS", "Value": [0, 0]}, "00200037": {"vr": "DS"}},
        {"00200032": {"vr": "DS", "Value": [0, 0, "NaN"]}, "00200037": {"vr": "DS", "Value": AXIAL}},
    ],
)
def test_slices_without_a_readable_place_break_nothing(broken: JsonObject) -> None:
    assert findings("CT", [*stack(0, 1, 2), broken]) == ()

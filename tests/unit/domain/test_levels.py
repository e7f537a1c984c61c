"""The index's parts of an instance: shared where instances say the same, never where they write it differently."""

import pytest

from dicomlake.domain.levels import split
from dicomlake.domain.model import JsonObject, JsonValue


def instance(weight: JsonValue, name: str = "A^B") -> JsonObject:
    return {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]},
        "00101030": {"vr": "DS", "Value": [weight]},
        "00200011": {"vr": "IS", "Value": [3]},
        "00200013": {"vr": "IS", "Value": [7]},
        "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["S1"]}}]},
    }


def test_instances_that_follow_one_another_share_what_is_the_same_of_them() -> None:
    first = instance(70)
    second = {**instance("x"), "00101030": first["00101030"], "00200011": first["00200011"]}

    parts, again = split(first), split(second)

    assert again == parts
    assert [one is other for one, other in zip(again[:2], parts[:2], strict=True)] == [True, True]


@pytest.mark.parametrize(("one", "other"), [(70, 70.0), (0.0, -0.0), (1, "1"), (70, 71)])
def test_a_number_that_is_written_differently_is_another(one: JsonValue, other: JsonValue) -> None:
    split(instance(one))

    study, _, _ = split(instance(other))

    assert repr(study["00101030"]) == repr({"vr": "DS", "Value": [other]})


def test_another_patient_is_never_given_the_one_before() -> None:
    split(instance(70))

    study, series, attributes = split({**instance(70, "C^D"), "00200011": {"vr": "IS"}})

    assert study["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "C^D"}]}
    assert "00200011" not in series
    assert attributes == {"00200013": {"vr": "IS", "Value": [7]}}

"""What a settled series looks like as a stack of slices: gaps in numbers and in space. Findings warn, never block."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dicomlake.domain.model import JsonObject

NUMBER_GAP = "instance-number-gap"
NUMBER_REPEATED = "instance-number-repeated"
SPACING_GAP = "slice-gap"
MIXED_ORIENTATION = "mixed-orientation"
TRUNCATED = "truncated-frames"

TRUNCATED_CODES = frozenset({"truncated-pixels", "truncated-frame"})
"""Warnings of an instance that make the finding TRUNCATED of its study."""

DAMAGED_CODES = TRUNCATED_CODES | {"undecodable-frame"}
"""Warnings of an instance whose pixels were damaged when it landed: who asks for them is told."""

STACKED = frozenset({"CT", "MR", "PT"})
"""Modalities whose series are slices of one volume, as a rule."""

GAP_FACTOR = 1.5
"""A step between neighbours above this many times the median step is a gap: half a slice's tolerance."""

_POSITION, _ORIENTATION, _NUMBER = "00200032", "00200037", "00200013"
_PARALLEL = 0.999

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Slice:
    """Where one instance lies: its number, and its position along the stack's normal in mm (None where unknown)."""

    number: int | None
    position: float | None
    normal: Vector | None


def findings(modality: str, instances: Iterable[JsonObject]) -> tuple[str, ...]:
    """Return the codes of what is odd in a series, from its instances' DICOM JSON; () for series that are no stack.

    Each instance is looked at once and not kept: a series' metadata may be larger than memory.
    """
    if modality not in STACKED:
        return ()
    slices = [_slice(instance) for instance in instances]
    if len(slices) < 3:
        return ()
    checks = ((NUMBER_GAP, _number_gap), (NUMBER_REPEATED, _number_repeated), (SPACING_GAP, _spacing_gap))
    oriented = [one for one in slices if one.normal is not None]
    mixed = bool(oriented) and any(not _parallel(one.normal, oriented[0].normal) for one in oriented)
    found = [code for code, check in checks if check(slices) and not (mixed and code == SPACING_GAP)]
    return tuple([*found, MIXED_ORIENTATION] if mixed else found)


def _slice(instance: JsonObject) -> Slice:
    position, orientation = _numbers(instance, _POSITION, 3), _numbers(instance, _ORIENTATION, 6)
    numbers = _numbers(instance, _NUMBER, 1)
    normal = _cross(orientation[:3], orientation[3:]) if orientation else None
    along = sum(p * n for p, n in zip(position, normal, strict=True)) if position and normal else None
    return Slice(int(numbers[0]) if numbers else None, along, normal)


def _numbers(instance: JsonObject, tag: str, count: int) -> list[float]:
    """An attribute's numbers, or none where it does not have exactly that many."""
    element = instance.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(values, list) or len(values) != count:
        return []
    try:
        numbers = [float(value) for value in values if isinstance(value, (int, float, str))]
    except ValueError:
        return []
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else []


def _cross(a: Sequence[float], b: Sequence[float]) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _parallel(a: Vector | None, b: Vector | None) -> bool:
    if a is None or b is None:
        return True
    scale = math.hypot(*a) * math.hypot(*b)
    return scale > 0 and abs(sum(x * y for x, y in zip(a, b, strict=True))) / scale > _PARALLEL


def _number_gap(slices: Sequence[Slice]) -> bool:
    numbers = {one.number for one in slices if one.number is not None}
    return bool(numbers) and len(numbers) < max(numbers) - min(numbers) + 1


def _number_repeated(slices: Sequence[Slice]) -> bool:
    numbers = [one.number for one in slices if one.number is not None]
    return len(numbers) != len(set(numbers))


def _spacing_gap(slices: Sequence[Slice]) -> bool:
    places = sorted({round(one.position, 3) for one in slices if one.position is not None})
    steps = sorted(after - before for before, after in pairwise(places))
    return len(steps) > 1 and steps[-1] > GAP_FACTOR * steps[len(steps) // 2]

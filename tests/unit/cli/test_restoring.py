"""Plans of a series are asked for together, the plan of one instance alone."""

from collections.abc import Iterator
from typing import Any

from dicomlake.client.http import Http
from dicomlake.client.restoring import Packs
from dicomlake.domain.model import InstanceKey, InstanceUid, SeriesUid, StudyUid


class Asked:
    """A lake that counts what it is asked for."""

    http = Http()

    def __init__(self) -> None:
        self.asked: list[str] = []

    def restore_plans(self, study: str, series: str) -> Iterator[dict[str, Any]]:
        """All plans but the last instance's, which came meanwhile."""
        self.asked.append(series)
        yield from ({"instance": f"{series}.{n}", **plan()} for n in range(299))

    def restore_plan(self, key: InstanceKey) -> dict[str, Any]:
        """One plan."""
        self.asked.append(key.instance_uid)
        return plan()


def plan() -> dict[str, Any]:
    return {"pack": {"url": "http://pack?signed", "size": 1, "ordinal": 0}}


def keys(series: str, count: int) -> list[InstanceKey]:
    return [InstanceKey(StudyUid("1"), SeriesUid(series), InstanceUid(f"{series}.{n}")) for n in range(count)]


def test_a_study_is_planned_series_by_series() -> None:
    lake = Asked()
    wanted = [*keys("1.1", 300), *keys("1.2", 1), *keys("1.3", 50)]
    packs = Packs(lake, wanted)  # type: ignore[arg-type]

    for key in wanted:
        packs.instance(key)

    assert lake.asked == ["1.1", "1.1.299", "1.2.0", "1.3"]

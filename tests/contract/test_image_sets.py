"""Image sets, their versions and the lists they are found by: one suite, every adapter."""

from dataclasses import replace

from dicomlake.domain.image_sets import ImageSet, ImageSetState, WorkflowStatus
from dicomlake.domain.model import InstanceUid, SeriesUid, StudyUid
from dicomlake.ports import Datastore, ImageSetOrder

STUDY, SERIES = StudyUid("1.2"), SeriesUid("1.2.3")


def image_set(number: int = 1, **changes: object) -> ImageSet:
    at = f"2026-01-01T00:00:0{number}.000Z"
    one = ImageSet(
        image_set_id=f"{number:032x}",
        study_uid=STUDY,
        series_uid=SERIES,
        layer=0,
        version=1,
        state=ImageSetState.ACTIVE,
        workflow=WorkflowStatus.CREATED,
        created_at=at,
        updated_at=at,
        content="c1",
        instances=2,
        attributes={"00080060": {"vr": "CS", "Value": ["CT"]}},
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def uids(*numbers: int) -> list[InstanceUid]:
    return [InstanceUid(f"1.2.3.{number}") for number in numbers]


def later(one: ImageSet, second: int, **changes: object) -> ImageSet:
    at = f"2026-01-01T00:00:0{second}.000Z"
    return replace(one, version=one.version + 1, updated_at=at, **changes)  # type: ignore[arg-type]


def test_an_image_set_comes_back_whole_and_is_found_by_study_and_series(store: Datastore) -> None:
    one, other = image_set(1), image_set(2, series_uid=SeriesUid("1.2.4"))

    assert store.image_sets.save_image_set(one, uids(1, 2), None)
    assert store.image_sets.save_image_set(other, uids(3), None)

    assert store.image_sets.image_set(one.image_set_id) == one
    assert store.image_sets.image_set("0" * 32) is None
    assert store.image_sets.image_sets([one.image_set_id, "0" * 32]) == {one.image_set_id: one}
    assert store.image_sets.of_study(STUDY) == (one.image_set_id, other.image_set_id)
    assert store.image_sets.of_series(SERIES) == (one.image_set_id,)
    assert store.image_sets.of_study(StudyUid("1.9")) == ()


def test_a_version_stands_only_over_the_one_that_was_read(store: Datastore) -> None:
    first = image_set()
    second = later(first, 5, content="c2")

    assert store.image_sets.save_image_set(first, uids(1), None)
    assert not store.image_sets.save_image_set(first, uids(1), None)
    assert store.image_sets.save_image_set(second, uids(1, 2), first)
    assert not store.image_sets.save_image_set(second, uids(1, 2), first)

    assert store.image_sets.image_set(first.image_set_id) == second
    assert store.image_sets.image_set_version(first.image_set_id, 1) == first
    assert store.image_sets.image_set_version(first.image_set_id, 2) is None


def test_members_are_kept_for_each_content(store: Datastore) -> None:
    first = image_set()
    second = later(first, 5, content="c2")
    store.image_sets.save_image_set(first, uids(1), None)
    store.image_sets.save_image_set(second, uids(1, 2), first)

    assert store.image_sets.members(first.image_set_id, "c1") == tuple(uids(1))
    assert store.image_sets.members(first.image_set_id, "c2") == tuple(uids(1, 2))
    assert store.image_sets.members(first.image_set_id, "c3") is None


def test_past_versions_are_listed_newest_first_page_by_page(store: Datastore) -> None:
    held = image_set()
    store.image_sets.save_image_set(held, uids(1), None)
    for second in (2, 3, 4):
        made = later(held, second)
        store.image_sets.save_image_set(made, uids(1), held)
        held = made

    pages, before = [], held.version
    while before:
        page = store.image_sets.image_set_versions(held.image_set_id, before, 2)
        pages.append([one.version for one in page.items])
        before = int(page.after or 0)

    assert pages == [[3, 2], [1]]


def test_lists_go_by_time_and_forget_an_earlier_one(store: Datastore) -> None:
    some = [image_set(number) for number in (1, 2, 3)]
    for one in some:
        store.image_sets.save_image_set(one, uids(1), None)
    store.image_sets.save_image_set(later(some[0], 9), uids(1), some[0])

    def listed(order: ImageSetOrder, **named: object) -> list[int]:
        found, after = [], ""
        while True:
            page = store.image_sets.listed(order, after=after, limit=2, **named)  # type: ignore[arg-type]
            found += [int(place.image_set_id, 16) for place in page.items]
            after = page.after
            if not after:
                return found

    assert listed(ImageSetOrder.CREATED) == [1, 2, 3]
    assert listed(ImageSetOrder.UPDATED) == [2, 3, 1]
    assert listed(ImageSetOrder.UPDATED, newest_first=True) == [1, 3, 2]
    low, high = "2026-01-01T00:00:02.000Z", "2026-01-01T00:00:03.000Z"
    assert listed(ImageSetOrder.CREATED, low=low, high=high) == [2, 3]
    assert listed(ImageSetOrder.CREATED, low=high) == [3]

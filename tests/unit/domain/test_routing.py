"""Where landed objects go, by literals."""

from hypothesis import given
from hypothesis import strategies as st

from dicomlake.domain.events import IngestObject
from dicomlake.domain.model import LandedObject
from dicomlake.domain.routing import Received, Route, RoutePolicy, retry_delay, route_batch

POLICY = RoutePolicy(large_limit=1000, byte_budget=100)


def received(size: int, receives: int = 1, name: str = "k") -> Received:
    return Received(IngestObject(LandedObject("b", name, "v", size)), name, receives)


def routed(*items: Received, policy: RoutePolicy = POLICY) -> dict[Route, list[str]]:
    return {route: [item.receipt for item in got] for route, got in route_batch(items, policy).items() if got}


def test_each_route_has_its_reason() -> None:
    got = routed(
        received(10, name="small"),
        received(0, name="empty"),
        received(1001, name="huge"),
        received(10, receives=2, name="came-back"),
    )

    assert got == {
        Route.HERE: ["small"],
        Route.EMPTY: ["empty"],
        Route.LARGE: ["huge"],
        Route.ALONE: ["came-back"],
    }


def test_the_first_object_is_taken_whatever_the_budget_and_the_rest_waits() -> None:
    assert routed(received(900, name="a"), received(1, name="b")) == {Route.HERE: ["a"], Route.LATER: ["b"]}


def test_small_objects_still_fit_behind_one_that_did_not() -> None:
    got = routed(received(60, name="a"), received(60, name="b"), received(30, name="c"))

    assert got == {Route.HERE: ["a", "c"], Route.LATER: ["b"]}


def test_the_function_that_takes_one_keeps_what_came_back() -> None:
    alone = RoutePolicy(large_limit=1000, byte_budget=100, alone=True)

    assert routed(received(10, receives=3), policy=alone) == {Route.HERE: ["k"]}


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 4)), max_size=30))
def test_every_object_has_exactly_one_route(shapes: list[tuple[int, int]]) -> None:
    items = tuple(received(size, receives, str(n)) for n, (size, receives) in enumerate(shapes))

    routes = route_batch(items, POLICY)

    assert sorted((i.receipt for got in routes.values() for i in got), key=int) == [i.receipt for i in items]
    assert len(routes[Route.HERE]) <= 1 or sum(i.command.landed.size for i in routes[Route.HERE]) <= 100


def test_delays_grow_and_stay_within_what_sqs_takes() -> None:
    delays = [retry_delay(n) for n in range(8)]

    assert delays == [2, 8, 32, 128, 512, 900, 900, 900]


def test_a_big_object_that_ended_a_process_of_its_own_goes_to_the_task() -> None:
    alone = RoutePolicy(large_limit=256 * 2**20, byte_budget=256 * 2**20, alone=True)

    first, again = received(200 * 2**20, receives=1), received(200 * 2**20, receives=2)

    assert routed(first, policy=alone) == {Route.HERE: ["k"]}
    assert routed(again, policy=alone) == {Route.LARGE: ["k"]}

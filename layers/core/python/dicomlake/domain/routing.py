"""Where a landed object goes, decided from its event alone: no GET, no guess."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dicomlake.domain.events import IngestObject
from dicomlake.domain.study import parse_time

IN_REQUESTS = "stow/"
"""Where instances land that came inside a request, which decides them itself before it is answered."""

REQUEST_TIME = timedelta(seconds=60)
"""How long such a request is left to itself: twice what API Gateway gives it."""


def is_in_a_request(command: IngestObject, now: datetime) -> bool:
    """Whether an object came inside a request that may still be deciding it."""
    landed = command.landed
    if not landed.key.startswith(IN_REQUESTS) or not landed.landed_at:
        return False
    return now - parse_time(landed.landed_at) < REQUEST_TIME


class Route(StrEnum):
    """What becomes of one received command."""

    HERE = "here"
    """Ingest it in this batch."""
    EMPTY = "empty"
    """Nothing to read: quarantine at once."""
    LARGE = "large"
    """Over the size limit: to the task with constant memory."""
    ALONE = "alone"
    """It came back, so a process may have died of it: to the queue that takes one at a time."""
    LATER = "later"
    """Over this batch's byte budget: back to the queue as it is."""


@dataclass(frozen=True, slots=True)
class Received:
    """One command as a queue delivered it; `receives` is how often it was delivered, 1 at first."""

    command: IngestObject
    receipt: str
    receives: int = 1


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """`large_limit`: bytes of the largest object ingested here. `byte_budget`: bytes a batch takes in hand.

    `alone` is True in the function that takes one object at a time: nothing is sent there from there.
    `in_request` is True where a request decides what came inside it, instead of leaving that to others.
    """

    large_limit: int
    byte_budget: int
    alone: bool = False
    in_request: bool = False


def route_batch(received: tuple[Received, ...], policy: RoutePolicy) -> dict[Route, tuple[Received, ...]]:
    """Sort a batch by route, keeping its order; the first object taken here is taken whatever the budget."""
    routes: dict[Route, list[Received]] = {route: [] for route in Route}
    budget = policy.byte_budget
    for item in received:
        route = _route(item, policy)
        if route is Route.HERE and routes[Route.HERE] and item.command.landed.size > budget:
            route = Route.LATER
        if route is Route.HERE:
            budget -= item.command.landed.size
        routes[route].append(item)
    return {route: tuple(items) for route, items in routes.items()}


SLOW_FROM = 16 * 1024 * 1024
"""Bytes from which an object that ended a process of its own goes to the task: it may be slow, or large decoded."""


def _route(item: Received, policy: RoutePolicy) -> Route:
    size = item.command.landed.size
    if size == 0:
        return Route.EMPTY
    limit = min(policy.large_limit, SLOW_FROM) if policy.alone and item.receives > 1 else policy.large_limit
    if size > limit:
        return Route.LARGE
    if item.receives > 1 and not policy.alone:
        return Route.ALONE
    return Route.HERE


MAX_ATTEMPTS = 10
"""Re-enqueues of our own before an object counts as exhausted: more than an hour, longer than most outages."""


def retry_delay(attempt: int) -> int:
    """Seconds until an object that failed `attempt` times before is tried again: 2, 8, 32, ... at most 900."""
    return int(min(900, 2 * 4**attempt))

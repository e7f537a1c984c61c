"""The objects of a batch, fetched ahead of the work and handed to it a few at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from dicomlake.domain.events import IngestObject
from dicomlake.ports import ObjectStore
from dicomlake.usecases.store_instance import Fetched, fetch

AHEAD = 4
"""Objects fetched ahead of those in work; with the byte budget this bounds memory."""
TOGETHER, SMALL = 8, 4 * 1024 * 1024
"""How many objects in a row are in work at once, as far as each has at most so many bytes; larger ones are alone."""


def fetched_ahead(
    waiting: deque[IngestObject], landing: ObjectStore, out_of_time: Callable[[], bool]
) -> Iterator[tuple[IngestObject, "Future[Fetched]"]]:
    """Yield each object with its bytes under way, a few ahead of the one in work; without time the rest stays in
    `waiting`."""
    with ThreadPoolExecutor(AHEAD) as pool:
        started: deque[tuple[IngestObject, Future[Fetched]]] = deque()
        while waiting or started:
            if out_of_time():
                waiting.extendleft(command for command, _ in reversed(started))
                return
            while waiting and len(started) < AHEAD:
                command = waiting.popleft()
                started.append((command, pool.submit(fetch, command.landed, landing)))
            yield started.popleft()


def in_groups(
    ahead: Iterable[tuple[IngestObject, "Future[Fetched]"]],
) -> Iterator[list[tuple[IngestObject, "Future[Fetched]"]]]:
    """Yield small objects that follow one another together, and each larger one alone."""
    group: list[tuple[IngestObject, Future[Fetched]]] = []
    for command, fetched in ahead:
        small = command.landed.size <= SMALL
        if group and (not small or len(group) == TOGETHER):
            yield group
            group = []
        group.append((command, fetched))
        if not small:
            yield group
            group = []
    if group:
        yield group

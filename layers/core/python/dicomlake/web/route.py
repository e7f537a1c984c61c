"""A row of the route table, and which row a path fits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dicomlake.web.authorize import Permission
from dicomlake.web.call import Call
from dicomlake.web.response import Response

Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One row: method and path, who may call it, and what answers."""

    method: str
    template: str
    permission: Permission
    handler: Handler

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments; `{name}` takes any one segment."""
        return tuple(part for part in self.template.split("/") if part)


_REST = "{resourceArn}"
"""Takes all that is left of a path: the gateway decodes an ARN's slash."""


def match(route: Route, path: tuple[str, ...]) -> dict[str, str] | None:
    """Return what the names in a route's template stand for in a path; None where the path is not the route's."""
    segments = route.segments
    if segments[-1] == _REST and len(path) > len(segments):
        path = (*path[: len(segments) - 1], "/".join(path[len(segments) - 1 :]))
    if len(segments) != len(path):
        return None
    names: dict[str, str] = {}
    for segment, part in zip(segments, path, strict=True):
        if segment.startswith("{"):
            names[segment[1:-1]] = part
        elif segment != part:
            return None
    return names


def methods_of(routes: Iterable[Route], path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the methods that a path takes, in the order in which they are listed; none where nothing is there."""
    found = dict.fromkeys(route.method for route in routes if match(route, path) is not None)
    if not found:
        return ()
    return (*found, *(("HEAD",) if "GET" in found else ()), "OPTIONS")

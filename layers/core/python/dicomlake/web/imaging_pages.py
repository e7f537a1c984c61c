"""Pages of short lists, as the HealthImaging API turns them: `maxResults` and a `nextToken` that tells nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence

from dicomlake.domain.errors import InvalidRequestError
from dicomlake.web.imaging_call import ImagingCall

PAGE = 50
"""Results of a page where the caller names no number, and the most that the model allows."""


def page_of[T](items: Sequence[T], place: Callable[[T], str], call: ImagingCall) -> tuple[Sequence[T], str]:
    """Return the page of items (in order of `place`) that a call asks for, and the token of the next, "" at the end."""
    after = place_after(call)
    rest = [item for item in items if place(item) > after]
    some = rest[: page_size(call)]
    return some, token_of(place(some[-1])) if len(rest) > len(some) else ""


def page_size(call: ImagingCall) -> int:
    """Return how many results a call wants at most."""
    return int(call.arguments.get("maxResults") or PAGE)


def place_after(call: ImagingCall) -> str:
    """Return the place that a call's token names, "" without one. Raises InvalidRequestError."""
    try:
        return base64.b64decode(call.text("nextToken"), b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("the nextToken is not one of this list's: start again without it") from error


def token_of(place: str) -> str:
    """Return the token that goes on behind a place."""
    return base64.urlsafe_b64encode(place.encode()).decode() if place else ""

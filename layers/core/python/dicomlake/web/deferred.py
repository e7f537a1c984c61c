"""Handlers that open data sets and frames: imported at their first call, so that no look-up pays for them.

They are answered by a function of their own (functions/answer_pixels), which has the libraries that they need.
"""

from collections.abc import Callable
from importlib import import_module

from dicomlake.domain.errors import ForbiddenError
from dicomlake.web.call import Call
from dicomlake.web.response import Response


def deferred_handler(module: str, name: str) -> Callable[[Call], Response]:
    """Return a handler whose module of web/ is imported when it is first called."""

    def handle(call: Call) -> Response:
        handler: Callable[[Call], Response] = getattr(import_module(f"dicomlake.web.{module}"), name)
        return handler(call)

    return handle


def _storing(name: str) -> Callable[[Call], Response]:
    handler = deferred_handler("store", name)

    def handle(call: Call) -> Response:
        if call.services.storing is None or call.store.name != call.services.default_store:
            raise ForbiddenError("this data store takes no instances: it holds copies that the lake writes by itself")
        return handler(call)

    return handle


get_study = deferred_handler("instances", "get_study")
get_series = deferred_handler("instances", "get_series")
get_instance = deferred_handler("instances", "get_instance")
get_frames = deferred_handler("frames", "get_frames")
get_rendered_frames = deferred_handler("rendered", "get_rendered_frames")
get_thumbnail_frame = deferred_handler("rendered", "get_thumbnail_frame")
get_rendered = deferred_handler("rendered", "get_rendered")
get_thumbnail = deferred_handler("rendered", "get_thumbnail")
get_rendered_series = deferred_handler("rendered", "get_rendered_series")
get_thumbnail_series = deferred_handler("rendered", "get_thumbnail_series")
get_rendered_study = deferred_handler("rendered", "get_rendered_study")
get_thumbnail_study = deferred_handler("rendered", "get_thumbnail_study")
get_bulkdata = deferred_handler("bulkdata", "get_bulkdata")
post_instances = _storing("post_instances")
get_received = _storing("get_received")
get_wado = deferred_handler("wado_uri", "get_wado")

"""Layers in the engine's saved state: by content on disk, as it already does with functions.

Unpatched, each layer's zip goes into one JSON document in base64: 130 MB of text at every stop.
"""

from collections.abc import Callable, Iterator
from typing import Any

_REFERENCE = "dicomlake_layer_blob"


class LayerBlobs:
    """Wraps the engine's `get_state` and `load_persisted_state` of Lambda."""

    def __init__(self, engine_lambda: Any) -> None:
        self._lambda = engine_lambda
        self._get: Callable[[], dict[str, Any]] = engine_lambda.get_state
        self._load: Callable[[Any], None] = engine_lambda.load_persisted_state

    def get_state(self) -> dict[str, Any]:
        """Return the state with every layer's content written apart and referred to by its hash."""
        held = [(version, version.pop("_zip_data", None)) for version in _versions(self._lambda._layers)]
        try:
            state = self._get()
            references = [self._lambda._write_code_blob(content) if content else None for _, content in held]
            for version, reference in zip(_versions(state["layers"]), references, strict=True):
                version[_REFERENCE] = reference
        finally:
            for version, content in held:
                version["_zip_data"] = content
        return state

    def load(self, data: Any) -> None:
        """Put the contents back before the engine takes the state."""
        for version in _versions(data.get("layers", {})):
            reference = version.pop(_REFERENCE, None)
            version["_zip_data"] = self._lambda._read_code_blob(reference) if reference else None
        self._load(data)


def _versions(layers: Any) -> Iterator[dict[str, Any]]:
    """Walk every layer version of every account and region."""
    for layer in getattr(layers, "_data", layers).values():
        yield from layer.get("versions", [])

"""Deployed functions as the engine records them, turned into what an execution environment needs."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import logs
from .images import ImageCatalog
from .packages import unpack
from .runner import Runner, SpecKey, as_engine_result
from .sandbox import FunctionSpec, Invocation

FunctionRecord = Mapping[str, Any]
LAYER_SECONDS = 30.0


class FunctionHost:
    """Takes the place of the engine's own executors: every invocation of every kind ends up in `execute`."""

    def __init__(self, engine_lambda: Any, engine_logs: Any, runner: Runner, images: ImageCatalog, cache: Path) -> None:
        self._lambda = engine_lambda
        self._logs = engine_logs
        self._runner = runner
        self._images = images
        self._cache = cache
        self._specs: dict[SpecKey, FunctionSpec] = {}

    def execute(
        self, record: FunctionRecord, config: FunctionRecord, event: object, request_id: str, started: float
    ) -> dict[str, Any]:
        """Run one accounted invocation; the signature is the engine's `_execute_function_dispatch`."""
        key = _key(config)
        spec = self._specs.get(key) or self._remember(key, record, config)
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        trace = self._lambda._xray_trace_id_for_invocation(config)
        arn = str(config.get("FunctionArn", spec.arn))
        outcome, stream = self._runner.invoke(key, spec, Invocation(request_id, payload, arn, trace))
        result = as_engine_result(outcome)
        numbers = (
            f"Duration: {outcome.milliseconds:.2f} ms\tMemory Size: {spec.memory_mb} MB\t"
            f"Max Memory Used: {outcome.peak_mb} MB"
        )
        printed = result["log"] + ("" if not outcome.failed else "\n" + _failure_line(result["body"]))
        logs.append(
            self._logs, spec.log_group, stream, logs.report_lines(request_id, spec.version, printed.strip(), numbers)
        )
        return result

    def _remember(self, key: SpecKey, record: FunctionRecord, config: FunctionRecord) -> FunctionSpec:
        spec = self._image_spec(config) if config.get("PackageType") == "Image" else self._zip_spec(record, config)
        self._specs[key] = spec
        return spec

    def _zip_spec(self, record: FunctionRecord, config: FunctionRecord) -> FunctionSpec:
        layers = tuple(unpack(self._layer(layer), self._cache) for layer in config.get("Layers") or [])
        code = unpack(record["code_zip"], self._cache)
        return _spec(config, code, layers, str(config["Handler"]), {})

    def _layer(self, layer: object) -> bytes:
        """Return a layer's zip; an engine that has just begun may know functions before their layers."""
        deadline = time.monotonic() + LAYER_SECONDS
        while not (content := self._lambda._resolve_layer_zip(layer)):
            if time.monotonic() > deadline:
                raise LookupError("a layer of the function is not there")
            time.sleep(0.05)
        return bytes(content)

    def _image_spec(self, config: FunctionRecord) -> FunctionSpec:
        image = self._images.find(str(config["ImageUri"]))
        overridden = (config.get("ImageConfig") or {}).get("Command") or (
            (config.get("ImageConfigResponse") or {}).get("ImageConfig") or {}
        ).get("Command")
        handler = (overridden or list(image.command) or [str(config.get("Handler") or "handler.handler")])[0]
        return _spec(config, image.workdir, (), handler, image.environment)


def _spec(
    config: FunctionRecord, code: Path, layers: tuple[Path, ...], handler: str, baked: Mapping[str, str]
) -> FunctionSpec:
    logging = config.get("LoggingConfig") or {}
    name = str(config["FunctionName"])
    own = (config.get("Environment") or {}).get("Variables") or {}
    return FunctionSpec(
        name=name,
        arn=str(config["FunctionArn"]),
        version=str(config.get("Version", "$LATEST")),
        handler=handler,
        code=code,
        layers=layers,
        environment={**baked, **{key: str(value) for key, value in own.items()}},
        timeout=int(config.get("Timeout") or 3),
        memory_mb=int(config.get("MemorySize") or 128),
        log_group=str(logging.get("LogGroup") or f"/aws/lambda/{name}"),
        log_format=str(logging.get("LogFormat") or "Text"),
    )


def _key(config: FunctionRecord) -> SpecKey:
    """Name one version of one function; RevisionId changes with its code and its configuration alike."""
    return tuple(str(config.get(part, "")) for part in ("FunctionName", "Version", "RevisionId", "CodeSha256"))


def _failure_line(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    return f"{body.get('errorType', 'Error')}: {body.get('errorMessage', '')}"

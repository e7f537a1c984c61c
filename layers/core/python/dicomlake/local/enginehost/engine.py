"""The engine's own parts by name, and the proof at start that all of them are as this host expects."""

import importlib
import importlib.metadata
from types import ModuleType

PINNED = "1.5.33"

# Every private name of the engine that this package replaces, wraps or calls.
USED_NAMES: dict[str, tuple[str, ...]] = {
    "app": ("_build_persistence_save_dict", "app"),
    "core.persistence": ("STATE_DIR", "_json_default", "_state_format_version", "save_all", "save_state"),
    "core.responses": ("AccountRegionScopedDict",),
    "services.cloudwatch_logs": (
        "_append_log_events",
        "_fanout_to_subscription_filters",
        "_log_groups",
        "_make_group_arn",
    ),
    "services.dynamodb": (
        "_check_redundant_parens",
        "_check_reserved_keyword_usage",
        "_condition_syntax_error",
        "_stream_records",
        "_stream_trimmed",
        "_tokenize",
        "copy",
        "get_state",
        "load_persisted_state",
        "stream_records_since",
    ),
    "services.ecs": ("_docker", "_get_docker"),
    "services.lambda_svc": (
        "_ESM_IDLE_WAKE_GAP_SECONDS",
        "_account_region_from_function_config",
        "_dynamodb_stream_positions",
        "_esm_wake",
        "_execute_function_dispatch",
        "_iter_all_esms",
        "_layers",
        "_poll_dynamodb_streams",
        "_read_code_blob",
        "_resolve_layer_zip",
        "_throttle_response",
        "_write_code_blob",
        "_xray_trace_id_for_invocation",
        "get_state",
        "load_persisted_state",
    ),
    "services.s3": (
        "S3_NS",
        "S3_PERSIST",
        "_abort_multipart_upload",
        "_atomic_write",
        "_bucket_notifications",
        "_bucket_replication",
        "_check_put_preconditions",
        "_check_sse_c_part",
        "_complete_multipart_upload",
        "_completed_multipart_uploads",
        "_composite_checksum",
        "_ensure_bucket",
        "_error",
        "_fire_s3_event",
        "_fire_s3_event_async",
        "_get_object",
        "_multipart_uploads",
        "_next_event_sequencer",
        "_object_disk_path",
        "_object_versions",
        "_parse_range",
        "_persist_object",
        "_read_body",
        "_record_object_version",
        "_resolve_object_checksums",
        "_stored_sse_headers",
        "_upload_part",
        "_upload_part_copy",
        "_version_body",
        "_version_disk_path",
        "_xml_body",
        "fromstring",
        "md5_hash",
        "now_iso",
    ),
    "services.sqs": (
        "_collect_msgs",
        "_dlq_sweep",
        "_expire_retained",
        "_get_q",
        "_queues_lock",
        "_receive_messages_for_esm",
    ),
    "services.stepfunctions": ("_ExecutionError", "_poll_ecs_tasks", "time"),
}


class EngineMismatchError(Exception):
    """The installed engine is not the one this host was written for."""


def part(name: str) -> ModuleType:
    """Return a module of the engine."""
    return importlib.import_module(f"ministack.{name}")


def check() -> None:
    """Raise EngineMismatchError, with one sentence, unless the pin and every used name are there."""
    installed = importlib.metadata.version("ministack")
    if installed != PINNED:
        raise EngineMismatchError(
            f"the engine is ministack {installed}, this host needs {PINNED}; "
            "remove build/engine-venv and run `make setup`"
        )
    missing = [
        f"{module}.{name}" for module, names in USED_NAMES.items() for name in names if not hasattr(part(module), name)
    ]
    if missing:
        raise EngineMismatchError(f"ministack {installed} has no {', '.join(missing)}; local/enginehost must follow it")

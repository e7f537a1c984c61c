"""The pinned engine is as the host expects, and each work-around is still needed: one that fails here can go."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from dicomlake.local.repository import Repository

ROOT = Path(__file__).parents[2]
# What makes the work-around necessary: (engine's module, its function, text that its source has).
REASONS = {
    "errors lose their class": ("services.lambda_svc", "_execute_function_warm", 'error_type = "Runtime.HandlerError"'),
    "queue batches stop at ten": ("services.sqs", "_receive_messages_for_esm", "min(int(max_number or 1), 10)"),
    "what is sent with a delay wakes no one": ("services.lambda_svc", "_poll_loop", "_esm_wake.wait(1 if"),
    "a stream's function holds the queues up": ("services.lambda_svc", "_poll_loop", "_poll_dynamodb_streams() or"),
    "a stream's batch has no window": ("services.lambda_svc", "_poll_dynamodb_streams", "if not batch:"),
    "an execution starts late": ("services.stepfunctions", "_run_execution", "time.sleep(0.15)"),
    "a thread per event": ("services.s3", "_fire_s3_event_async", "threading.Thread("),
    "state is encoded in Python": ("core.persistence", "save_state", "json.dump("),
    "layers are saved inline": ("services.lambda_svc", "get_state", '"layers": copy.deepcopy(_layers)'),
    "failed tasks succeed": ("services.stepfunctions", "_poll_ecs_tasks", "decides how to handle success/failure"),
    "tags of objects are MD5": ("core.responses", "md5_hash", "hashlib.md5("),
    "versions stay in memory": ("services.s3", "_version_entry_from_record", '"data": data,'),
    "a proved checksum is computed again": (
        "services.s3",
        "_resolve_object_checksums",
        "if sdk_alg_raw:\n        sdk_key = sdk_alg_raw.upper()",
    ),
    "parts are in memory": ("services.s3", "_upload_part", '"body": body,'),
    "parts are hashed again": ("services.s3", "_complete_multipart_upload", 'hashlib.md5(stored["body"])'),
    "a whole of parts has no checksum of its own": (
        "services.s3",
        "_complete_multipart_upload",
        '"checksum_type": "COMPOSITE" if composite else None',
    ),
    "a copied part is read": ("services.s3", "_upload_part_copy", "src_body = src_body[start : end + 1]"),
    "a condition is taken apart for each row": ("services.dynamodb", "_evaluate_condition", "tokens = _tokenize(expr)"),
    "items are copied by deepcopy": ("services.dynamodb", "_apply_update_expression", "copy.deepcopy(item)"),
    "conditions are parsed again and again": (
        "services.dynamodb",
        "_condition_syntax_error",
        "_COND_TOKEN_RE.finditer(",
    ),
    "a range of a version is all of it": (
        "services.s3",
        "_get_object",
        "if body is None:\n                    break\n                return 200, resp_headers, body",
    ),
    "a range reads the whole file": ("services.s3", "_get_object", "slice_body = body[start : end + 1]"),
    "tasks need docker": ("services.ecs", "_get_docker", "import docker"),
}


def in_engine(code: str) -> subprocess.CompletedProcess[str]:
    repository = Repository(ROOT)
    if not repository.engine_python.exists():
        pytest.skip("build/engine-venv is missing; run make setup")
    environment = {"PATH": os.defpath, "PYTHONPATH": str(repository.package_path)}
    command = [str(repository.engine_python), "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    code = f"""
import inspect, json
from dicomlake.local.enginehost.engine import check, part
check()
reasons = {[(module, name) for module, name, _ in REASONS.values()]!r}
print(json.dumps({{module + "." + name: inspect.getsource(getattr(part(module), name)) for module, name in reasons}}))
"""
    told: dict[str, str] = json.loads(in_engine(code).stdout)
    return told


@pytest.mark.parametrize("reason", REASONS)
def test_a_work_around_is_still_needed(sources: dict[str, str], reason: str) -> None:
    module, name, text = REASONS[reason]

    assert text in sources[f"{module}.{name}"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("engine.PINNED = '0.0.0'", "this host needs 0.0.0; remove build/engine-venv and run `make setup`"),
        (
            "engine.USED_NAMES['services.sqs'] = ('_gone',)",
            "has no services.sqs._gone; local/enginehost must follow it",
        ),
    ],
)
def test_another_engine_is_refused_with_one_sentence(change: str, sentence: str) -> None:
    code = f"""
from dicomlake.local.enginehost import engine
{change}
try:
    engine.check()
except engine.EngineMismatchError as exc:
    print(exc)
"""
    said = in_engine(code).stdout.strip()

    assert said.endswith(sentence)
    assert len(said.splitlines()) == 1

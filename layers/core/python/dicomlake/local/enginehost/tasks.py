"""Step Functions as AWS runs it: a task whose container failed fails its state, and an execution starts at once."""

import json
from collections.abc import Callable
from typing import Any


class TaskWatcher:
    """Wraps the engine's `_poll_ecs_tasks`, which reports a failed task as a success."""

    def __init__(self, engine_steps: Any) -> None:
        self._steps = engine_steps
        self._poll: Callable[[str, list[str]], dict[str, Any]] = engine_steps._poll_ecs_tasks

    def poll(self, cluster: str, task_arns: list[str]) -> dict[str, Any]:
        """Wait for the tasks; raises the engine's error for States.TaskFailed, with the task as its cause."""
        result = self._poll(cluster, task_arns)
        for task in result["tasks"]:
            if task.get("stopCode") == "TaskFailedToStart" or any(map(_failed, task.get("containers", []))):
                raise self._steps._ExecutionError("States.TaskFailed", json.dumps(task))
        return result


def _failed(container: dict[str, Any]) -> bool:
    return int(container.get("exitCode") or 0) != 0


class StepClock:
    """The engine's `time` in Step Functions, without the pause that it makes before the first state."""

    _PAUSE = 0.15

    def __init__(self, time: Any) -> None:
        self._time = time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._time, name)

    def sleep(self, seconds: float) -> None:
        """Sleep as long as a Wait, a retry or a poll asks for."""
        if seconds != self._PAUSE:
            self._time.sleep(seconds)

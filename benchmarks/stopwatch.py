"""CPU time by step, and its first quartile: what is least disturbed by neighbours on the same machine."""

import statistics
import time


class Stopwatch:
    """CPU milliseconds of this thread, by step."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self._since = time.thread_time_ns()

    def start(self) -> None:
        """Begin a step."""
        self._since = time.thread_time_ns()

    def lap(self, step: str, images: int = 1) -> None:
        """End a step that was taken for so many images, and begin the next."""
        now = time.thread_time_ns()
        self.steps.setdefault(step, []).append((now - self._since) / 1e6 / images)
        self._since = now

    def quartiles(self) -> dict[str, float]:
        """Return the first quartile of each step, and of their sum over a round."""
        rounds = [sum(times) for times in zip(*self.steps.values(), strict=True)]
        return {name: round(_quartile(times), 4) for name, times in (*self.steps.items(), ("total", rounds))}


def _quartile(times: list[float]) -> float:
    return statistics.quantiles(times, n=4)[0]

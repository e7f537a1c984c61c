"""The state machines, on Step Functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dicomlake.adapters.aws_errors import aws_errors, client_error, code_of
from dicomlake.domain.events import IngestObject
from dicomlake.domain.model import LandedObject


@dataclass(frozen=True, slots=True)
class Machines:
    """The ARNs of the state machines: studies on an Express and, large ones, on a Standard machine."""

    settle_study: str
    settle_large_study: str
    ingest_large: str


class StepFunctionsWorkflows:
    """Starts executions; `encode` is the wire format of their input."""

    def __init__(self, client: Any, machines: Machines, encode: Callable[[object], str]) -> None:
        self._client = client
        self._machines = machines
        self._encode = encode

    def settle_study(self, name: str, command: object, large: bool) -> None:
        """Start the study machine. A Standard machine runs a name once; an Express one may run it again."""
        machine = self._machines.settle_large_study if large else self._machines.settle_study
        self._start(machine, name, command)

    def ingest_large(self, name: str, landed: LandedObject) -> None:
        """Start the large-object machine; the same name twice is once."""
        self._start(self._machines.ingest_large, name, IngestObject(landed))

    def _start(self, machine: str, name: str, command: object) -> None:
        try:
            with aws_errors():
                self._client.start_execution(stateMachineArn=machine, name=name, input=self._encode(command))
        except client_error() as exc:
            if code_of(exc) != "ExecutionAlreadyExists":
                raise

"""What a recovered lake says, and that a rebuild which fails is never passed over."""

import io
import json
from typing import Any

import pytest

from dicomlake.local.failure import LocalRunError
from dicomlake.local.recovery import recover

FOUND = {"packs": 3, "unreadable": 0, "known": 4}
WRITTEN = {"stored": 1, "copies": 1, "duplicates": 2, "quarantined": 0}
RUN = {**FOUND, **WRITTEN, "readAgain": 5}


class Lambda:
    """Answers invocations with what it was given, one after the other."""

    def __init__(self, *answers: dict[str, Any], error: bool = False) -> None:
        self._answers = list(answers)
        self._error = {"FunctionError": "Unhandled"} if error else {}
        self.payloads: list[Any] = []

    def invoke(self, **named: Any) -> dict[str, Any]:
        self.payloads.append(json.loads(named["Payload"]))
        return {"Payload": io.BytesIO(json.dumps(self._answers.pop(0)).encode()), **self._error}


def test_the_rebuild_is_called_until_it_is_complete_and_counts_add_up() -> None:
    client = Lambda({**RUN, "complete": False}, {**RUN, "complete": True})
    said: list[str] = []

    recover(client, "sweep", said.append)

    assert client.payloads == [{"rebuild": True}] * 2
    assert said[0].startswith(
        "recovered from 6 packs what the saved index lacked: 2 instances, 2 de-identified copies, 4 duplicates, "
        "0 quarantined objects; 10 landed objects are read again; nothing stored is lost"
    )


def test_what_could_not_be_read_is_said() -> None:
    said: list[str] = []

    recover(Lambda({**RUN, "unreadable": 2, "readAgain": 1, "complete": True}), "sweep", said.append)

    assert "1 instance, 1 de-identified copy, " in said[0]
    assert "1 landed object is read again; 2 packs or notes could not be read; " in said[0]


@pytest.mark.parametrize(
    "client", [Lambda({"errorMessage": "no"}, error=True), Lambda({**RUN, "complete": True}, error=True), Lambda({})]
)
def test_a_rebuild_that_fails_is_one_sentence(client: Lambda) -> None:
    said: list[str] = []

    with pytest.raises(LocalRunError, match="could not be rebuilt"):
        recover(client, "sweep", said.append)

    assert said == []

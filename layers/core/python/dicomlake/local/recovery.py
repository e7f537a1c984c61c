"""Rebuild a recovered lake's index: the deployed sweep is called as an operator calls it, until it has seen it all."""

import json
from collections.abc import Callable
from typing import Any

from dicomlake.local.failure import LocalRunError

FUNCTION = "SweepFunctionName"
"""The output that names the function; a template without it has no index of ours."""


def recover(client: Any, function: str, say: Callable[[str], None]) -> None:
    """Call the rebuild run by run and say what it found; raises LocalRunError where a run fails."""
    found: dict[str, int] = {}
    complete = False
    while not complete:
        told = _run(client, function)
        complete = bool(told.pop("complete"))
        found = {name: found.get(name, 0) + int(count) for name, count in told.items()}
    say(sentence(found))


def _run(client: Any, function: str) -> dict[str, Any]:
    answer = client.invoke(FunctionName=function, Payload=json.dumps({"rebuild": True}).encode())
    told = json.loads(answer["Payload"].read())
    if "FunctionError" in answer or not isinstance(told, dict) or "complete" not in told:
        raise LocalRunError(
            "The index could not be rebuilt from the packs; the objects are untouched. "
            f"The log of {function} says why; start with --recover again, or choose another DATA."
        )
    return told


def sentence(found: dict[str, int]) -> str:
    """Return what was recovered and what was not, for the terminal."""
    named = (("stored", "instance"), ("copies", "de-identified copy"), ("duplicates", "duplicate"))
    recovered = [_counted(found[name], noun) for name, noun in (*named, ("quarantined", "quarantined object"))]
    again = f"{_counted(found['readAgain'], 'landed object')} {'is' if found['readAgain'] == 1 else 'are'} read again"
    lost = f"{_counted(found['unreadable'], 'pack or note')} could not be read" if found["unreadable"] else ""
    return "; ".join(
        (
            f"recovered from {_counted(found['packs'], 'pack')} what the saved index lacked: {', '.join(recovered)}",
            again,
            lost or "nothing stored is lost",
            "the change feed is numbered anew, and counts that were declared since the last save are forgotten",
        )
    )


def _counted(number: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun.replace(" or ", "s or ") + "s"
    return f"{number} {noun if number == 1 else plural}"

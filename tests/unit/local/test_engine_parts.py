"""What takes the place of the engine's own parts does what they did."""

import copy
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from dicomlake.local.enginehost import expressions
from dicomlake.local.enginehost.bodies import FileSlice, join
from dicomlake.local.enginehost.functions import FunctionHost
from dicomlake.local.enginehost.tasks import StepClock


def tables(seen: list[str]) -> Any:
    def split(expression: str) -> list[tuple[str, str]]:
        seen.append(expression)
        return [("IDENT", word) for word in expression.split()]

    def check(tokens: object, slot: str = "ConditionExpression") -> str | None:
        seen.append(slot)
        return f"{slot}: {len(tuple(tokens))}"  # type: ignore[call-overload]

    return types.SimpleNamespace(
        _tokenize=split,
        _check_redundant_parens=check,
        _check_reserved_keyword_usage=check,
        _condition_syntax_error=lambda expression, slot: None,
    )


def test_an_expression_is_taken_apart_once() -> None:
    seen: list[str] = []
    ours = expressions.replacements(tables(seen))

    found = [ours["_tokenize"]("a = b") for _ in range(3)]
    said = [ours["_check_redundant_parens"](tokens, "FilterExpression") for tokens in (found[0], list(found[0]))]

    assert found[0] == found[2] == (("IDENT", "a"), ("IDENT", "="), ("IDENT", "b"))
    assert said == ["FilterExpression: 3"] * 2
    assert ours["_check_redundant_parens"](found[0]) == "ConditionExpression: 3"
    assert seen == ["a = b", "FilterExpression", "ConditionExpression"]


def test_a_copy_shares_nothing_that_can_change() -> None:
    item = {"pk": {"S": "a"}, "list": {"L": [{"N": "1"}, {"B": b"\0"}]}, "set": {"SS": ["x"]}, "odd": {1, 2}}
    group = defaultdict(dict, {"a": item})

    made, grouped = expressions.copied(item), expressions.copied(group)
    made["list"]["L"][0]["N"] = "2"
    made["odd"].add(3)
    grouped["b"]["c"] = 1

    assert item == {"pk": {"S": "a"}, "list": {"L": [{"N": "1"}, {"B": b"\0"}]}, "set": {"SS": ["x"]}, "odd": {1, 2}}
    assert expressions.copied(item) == copy.deepcopy(item)
    assert list(group) == ["a"]


def test_an_execution_starts_at_once_and_every_other_wait_is_kept() -> None:
    slept: list[float] = []
    clock = StepClock(types.SimpleNamespace(sleep=slept.append, time=lambda: 5.0))

    clock.sleep(0.15)
    clock.sleep(2)

    assert (slept, clock.time()) == ([2], 5.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "body"
    path.write_bytes(bytes(range(200)))
    return path


def test_a_part_of_a_file_is_like_its_bytes(file: Path) -> None:
    whole = FileSlice.whole(str(file))
    assert whole is not None

    part = whole[50:70][5:-5]

    assert (len(part), part.read(), bytes(part)) == (10, bytes(range(55, 65)), bytes(range(55, 65)))
    assert (len(whole[10:5]), bytes(whole[10:5]), len(whole[150:999])) == (0, b"", 50)
    assert FileSlice.whole(str(file) + "-gone") is FileSlice.whole(None) is None


def test_pieces_are_joined_in_order(file: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_bytes(b"begin")

    join([FileSlice(str(first), 0, 5), FileSlice(str(file), 1, 3), FileSlice(str(file), 199, 1)])

    assert first.read_bytes() == b"begin\x01\x02\x03\xc7"


def test_a_join_that_fails_leaves_the_first_piece_as_it_was(file: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_bytes(b"begin")

    with pytest.raises(OSError, match="ends 1 bytes too early"):
        join([FileSlice(str(first), 0, 5), FileSlice(str(file), 0, 3), FileSlice(str(file), 150, 51)])

    assert first.read_bytes() == b"begin"


def test_a_function_waits_for_layers_that_its_engine_has_not_loaded_yet(tmp_path: Path) -> None:
    class Loading:
        looks = 0

        def _resolve_layer_zip(self, _: object) -> bytes | None:
            self.looks += 1
            return b"zip" if self.looks == 3 else None

    engine = Loading()

    assert FunctionHost(engine, None, None, None, tmp_path)._layer("core:1") == b"zip"
    assert engine.looks == 3

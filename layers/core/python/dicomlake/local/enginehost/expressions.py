"""DynamoDB expressions and items: an expression is taken apart once, and an item is copied as the JSON it is.

The engine takes a key condition apart again for every row of a page, and a condition for every item of a transaction.
"""

import copy
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

Token = tuple[str, str]
_KEPT = 1024
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def replacements(tables: Any) -> dict[str, Any]:
    """Return what takes the place of the engine's functions, by name; `tables` is its DynamoDB."""
    split: Callable[[str], list[Token]] = tables._tokenize
    return {
        "_tokenize": lru_cache(_KEPT)(lambda expression: tuple(split(expression))),
        "_check_redundant_parens": _by_value(tables._check_redundant_parens),
        "_check_reserved_keyword_usage": _by_value(tables._check_reserved_keyword_usage),
        "_condition_syntax_error": lru_cache(_KEPT)(tables._condition_syntax_error),
        "copy": SimpleNamespace(deepcopy=copied),
    }


def _by_value(check: Callable[..., str | None]) -> Callable[..., str | None]:
    """Remember what a check says of tokens: the engine gives it lists and ours."""
    remembered = lru_cache(_KEPT)(check)
    return lambda tokens, *slot: remembered(tuple(tokens), *slot)


def copied(value: Any) -> Any:
    """Take the place of `copy.deepcopy`: what JSON is made of is copied without a memory of what was copied before."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {name: copied(item) for name, item in value.items()}
    if kind is list:
        return [copied(item) for item in value]
    return copy.deepcopy(value)

"""Computes with constants as Python would, and refuses operations that could be slow or produce large results."""

from __future__ import annotations

import ast
import operator
import os.path
from collections.abc import Callable
from typing import Any

#: Larger numbers and longer texts are not settings of a training run.
_LARGEST = 10**18
_LONGEST = 10_000

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.Not: operator.not_, ast.USub: operator.neg, ast.UAdd: operator.pos,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container, ast.NotIn: lambda item, container: item not in container,
}  # fmt: skip
#: Functions without side effects, by their dotted names.
CALLS: dict[str, Callable[..., Any]] = {
    **{function.__name__: function for function in (int, float, bool, str, len, min, max, abs, round)},
    "os.path.join": os.path.join,
    "pathlib.Path": lambda *parts: os.path.join(*parts) if parts else ".",  # noqa: PTH118  # a text, not this machine's path
}
_METHODS = frozenset(
    {"lower", "upper", "strip", "rstrip", "lstrip", "removeprefix", "removesuffix", "replace", "split", "startswith"}
)


class CannotFold(Exception):
    """The value cannot be computed here; this is not an error in the script."""


def operate(op: ast.AST, *operands: Any) -> Any:
    """The result of a unary or binary operator or a comparison; `/` joins two strings as paths, as pathlib does."""
    left, numbers = operands[0], all(isinstance(operand, (int, float)) for operand in operands)
    match op:
        case ast.Div() if all(isinstance(operand, str) for operand in operands):
            return os.path.join(*operands)  # noqa: PTH118
        case ast.Mult() if not numbers:
            raise CannotFold  # "a" * 10**12 is a denial of service
        case ast.Pow() if not (numbers and abs(operands[1]) <= 64):
            raise CannotFold
        case ast.Mod() if not isinstance(left, (int, float)):
            raise CannotFold
    function = _OPERATORS.get(type(op))
    if function is None:
        raise CannotFold
    return _computed(function, *operands)


def call(name: str, arguments: list[Any]) -> Any:
    """The result of one of the functions in `CALLS`."""
    return _computed(CALLS[name], *arguments)


def method(value: Any, name: str, arguments: list[Any]) -> Any:
    """The result of a string method (`"Qwen/Qwen3".split("/")`)."""
    if not isinstance(value, str) or name not in _METHODS:
        raise CannotFold
    return _computed(getattr(value, name), *arguments)


def text(parts: list[Any]) -> str:
    """The text of an f-string with these parts."""
    return "".join(str(part) for part in parts)[:2000]


def item(container: Any, key: Any) -> Any:
    """`container[key]`."""
    try:
        return container[key]
    except (TypeError, LookupError) as err:
        raise CannotFold from err


def paired(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    try:
        return dict(zip(keys, values, strict=True))
    except TypeError as err:  # an unhashable key is the script's own crash, not a value
        raise CannotFold from err


def _computed(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        result = function(*arguments)
    except (ArithmeticError, TypeError, ValueError, AttributeError, LookupError, MemoryError) as err:
        raise CannotFold from err
    return bounded(result)


def bounded(result: Any) -> Any:
    """`result`; raises CannotFold when it is too large to be a setting."""
    if isinstance(result, (int, float)) and abs(result) > _LARGEST:
        raise CannotFold
    if isinstance(result, (str, list, tuple)) and len(result) > _LONGEST:
        raise CannotFold
    return result

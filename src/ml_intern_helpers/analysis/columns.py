"""Determines which columns the training rows have, as far as the script itself fixes them."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.names import dotted, expressions_of, reaching
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Value

_FAR = 12
#: Dataset methods that leave the columns as they are.
_KEEPING = frozenset(
    {"select", "shuffle", "filter", "take", "skip", "shard", "sort", "train_test_split", "with_format", "repeat"}
)


class Columns(NamedTuple):
    """The columns of the rows a trainer gets.

    Attributes:
        state: `known` (exactly `names`), `runtime` (chosen when the script runs), `unseen` (those of the dataset).
        names: the columns, when known.
        text: the part of the script that fixes them.
        line: the line of that part.
        inspected: the dataset whose columns were looked up; "" when the script itself fixes them.
    """

    state: str
    names: frozenset[str] = frozenset()
    text: str = ""
    line: int | None = None
    inspected: str = ""


UNSEEN = Columns("unseen")


def columns_of(script: Script, expr: ast.expr, depth: int = 0) -> Columns:
    """Follow a dataset expression back to what fixes its columns."""
    if depth > _FAR:
        return UNSEEN
    if isinstance(expr, ast.Call) and expr in script.inspected_columns:
        name, names = script.inspected_columns[expr]
        return Columns("known", names, script.source.segment(expr), expr.lineno, name)
    match expr:
        case ast.Subscript(value=base):
            return columns_of(script, base, depth + 1)
        case ast.Name():
            candidates: list[Columns] = []
            for binding in reaching(script, expr):
                candidates += [columns_of(script, value, depth + 1) for value in expressions_of(script, binding)] or [UNSEEN]
            if candidates and all(columns == candidates[0] for columns in candidates):
                return candidates[0]
            shaped = [columns for columns in candidates if columns.state != "unseen"]
            return shaped[0]._replace(state="runtime", names=frozenset()) if shaped else UNSEEN
        case ast.Call(func=ast.Attribute(value=base, attr=attr)):
            return _method(script, expr, base, attr, depth)
    return UNSEEN


def _method(script: Script, call: ast.Call, base: ast.expr, attr: str, depth: int) -> Columns:
    if attr in _KEEPING:
        return columns_of(script, base, depth + 1)
    if attr == "select_columns" and call.args:
        text, names = f".select_columns({script.source.segment(call.args[0])})", _texts(value_of(script, call.args[0]))
        return Columns("runtime" if names is None else "known", names or frozenset(), text, call.end_lineno)
    if attr in ("from_list", "from_dict"):
        return _literal(script, call, attr)
    if attr in ("rename_column", "rename_columns", "remove_columns", "map"):
        return _changed(script, call, base, attr, depth)
    return UNSEEN


def _literal(script: Script, call: ast.Call, attr: str) -> Columns:
    """`Dataset.from_list([{"text": …}])`, `Dataset.from_dict({"text": […]})`."""
    target = dotted(script, call.func)
    if target is None or not target.name.startswith("datasets.") or not call.args:
        return UNSEEN
    value = value_of(script, call.args[0])
    row = value.value[0] if attr == "from_list" and isinstance(value.value, list) and value.value else value.value
    if not value.settled or not isinstance(row, dict):
        return UNSEEN
    return Columns("known", frozenset(str(key) for key in row), script.source.segment(call, limit=80), call.lineno)


def _changed(script: Script, call: ast.Call, base: ast.expr, attr: str, depth: int) -> Columns:
    """The columns after renaming, removing or mapping; they stay known only when the change can be read."""
    before = columns_of(script, base, depth + 1)
    if before.state == "unseen":
        return before
    names = None
    if before.state == "known" and attr == "map":
        names = _mapped(script, call, before.names)
        if names is not None:
            return Columns("known", names, script.source.segment(call, limit=80), call.end_lineno)
    elif before.state == "known" and attr == "remove_columns":
        removed = _texts(value_of(script, call.args[0])) if call.args else None
        names = None if removed is None else before.names - removed
    elif before.state == "known":
        names = _renamed(script, call, before.names)
    if names is not None:
        return before._replace(names=names)
    return before._replace(state="runtime", names=frozenset(), line=call.end_lineno)


def _renamed(script: Script, call: ast.Call, names: frozenset[str]) -> frozenset[str] | None:
    values = [value_of(script, argument) for argument in call.args]
    if not values or not all(value.state == "known" for value in values):
        return None
    first = values[0].value
    pairs = first if isinstance(first, dict) else {first: values[1].value} if len(values) == 2 else None
    return frozenset(pairs.get(name, name) for name in names) if pairs is not None else None


def _mapped(script: Script, call: ast.Call, before: frozenset[str]) -> frozenset[str] | None:
    """The columns of a dataset with the columns `before` after this `.map(…)`; None when they cannot be read."""
    words = {word.arg: word.value for word in call.keywords}
    if len(call.args) != 1 or None in words:
        return None
    added, removed_by = _returned_keys(script, call.args[0]), words.get("remove_columns")
    removed: frozenset[str] | None = frozenset()
    if isinstance(removed_by, ast.Attribute) and removed_by.attr == "column_names":  # every column
        removed = before
    elif removed_by is not None:
        removed = _texts(value_of(script, removed_by))
    return None if added is None or removed is None else (before - removed) | added


def _returned_keys(script: Script, expr: ast.expr) -> frozenset[str] | None:
    """The keys of the dict that the function `expr` returns; None unless every `return` gives the same ones."""
    if isinstance(expr, ast.Lambda):
        return _keys(expr.body)
    target = dotted(script, expr)
    function = target.definition if target and not target.partial else None
    if not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return None
    inside = list(ast.walk(function))
    if any(isinstance(node, (ast.Yield, ast.Lambda, ast.FunctionDef)) and node is not function for node in inside):
        return None
    keys = {_keys(node.value) for node in inside if isinstance(node, ast.Return)}
    return keys.pop() if len(keys) == 1 and isinstance(function.body[-1], ast.Return) else None


def _keys(expr: ast.expr | None) -> frozenset[str] | None:
    keys = expr.keys if isinstance(expr, ast.Dict) else [None]
    names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return frozenset(names) if len(names) == len(keys) else None


def _texts(value: Value) -> frozenset[str] | None:
    """A known text, or list of texts, as a set."""
    texts = [value.value] if isinstance(value.value, str) else value.value
    if value.state == "known" and isinstance(texts, (list, tuple)) and all(isinstance(text, str) for text in texts):
        return frozenset(texts)
    return None

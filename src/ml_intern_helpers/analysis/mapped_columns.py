"""The columns after `.map(…)`, where the mapped function spells out what it returns."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script


def mapped(script: Script, call: ast.Call, before: frozenset[str]) -> frozenset[str] | None:
    """What a dataset with the columns `before` has after this `.map(…)`; None when that is not spelt out."""
    added = _returned(script, call.args[0]) if call.args else None
    removed = _removed(script, call, before)
    return None if added is None or removed is None else (before - removed) | added


def _returned(script: Script, expr: ast.expr) -> frozenset[str] | None:
    """The keys of the dict that the function returns wherever it returns."""
    if isinstance(expr, ast.Lambda):
        return _keys(expr.body)
    target = dotted(script, expr)
    function = target.definition if target and not target.partial else None
    if not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return None
    inside = list(ast.walk(function))
    if any(
        isinstance(node, (ast.Yield, ast.Lambda)) or (isinstance(node, ast.FunctionDef) and node is not function)
        for node in inside
    ):
        return None
    found = {_keys(node.value) for node in inside if isinstance(node, ast.Return)}
    return found.pop() if len(found) == 1 and isinstance(function.body[-1], ast.Return) else None


def _keys(expr: ast.expr | None) -> frozenset[str] | None:
    keys = expr.keys if isinstance(expr, ast.Dict) else [None]
    names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    return frozenset(names) if len(names) == len(keys) else None


def _removed(script: Script, call: ast.Call, before: frozenset[str]) -> frozenset[str] | None:
    """`remove_columns=["a"]`, or all that there are: `remove_columns=rows.column_names`."""
    words = {word.arg: word.value for word in call.keywords}
    expr = words.get("remove_columns")
    if None in words or len(call.args) > 1:
        return None
    if expr is None:
        return frozenset()
    if isinstance(expr, ast.Attribute) and expr.attr == "column_names":
        return before
    value = value_of(script, expr)
    names = [value.value] if isinstance(value.value, str) else value.value
    return frozenset(map(str, names)) if value.state == "known" and isinstance(names, (list, tuple)) else None

"""Reads the fields of a dataclass that the script defines, and their defaults."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script import Script


class Field(NamedTuple):
    """One field; `default` is the expression of its default, None when it is required or a function makes it."""

    name: str
    default: ast.expr | None


def is_dataclass(script: Script, definition: ast.ClassDef) -> bool:
    """Whether the class is decorated with `@dataclass` or `@dataclass(…)`."""
    decorators = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in definition.decorator_list]
    named = [target.name for decorator in decorators if (target := dotted(script, decorator))]
    return any(name.endswith("dataclass") for name in named)


def fields_of(script: Script, definition: ast.ClassDef, depth: int = 0) -> dict[str, Field]:
    """The fields in order, those of local dataclass bases first; empty when it is not a dataclass."""
    if depth > 8 or not is_dataclass(script, definition):
        return {}
    fields: dict[str, Field] = {}
    for base in reversed(definition.bases):
        target = dotted(script, base)
        if target and isinstance(target.definition, ast.ClassDef):
            fields |= fields_of(script, target.definition, depth + 1)
    for item in definition.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            fields[item.target.id] = Field(item.target.id, _default(script, item.value) if item.value else None)
    return fields


def _default(script: Script, expr: ast.expr) -> ast.expr | None:
    """The default inside `field(default=…)`, `field(default_factory=…)` or transformers' `HfArg(…)`."""
    target = dotted(script, expr.func) if isinstance(expr, ast.Call) else None
    if not isinstance(expr, ast.Call) or target is None or target.name.rpartition(".")[2] not in ("field", "HfArg"):
        return expr
    words = {word.arg: word.value for word in expr.keywords}
    factory = words.get("default_factory")
    if "default" in words or factory is None:
        return words.get("default")
    if isinstance(factory, ast.Lambda):
        return factory.body
    factory_target = dotted(script, factory)
    if factory_target is None or factory_target.name not in ("list", "dict"):
        return None
    empty = ast.Dict([], []) if factory_target.name == "dict" else ast.List([], ast.Load())
    script.places[empty] = script.places[factory]
    return ast.copy_location(empty, factory)

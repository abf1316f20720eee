"""Rows shuffled or split without a seed.

The rows held out for evaluation are then others at each start: a resumed run evaluates on rows it was trained on, and
two runs cannot be compared. With a global seed set before (`set_seed`, `numpy.random.seed`) it is repeatable.

Bad:

    from datasets import load_dataset

    parts = load_dataset("trl-lib/Capybara", split="train").train_test_split(0.1)

Good:

    from datasets import load_dataset

    parts = load_dataset("trl-lib/Capybara", split="train").train_test_split(0.1, seed=42)
"""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.names import dotted, origins
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"

_KEEPING = frozenset(
    {"map", "filter", "select", "select_columns", "rename_column", "rename_columns", "remove_columns", "shuffle"}
)


def check(context: ScriptContext) -> Outcomes:
    if list(context.calls_ending("set_seed", "seed_everything")) or context.calls.get("numpy.random.seed"):
        return
    for call in context.methods("train_test_split", "shuffle"):
        given = context.keywords(call)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        positional = name == "shuffle" and bool(call.args)
        if {"seed", "generator", "generators"} & given.items.keys() or given.open or positional or _no_shuffle(context, call):
            continue
        if isinstance(call.func, ast.Attribute) and _is_dataset(context, call.func.value):
            what = "other rows are held out" if name == "train_test_split" else "the rows come in another order"
            yield failed(f".{name}() without a seed: {what} at each start", "write seed=42", call)


def _no_shuffle(context: ScriptContext, call: ast.Call) -> bool:
    given = context.keywords(call).items.get("shuffle")
    return given is not None and given.value.value is False


def _is_dataset(context: ScriptContext, expr: ast.expr, far: int = 0) -> bool:
    """The object comes from `datasets`, through methods that give a dataset again."""
    if isinstance(expr, ast.Subscript):
        return _is_dataset(context, expr.value, far + 1)
    for call in origins(context.script, expr) if far < 12 else ():
        target = dotted(context.script, call.func)
        if target and target.name.startswith("datasets."):
            return True
        if isinstance(call.func, ast.Attribute) and call.func.attr in _KEEPING:
            return _is_dataset(context, call.func.value, far + 1)
    return False

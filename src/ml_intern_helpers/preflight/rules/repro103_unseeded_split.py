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
from collections.abc import Iterator

from ml_intern_helpers.analysis.names import dotted, origins
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed

CODE = "REPRO103"
SEVERITY = "warning"
MODES = ("jobs", "local")

_KEEPING = frozenset(
    {"map", "filter", "select", "select_columns", "rename_column", "rename_columns", "remove_columns", "shuffle"}
)


def check(facts: Facts) -> Iterator[Outcome]:
    if list(facts.calls_ending("set_seed", "seed_everything")) or facts.calls.get("numpy.random.seed"):
        return
    for call in facts.methods("train_test_split", "shuffle"):
        given = facts.keywords(call)
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        positional = name == "shuffle" and bool(call.args)
        if {"seed", "generator", "generators"} & given.items.keys() or given.open or positional or _no_shuffle(facts, call):
            continue
        if isinstance(call.func, ast.Attribute) and _is_dataset(facts, call.func.value):
            what = "other rows are held out" if name == "train_test_split" else "the rows come in another order"
            yield failed(f".{name}() without a seed: {what} at each start", "write seed=42", call)


def _no_shuffle(facts: Facts, call: ast.Call) -> bool:
    given = facts.keywords(call).items.get("shuffle")
    return given is not None and given.value.value is False


def _is_dataset(facts: Facts, expr: ast.expr, far: int = 0) -> bool:
    """The object comes from `datasets`, through methods that give a dataset again."""
    if isinstance(expr, ast.Subscript):
        return _is_dataset(facts, expr.value, far + 1)
    for call in origins(facts.script, expr) if far < 12 else ():
        target = dotted(facts.script, call.func)
        if target and target.name.startswith("datasets."):
            return True
        if isinstance(call.func, ast.Attribute) and call.func.attr in _KEEPING:
            return _is_dataset(facts, call.func.value, far + 1)
    return False

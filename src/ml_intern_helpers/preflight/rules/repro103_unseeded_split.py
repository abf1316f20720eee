"""Rows are shuffled or split without a seed.

Other rows are then held out at each start: a resumed run evaluates on rows that it was trained on, and two runs cannot be
compared. With a global seed set before (`set_seed`, `numpy.random.seed`) the split is repeatable.

Bad:

    from datasets import load_dataset

    parts = load_dataset("trl-lib/Capybara", split="train").train_test_split(0.1)

Good:

    from datasets import load_dataset

    parts = load_dataset("trl-lib/Capybara", split="train").train_test_split(0.1, seed=42)
"""

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
        if not isinstance(call.func, ast.Attribute):
            continue
        keywords, name = context.keywords(call), call.func.attr
        by_position = name == "shuffle" and bool(call.args)
        seeded = {"seed", "generator", "generators"} & keywords.items.keys() or keywords.open or by_position
        not_shuffled = "shuffle" in keywords.items and keywords.items["shuffle"].value.value is False
        if not seeded and not not_shuffled and _is_dataset(context, call.func.value):
            what = "other rows are held out" if name == "train_test_split" else "the rows come in another order"
            yield failed(f".{name}() without a seed: {what} at each start", "write seed=42", call)


def _is_dataset(context: ScriptContext, expr: ast.expr, depth: int = 0) -> bool:
    """Whether the object comes from `datasets`, possibly through methods that return a dataset."""
    if isinstance(expr, ast.Subscript):
        return _is_dataset(context, expr.value, depth + 1)
    for call in origins(context.script, expr) if depth < 12 else ():
        target = dotted(context.script, call.func)
        if target and target.name.startswith("datasets."):
            return True
        if isinstance(call.func, ast.Attribute) and call.func.attr in _KEEPING:
            return _is_dataset(context, call.func.value, depth + 1)
    return False

"""A column is read that the rows do not have.

A `KeyError` in the first `.map()`, a `ValueError` in `.select_columns()`: hours later, when the map runs on the job.
The columns are those the script spells out, and with `--dataset auto` those that `inspect_dataset` finds.

Bad:

    from datasets import Dataset

    rows = Dataset.from_list([{"question": "1 + 1?", "answer": "2"}])
    rows = rows.map(lambda row: {"prompt": row["instruction"]})

Good:

    from datasets import Dataset

    rows = Dataset.from_list([{"question": "1 + 1?", "answer": "2"}])
    rows = rows.map(lambda row: {"prompt": row["question"]})
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.columns import Columns, columns_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed, unknown

CODE = "DATA109"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for reason in facts.script.not_asked:
        yield unknown(reason)
    for call in facts.methods("map", "filter", "select_columns", "remove_columns", "rename_column"):
        if not isinstance(call.func, ast.Attribute) or not call.args or not facts.blamable(call):
            continue
        columns = columns_of(facts.script, call.func.value)
        if columns.state == "known":
            mapped = call.func.attr in ("map", "filter")
            yield from _in_function(facts, call, columns) if mapped else _named(facts, call, columns)


def _named(facts: Facts, call: ast.Call, columns: Columns) -> Iterator[Outcome]:
    value = facts.constant(call.args[0])
    names = [value.value] if isinstance(value.value, str) else value.value
    for name in names if value.state == "known" and isinstance(names, (list, tuple)) else ():
        if name not in columns.names:
            yield _missing(columns, f"`{facts.source.segment(call.func)}`", str(name), "ValueError", call.args[0])


def _in_function(facts: Facts, call: ast.Call, columns: Columns) -> Iterator[Outcome]:
    """What a mapped function surely reads of its row."""
    function = _function(facts, call.args[0])
    first = function.args.args[0].arg if function and function.args.args else None
    if function is None or first is None or "input_columns" in facts.keywords(call).items:
        return
    reads = [node for node in ast.walk(function) if isinstance(node, ast.Subscript) and _of(facts, node, function, first)]
    written = {_key(node) for node in reads if not isinstance(node.ctx, ast.Load)}
    depth = len(facts.script.places[function].guards)
    for node in reads:
        name, sure = _key(node), len(facts.script.places[node].guards) == depth
        if isinstance(node.ctx, ast.Load) and sure and name is not None and name not in columns.names | written:
            yield _missing(columns, f"`{facts.source.segment(node)}`", name, "KeyError", node)


def _function(facts: Facts, expr: ast.expr) -> ast.Lambda | ast.FunctionDef | None:
    if isinstance(expr, ast.Lambda):
        return expr
    target = dotted(facts.script, expr)
    definition = target.definition if target and not target.partial else None
    return definition if isinstance(definition, ast.FunctionDef) and not definition.decorator_list else None


def _of(facts: Facts, node: ast.Subscript, function: ast.AST, name: str) -> bool:
    """`row["text"]` where `row` is the function's own parameter, not one of a function inside it."""
    if not isinstance(node.value, ast.Name) or node.value.id != name or _key(node) is None:
        return False
    owner = facts.script.places[node.value].scope.owner_of(name)
    return owner is not None and owner.node is function and len(owner.bindings[name]) == 1


def _key(node: ast.Subscript) -> str | None:
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else None


def _missing(columns: Columns, what: str, name: str, error: str, at: ast.AST) -> Outcome:
    listed = clean(", ".join(sorted(columns.names)), limit=120)
    of = f"{clean(columns.inspected, limit=60)} has" if columns.inspected else "the rows have"
    return failed(f"{what} reads a column {clean(name, limit=40)!r}; {of} {listed}: {error}", "name a column that is there", at)

"""A column is read that the rows do not have.

`.map()` raises `KeyError` and `.select_columns()` raises `ValueError`, on the job and possibly hours after the start. The
columns are known where the script names them, or from `inspect_dataset` with `--dataset auto` or `--dataset ID`.

Bad:

    from datasets import Dataset

    rows = Dataset.from_list([{"question": "1 + 1?", "answer": "2"}])
    rows = rows.map(lambda row: {"prompt": row["instruction"]})

Good:

    from datasets import Dataset

    rows = Dataset.from_list([{"question": "1 + 1?", "answer": "2"}])
    rows = rows.map(lambda row: {"prompt": row["question"]})
"""

import ast

from ml_intern_helpers.analysis.columns import Columns, columns_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, unknown


def check(context: ScriptContext) -> Outcomes:
    for reason in context.script.uninspected:
        yield unknown(reason)
    for call in context.methods("map", "filter", "select_columns", "remove_columns", "rename_column"):
        if not isinstance(call.func, ast.Attribute) or not call.args or not context.error_stops_run(call):
            continue
        columns = columns_of(context.script, call.func.value)
        if columns.state == "known":
            if call.func.attr in ("map", "filter"):
                yield from _in_function(context, call, columns)
                continue
            value = context.constant(call.args[0])
            names = [value.value] if isinstance(value.value, str) else value.value
            for name in names if value.state == "known" and isinstance(names, (list, tuple)) else ():
                if name not in columns.names:
                    yield _missing(columns, f"`{context.source.segment(call.func)}`", str(name), "ValueError", call.args[0])


def _in_function(context: ScriptContext, call: ast.Call, columns: Columns) -> Outcomes:
    """Failures for the columns that a mapped function certainly reads and the rows lack."""
    function: ast.AST | None = call.args[0]
    if not isinstance(function, ast.Lambda):
        target = dotted(context.script, call.args[0])
        function = target.definition if target and not target.partial else None
        if not isinstance(function, ast.FunctionDef) or function.decorator_list:
            return
    if not function.args.args or "input_columns" in context.keywords(call).items:
        return
    row = function.args.args[0].arg
    reads = []
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id=read) as base, slice=ast.Constant(value=str())) if read == row:
                owner = context.script.places[base].scope.owner_of(row)
                # The name must be this function's own parameter, not that of a nested function.
                if owner is not None and owner.node is function and len(owner.bindings[row]) == 1:
                    reads.append(node)
    assigned = {_key(node) for node in reads if not isinstance(node.ctx, ast.Load)}
    depth = len(context.script.places[function].guards)
    for node in reads:
        name, sure = _key(node), len(context.script.places[node].guards) == depth
        if isinstance(node.ctx, ast.Load) and sure and name is not None and name not in columns.names | assigned:
            yield _missing(columns, f"`{context.source.segment(node)}`", name, "KeyError", node)


def _key(node: ast.Subscript) -> str | None:
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else None


def _missing(columns: Columns, what: str, name: str, error: str, at: ast.AST) -> Outcome:
    listed = clean(", ".join(sorted(columns.names)), limit=120)
    of = f"{clean(columns.inspected, limit=60)} has" if columns.inspected else "the rows have"
    message = f"{what} reads the column {clean(name, limit=40)!r}, but {of} {listed}: {error}"
    return failed(message, "use one of the existing columns", at)

"""A streamed training set is used without `max_steps`.

A stream has no length, so the trainer cannot determine the number of steps of an epoch. It raises ValueError at construction.

Bad:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("some/dataset", revision="4c6ba9a1", split="train", streaming=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("some/dataset", revision="4c6ba9a1", split="train", streaming=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", max_steps=1000), train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.analysis.names import reaching
from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import run_as_indexed

#: Methods of a stream that return a stream.
STAYING = frozenset(
    {"map", "filter", "shuffle", "take", "skip", "shard", "repeat", "cast", "remove_columns", "rename_column", "select_columns"}
)
#: The most names, splits and methods that are followed.
_MAX_DEPTH = 12


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        rows = run.trainer.entries.items.get("train_dataset")
        if not (rows and run_as_indexed(context, run) and isinstance(rows.node, ast.expr)):
            continue
        steps = context.value(run, "max_steps", -1)
        endless = steps.state == "known" and isinstance(steps.value, (int, float)) and steps.value <= 0
        if endless and _streamed(context, rows.node):
            message = "train_dataset is streamed and has no length, and max_steps is not set: ValueError"
            fix = "write max_steps= in the config, or load without streaming=True"
            yield failed(message, fix, rows.node, whole=run.trainer.call)


def _streamed(context: ScriptContext, expr: ast.AST | None, depth: int = 0) -> bool:
    """Whether `expr` is certainly `load_dataset(…, streaming=True)`, a split of it, or a stream derived from it."""
    match expr:
        case ast.Name() if depth < _MAX_DEPTH:
            bindings = reaching(context.script, expr)
            streamed = (bound.kind == "assign" and _streamed(context, bound.value, depth + 1) for bound in bindings)
            return bool(bindings) and all(streamed)
        case ast.Subscript(value=base, slice=ast.Constant(value=str())):
            return _streamed(context, base, depth + 1)
        case ast.Call() if expr in context.calls.get("datasets.load_dataset", ()):
            setting = context.keywords(expr).items.get("streaming")
            return setting is not None and setting.value == known(True)
        case ast.Call(func=ast.Attribute(value=base, attr=attr)) if attr in STAYING:
            return _streamed(context, base, depth + 1)
    return False

"""A streamed training set without `max_steps`.

A stream has no length, so the trainer cannot tell how many steps an epoch has: ValueError at construction.

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

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.names import reaching
from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed
from ml_intern_helpers.preflight.written import run_as_indexed

CODE = "DATA112"
SEVERITY = "error"
MODES = ("jobs", "local")

#: Methods that make a stream of a stream.
STAYING = frozenset(
    {"map", "filter", "shuffle", "take", "skip", "shard", "repeat", "cast", "remove_columns", "rename_column", "select_columns"}
)
_FAR = 12


def check(facts: Facts) -> Iterator[Outcome]:
    for run in facts.runs:
        rows = run.trainer.entries.items.get("train_dataset")
        if not (rows and run_as_indexed(facts, run) and isinstance(rows.node, ast.expr)):
            continue
        steps = facts.value(run, "max_steps", -1)
        endless = steps.state == "known" and isinstance(steps.value, (int, float)) and steps.value <= 0
        if endless and _streamed(facts, rows.node):
            message = "train_dataset is streamed and has no length, and max_steps is not set: ValueError"
            fix = "write max_steps= in the config, or load without streaming=True"
            yield failed(message, fix, rows.node, whole=run.trainer.call)


def _streamed(facts: Facts, expr: ast.AST | None, far: int = 0) -> bool:
    """Surely `load_dataset(…, streaming=True)`, one of its splits, or a stream made of it."""
    match expr:
        case ast.Name() if far < _FAR:
            found = reaching(facts.script, expr)
            return bool(found) and all(one.kind == "assign" and _streamed(facts, one.value, far + 1) for one in found)
        case ast.Subscript(value=base, slice=ast.Constant(value=str())):
            return _streamed(facts, base, far + 1)
        case ast.Call() if expr in facts.calls.get("datasets.load_dataset", ()):
            setting = facts.keywords(expr).items.get("streaming")
            return setting is not None and setting.value == known(True)
        case ast.Call(func=ast.Attribute(value=base, attr=attr)) if attr in STAYING:
            return _streamed(facts, base, far + 1)
    return False

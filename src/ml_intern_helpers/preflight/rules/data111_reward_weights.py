"""The number of `reward_weights` differs from the number of reward functions.

The trainer compares both when it is built and raises ValueError, after the model has been downloaded.

Bad:

    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(output_dir="out", reward_weights=[1.0, 0.5])
    GRPOTrainer("Qwen/Qwen3-0.6B", reward_funcs=[first, second, third], args=config, train_dataset=rows).train()

Good:

    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(output_dir="out", reward_weights=[1.0, 0.5, 0.5])
    GRPOTrainer("Qwen/Qwen3-0.6B", reward_funcs=[first, second, third], args=config, train_dataset=rows).train()
"""

import ast

from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        trainer, weights = run.trainer, context.value(run, "reward_weights")
        functions = trainer.entries.items.get("reward_funcs")
        if trainer.role.library != "trl" or trainer.role.name not in ("GRPOTrainer", "RLOOTrainer") or trainer.own_init:
            continue
        if functions is None or weights.state != "known" or not isinstance(weights.value, (list, tuple)):
            continue
        if not context.uses_current("trl") or context.patched_by:
            continue
        count, weight_count = _count(context, functions.node), len(weights.value)
        if count is None:
            yield unknown(f"whether {weight_count} reward_weights fit: the reward functions cannot be counted", trainer.line)
        elif count != weight_count and context.error_stops_run(trainer.call):
            setting = context.setting(run, "reward_weights")
            message = f"{weight_count} reward_weights for {count} reward function{'s' if count > 1 else ''}: ValueError"
            yield failed(message, "give one weight for each function", setting.node if setting else run.config.call)


def _count(context: ScriptContext, node: ast.AST) -> int | None:
    """The number of functions in `reward_funcs=`; None when it is not known."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return None if any(isinstance(part, ast.Starred) for part in node.elts) else len(node.elts)
    if isinstance(node, ast.Lambda):
        return 1
    if not isinstance(node, ast.Name):
        return None
    target = dotted(context.script, node)
    if target is not None:
        return 1 if isinstance(target.definition, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
    bindings = reaching(context.script, node)
    once = len(bindings) == 1 and len(context.script.names[node.id]) <= 2  # nothing appends to it
    return _count(context, bindings[0].value) if once and isinstance(bindings[0].value, (ast.List, ast.Tuple)) else None

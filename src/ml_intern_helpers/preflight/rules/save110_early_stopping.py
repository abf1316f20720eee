"""EarlyStoppingCallback is used without an evaluation, or without a metric to watch.

AssertionError is raised when training begins. The metric is the loss with `load_best_model_at_end=True`; otherwise it must be
named.

Bad:

    from transformers import EarlyStoppingCallback
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_strategy="steps")
    stop = EarlyStoppingCallback(early_stopping_patience=3)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out, callbacks=[stop]).train()

Good:

    from transformers import EarlyStoppingCallback
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", eval_strategy="steps", save_strategy="steps", load_best_model_at_end=True)
    stop = EarlyStoppingCallback(early_stopping_patience=3)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out, callbacks=[stop]).train()
"""

import ast

from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import no_best_metric, run_as_indexed


def check(context: ScriptContext) -> Outcomes:
    if context.training.kind != "trainer" or context.methods("remove_callback", "pop_callback"):
        return
    for run in context.runs:
        callback = _callback(context, run) if run_as_indexed(context, run) else None
        if callback is None:
            continue
        if context.value(run, "eval_strategy", "no") == known("no"):
            message = 'EarlyStoppingCallback with eval_strategy="no": AssertionError when training begins'
            fix = 'write eval_strategy="steps" and load_best_model_at_end=True, and give an eval_dataset'
            yield failed(message, fix, callback, whole=run.trainer.call)
        elif no_best_metric(context, run):
            message = "EarlyStoppingCallback without metric_for_best_model: AssertionError when training begins"
            fix = 'write load_best_model_at_end=True, or metric_for_best_model="loss"'
            yield failed(message, fix, callback, whole=run.trainer.call)


def _callback(context: ScriptContext, run: Run) -> ast.expr | None:
    """The library's EarlyStoppingCallback in the trainer's list of callbacks, where the script writes that list out."""
    setting = run.trainer.entries.items.get("callbacks")
    listed = _bound(context, setting.node) if setting else None
    for item in listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else ():
        call = _bound(context, item)
        target = dotted(context.script, call.func) if isinstance(call, ast.Call) else None
        name = target.name if target and target.definition is None else ""
        if name.startswith("transformers.") and name.endswith(".EarlyStoppingCallback"):
            return item
    return None


def _bound(context: ScriptContext, node: ast.AST) -> ast.AST:
    """The value of a name that is bound in only one place; any other node unchanged."""
    bindings = reaching(context.script, node) if isinstance(node, ast.Name) else []
    return bindings[0].value if len(bindings) == 1 and bindings[0].kind == "assign" and bindings[0].value else node

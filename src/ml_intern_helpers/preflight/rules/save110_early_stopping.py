"""EarlyStoppingCallback without an evaluation, or without the metric it watches.

AssertionError as training begins. The metric is the loss where `load_best_model_at_end=True`, else it must be named.

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

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.outcome import Outcome, failed
from ml_intern_helpers.preflight.written import run_as_indexed

CODE = "SAVE110"
SEVERITY = "error"
MODES = ("jobs", "local")

#: These make the loss the metric by themselves.
_BY_THEMSELVES = ("reduce_lr_on_plateau", "greedy")


def check(facts: Facts) -> Iterator[Outcome]:
    if facts.training.kind != "trainer" or facts.methods("remove_callback", "pop_callback"):
        return
    for run in facts.runs:
        callback = _callback(facts, run) if run_as_indexed(facts, run) else None
        if callback is None:
            continue
        if facts.value(run, "eval_strategy", "no") == known("no"):
            message = 'EarlyStoppingCallback with eval_strategy="no": AssertionError as training begins'
            fix = 'write eval_strategy="steps" and load_best_model_at_end=True, and give an eval_dataset'
            yield failed(message, fix, callback, whole=run.trainer.call)
        elif _no_metric(facts, run):
            message = "EarlyStoppingCallback without metric_for_best_model: AssertionError as training begins"
            fix = 'write load_best_model_at_end=True, or metric_for_best_model="loss"'
            yield failed(message, fix, callback, whole=run.trainer.call)


def _no_metric(facts: Facts, run: Run) -> bool:
    """Surely none: not named, and nothing is set that makes it the loss."""
    schedule = facts.value(run, "lr_scheduler_type", "linear")
    unnamed = facts.value(run, "metric_for_best_model") == known(None)
    best = facts.value(run, "load_best_model_at_end", False)
    return unnamed and best == known(False) and schedule.state == "known" and schedule.value not in _BY_THEMSELVES


def _callback(facts: Facts, run: Run) -> ast.expr | None:
    """The library's own callback in the list that the trainer gets, as far as that is spelt out."""
    setting = run.trainer.entries.items.get("callbacks")
    listed = _plain(facts, setting.node) if setting else None
    for one in listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else ():
        made = _plain(facts, one)
        target = dotted(facts.script, made.func) if isinstance(made, ast.Call) else None
        if target and target.definition is None and target.name.startswith("transformers.") and _named(target.name):
            return one
    return None


def _named(name: str) -> bool:
    return name.rpartition(".")[2] == "EarlyStoppingCallback"


def _plain(facts: Facts, node: ast.AST) -> ast.AST:
    """What a name is bound to where only one place binds it; anything else as it is."""
    found = reaching(facts.script, node) if isinstance(node, ast.Name) else []
    return found[0].value if len(found) == 1 and found[0].kind == "assign" and found[0].value else node

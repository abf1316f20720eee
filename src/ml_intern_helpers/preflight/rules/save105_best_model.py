"""`load_best_model_at_end` with saving and evaluating at different times.

The trainer refuses it at construction: the best model can only be loaded if it was saved when it was evaluated (or
with `save_strategy="best"`).

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", load_best_model_at_end=True, eval_strategy="steps", save_strategy="epoch")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", load_best_model_at_end=True, eval_strategy="steps", save_strategy="steps")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.asking import shown
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, failed
from ml_intern_helpers.preflight.values import known

CODE = "SAVE105"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for run in facts.runs:
        best = facts.setting(run, "load_best_model_at_end")
        evaluated = facts.value(run, "eval_strategy", "no")
        saved = facts.value(run, "save_strategy", "steps")
        if not (run.tunable and best and best.value == known(True) and evaluated.state == saved.state == "known"):
            continue
        if saved.value not in ("best", evaluated.value):
            both = f"eval_strategy={shown(evaluated.value)} and save_strategy={shown(saved.value)}"
            yield failed(
                f"load_best_model_at_end with {both}: ValueError", "give both the same strategy", best.node, whole=run.config.call
            )

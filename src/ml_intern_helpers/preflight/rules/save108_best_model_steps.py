"""`load_best_model_at_end` with `save_steps` that is no multiple of `eval_steps`.

The config refuses it: the step with the best evaluation might not have been saved. `eval_steps` is `logging_steps`
when it is not given, `save_steps` is 500.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", load_best_model_at_end=True, eval_strategy="steps", eval_steps=200)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir="out", load_best_model_at_end=True, eval_strategy="steps", eval_steps=200, save_steps=400
    )
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.outcome import Outcome, failed
from ml_intern_helpers.preflight.values import known

CODE = "SAVE108"
SEVERITY = "error"
MODES = ("jobs", "local")

#: Defaults (held to the library by the tests); transformers' own logging_steps is 500, TRL's 10.
SAVE_STEPS, LOGGING_STEPS, LOGGING_STEPS_TRL = 500, 500, 10


def check(facts: Facts) -> Iterator[Outcome]:
    for run in facts.runs:
        best, evaluated = facts.value(run, "load_best_model_at_end"), facts.value(run, "eval_strategy", "no")
        if run.tunable and best == known(True) and evaluated == known("steps") == facts.value(run, "save_strategy", "steps"):
            yield from _judged(facts, run)


def _judged(facts: Facts, run: Run) -> Iterator[Outcome]:
    logged = facts.value(run, "logging_steps", LOGGING_STEPS_TRL if run.config.role.library == "trl" else LOGGING_STEPS)
    given = facts.value(run, "eval_steps")
    every = logged if given == known(None) else given
    saved = facts.value(run, "save_steps", SAVE_STEPS)
    whole = [value.value for value in (saved, every) if value.state == "known" and type(value.value) is int and value.value > 0]
    if len(whole) == 2 and whole[0] % whole[1]:
        setting = facts.setting(run, "save_steps") or facts.setting(run, "eval_steps")
        message = f"load_best_model_at_end: save_steps={whole[0]} is no multiple of eval_steps={whole[1]}: ValueError"
        at = setting.node if setting else run.config.call
        yield failed(message, f"write save_steps={whole[1] * max(1, whole[0] // whole[1])}", at, whole=run.config.call)

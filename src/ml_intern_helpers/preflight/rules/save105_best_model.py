"""`load_best_model_at_end` is set, but saving and evaluating happen at different times.

The config refuses it at construction: the best model can be loaded only if it was saved when it was evaluated (or with
`save_strategy="best"`). With steps for both, `save_steps` must be a multiple of `eval_steps`, which is `logging_steps` when
it is not set.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", load_best_model_at_end=True, eval_strategy="steps", save_strategy="epoch")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", load_best_model_at_end=True, eval_strategy="steps", save_strategy="steps")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, eval_dataset=held_out).train()
"""

from ml_intern_helpers.analysis.values import Setting, known
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed
from ml_intern_helpers.preflight.settings import shown

#: The library's defaults: TRL's configs log every 10 steps, transformers' every 500.
SAVE_STEPS = 500
LOGGING_STEPS = {"trl": 10, "transformers": 500}


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        best = context.setting(run, "load_best_model_at_end")
        evaluated = context.value(run, "eval_strategy", "no")
        saved = context.value(run, "save_strategy", "steps")
        if not (run.tunable and best and best.value == known(True) and evaluated.state == saved.state == "known"):
            continue
        if saved.value not in ("best", evaluated.value):
            both = f"eval_strategy={shown(evaluated.value)} and save_strategy={shown(saved.value)}"
            message, fix = f"load_best_model_at_end with {both}: ValueError", "give both the same strategy"
            yield failed(message, fix, best.node, whole=run.config.call)
        elif saved.value == "steps":
            yield from _steps(context, run, best)


def _steps(context: ScriptContext, run: Run, best: Setting) -> Outcomes:
    every = context.value(run, "save_steps", SAVE_STEPS)
    evaluated = context.value(run, "eval_steps")
    name = "eval_steps"
    if evaluated.state == "known" and evaluated.value in (None, 0):
        name, evaluated = "logging_steps", context.value(run, "logging_steps", LOGGING_STEPS.get(run.config.role.library))
    if not every.state == evaluated.state == "known":
        return
    # The library's own test for whole numbers; fractions (shares of the run) are not checked here.
    whole = isinstance(every.value, int) and isinstance(evaluated.value, int) and every.value > 0 and evaluated.value > 0
    if whole and every.value % evaluated.value:
        both = f"save_steps={shown(every.value)}, not a multiple of {name}={shown(evaluated.value)}"
        fix = f"make save_steps a multiple of {name}"
        yield failed(f"load_best_model_at_end with {both}: ValueError", fix, best.node, whole=run.config.call)

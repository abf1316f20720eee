"""The rows do not have the columns that the training method reads.

The trainer raises `KeyError` (`'text'`, `'prompt'`, `'chosen'`) when it tokenizes. Worse, an additional column can make TRL
read the rows as another format: `prompt` beside `messages` is read as prompt + completion. The rule checks only rows whose
columns the script names; for others use `inspect_dataset`.

Bad:

    from trl import DPOConfig, DPOTrainer

    rows = rows.select_columns(["prompt", "completion"])
    DPOTrainer("Qwen/Qwen3-0.6B", args=DPOConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from trl import DPOConfig, DPOTrainer

    rows = rows.select_columns(["prompt", "chosen", "rejected"])
    DPOTrainer("Qwen/Qwen3-0.6B", args=DPOConfig(output_dir="out"), train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.columns import Columns
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, at_run_time, failed, passed, unknown

_PAIRS = ({"chosen", "rejected"},)
#: Trainer -> sets of columns, one of which the rows must have.
NEEDS: dict[str, tuple[set[str], ...]] = {
    "SFTTrainer": ({"messages"}, {"conversations"}, {"prompt", "completion"}, {"text"}),
    "DPOTrainer": _PAIRS,
    "ORPOTrainer": _PAIRS,
    "CPOTrainer": _PAIRS,
    "RewardTrainer": _PAIRS,
    "KTOTrainer": ({"prompt", "completion", "label"}, *_PAIRS),
    "GRPOTrainer": ({"prompt"},),
    "RLOOTrainer": ({"prompt"},),
}


def check(context: ScriptContext) -> Outcomes:
    if not context.runs:
        method = context.training.method or "the script"
        yield unknown(f"which columns {method} reads: it builds no trainer with a known config", context.training.line)
    for run in context.runs:
        name, columns = run.trainer.role.name, context.columns(run)
        needs = NEEDS.get(name) if run.trainer.role.library == "trl" else None
        if needs is None:
            yield unknown(f"the columns that {name} needs are not known", run.trainer.line)
        elif context.argument(run.trainer, "formatting_func") is not None:
            yield passed(f"{name} with a formatting_func", run.trainer.line)
        elif columns.state == "unseen":
            yield unknown("the script does not spell out the columns of its rows", run.trainer.line)
        elif columns.state == "runtime":
            yield at_run_time(f"`{columns.text}` chooses the columns at run time", columns.line)
        else:
            yield _outcome(context, run, needs, columns)


def _outcome(context: ScriptContext, run: Run, needs: tuple[set[str], ...], columns: Columns) -> Outcome:
    name = run.trainer.role.name
    listed = ", ".join(sorted(columns.names))
    choices = list(needs)
    if name == "SFTTrainer":
        field = context.value(run, "dataset_text_field", "text")
        choices += [{str(field.value)}] if field.settled else []
        if {"messages", "prompt"} <= columns.names and "completion" not in columns.names:
            message = "a `prompt` column beside `messages`: TRL reads prompt + completion and raises KeyError: 'completion'"
            return failed(message, 'write .select_columns(["messages"])', columns.line)
    for choice in choices:
        if choice <= columns.names:
            return passed(f"{name} reads {', '.join(sorted(choice))}; rows have {listed}", columns.line)
    wanted = " or ".join(" + ".join(sorted(choice)) for choice in needs)
    fix = "rename or map the columns (inspect_dataset prints the mapping)"
    return failed(f"{name} needs {wanted}; the rows have {listed}", fix, columns.line)

"""The loss is masked in a way that the rows do not support.

`completion_only_loss=True` masks prompt + completion rows. On `messages` it is silently ignored: the model is trained
to write the user's questions too. There it is `assistant_only_loss=True`, which in turn raises on rows that are no
conversation.

Bad:

    from trl import SFTConfig, SFTTrainer

    rows = rows.select_columns(["messages"])
    config = SFTConfig(output_dir="out", completion_only_loss=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    rows = rows.select_columns(["messages"])
    config = SFTConfig(output_dir="out", assistant_only_loss=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from __future__ import annotations

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "error"

_CONVERSATIONS = {"messages", "conversations"}


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        columns = context.columns(run)
        if run.trainer.role.name == "SFTTrainer" and run.trainer.role.library == "trl" and columns.state == "known":
            yield from _completion_only(context, run, columns.names)
            yield from _assistant_only(context, run, columns.names)


def _completion_only(context: ScriptContext, run: Run, names: frozenset[str]) -> Outcomes:
    setting = context.setting(run, "completion_only_loss")
    if setting and setting.value == known(True) and names & _CONVERSATIONS and "completion" not in names:
        message = f"completion_only_loss=True is ignored for rows with {', '.join(sorted(names & _CONVERSATIONS))}"
        yield failed(
            f"{message}: every token is trained on", "write assistant_only_loss=True", setting.node, whole=run.config.call
        )


def _assistant_only(context: ScriptContext, run: Run, names: frozenset[str]) -> Outcomes:
    setting = context.setting(run, "assistant_only_loss")
    if setting and setting.value == known(True) and names == {"text"}:
        message = "assistant_only_loss=True on rows of plain text: ValueError (they are no conversation)"
        yield failed(message, "delete it, or give messages", setting.node, whole=run.config.call)

"""The loss is masked in a way that the rows do not support.

`completion_only_loss=True` masks rows with a prompt and a completion. On `messages` it is silently ignored, and the model is
also trained to write the user's questions. For such rows write `assistant_only_loss=True`, which in turn raises on rows that
are not conversations.

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

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        columns = context.columns(run)
        if run.trainer.role.name != "SFTTrainer" or run.trainer.role.library != "trl" or columns.state != "known":
            continue
        conversations = columns.names & {"messages", "conversations"}
        setting = context.setting(run, "completion_only_loss")
        if setting and setting.value == known(True) and conversations and "completion" not in columns.names:
            ignored = f"completion_only_loss=True is ignored for rows with {', '.join(sorted(conversations))}"
            message, fix = f"{ignored}: every token is trained on", "write assistant_only_loss=True"
            yield failed(message, fix, setting.node, whole=run.config.call)
        setting = context.setting(run, "assistant_only_loss")
        if setting and setting.value == known(True) and columns.names == {"text"}:
            message = "assistant_only_loss=True on rows of plain text: ValueError (the rows are not conversations)"
            yield failed(message, "delete it, or train on rows with messages", setting.node, whole=run.config.call)

"""The run has no project of its own in Trackio.

`project` is "huggingface" unless it is set: every run of every task is shown in that one dashboard, and nobody can tell them
apart.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", trackio_space_id="me/trackio")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", report_to="trackio", trackio_space_id="me/trackio", project="demo")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "warning"


def check(context: ScriptContext) -> Outcomes:
    for run in context.runs:
        report_to = context.value(run, "report_to").value
        if report_to not in ("trackio", ["trackio"]):
            continue
        if context.setting(run, "project") is None and context.setting(run, "run_name") is None:
            message = 'neither project nor run_name is set: the run lands in the Trackio project "huggingface"'
            yield failed(message, "write project=… (and run_name=…)", run.config.call)

"""The progress bar of the trainer is on.

A progress bar redraws one line with carriage returns. In a log file or in `hf jobs logs` it becomes one endless line that
breaks up the lines with the loss, so that `grep loss` finds only fragments and neither a person nor a program notices that
the run diverges.

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", disable_tqdm=True), train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

EXPECTED = Expectation(
    "disable_tqdm",
    good=lambda value: value is True,
    default=False,
    wrong="the progress bar breaks the log, loss lines cannot be grepped",
    fix="write disable_tqdm=True",
)


def check(context: ScriptContext) -> Outcomes:
    return outcomes_for(context, EXPECTED)

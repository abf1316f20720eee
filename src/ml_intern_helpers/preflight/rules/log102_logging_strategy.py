"""The loss is logged once an epoch, or never.

Most runs have one to three epochs: with `logging_strategy="epoch"` the first figure appears when most of the money has been
spent.

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", logging_strategy="epoch"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", logging_strategy="steps"), train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

EXPECTED = Expectation(
    "logging_strategy",
    good=lambda value: value == "steps",
    default="steps",
    wrong="no loss is seen while the run can still be stopped",
    fix='write logging_strategy="steps" with logging_steps=10 or less',
)


def check(context: ScriptContext) -> Outcomes:
    return outcomes_for(context, EXPECTED)

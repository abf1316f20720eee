"""The loss is logged once an epoch, or never.

Most runs have one to three epochs: with `logging_strategy="epoch"` the first figure comes when the money is spent.

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", logging_strategy="epoch"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", logging_strategy="steps"), train_dataset=rows).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.asking import Ask, answers
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome

CODE = "LOG102"
SEVERITY = "error"
MODES = ("jobs", "local")

ASK = Ask(
    "logging_strategy",
    good=lambda value: value == "steps",
    default="steps",
    wrong="no loss is seen while the run can still be stopped",
    fix='write logging_strategy="steps" with logging_steps=10 or less',
)


def check(facts: Facts) -> Iterator[Outcome]:
    yield from answers(facts, ASK)

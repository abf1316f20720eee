"""The first step is not logged.

The loss of step 1 is the cheapest check there is: a value near ln(vocabulary size), or NaN, means that the template, the
masking or the precision is wrong. It is known a minute after the start instead of `logging_steps` later, and the later loss
is compared with it.

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", logging_steps=50), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", logging_steps=50, logging_first_step=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, passed
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

EXPECTED = Expectation(
    "logging_first_step",
    good=lambda value: value is True,
    default=False,
    wrong="the loss of step 1 shows a broken set-up a minute after the start",
    fix="write logging_first_step=True",
)


def check(context: ScriptContext) -> Outcomes:
    # With logging_steps=1 the first step is logged anyway.
    every_step = [context.setting(run, "logging_steps") for run in context.runs]
    if every_step and all(setting and setting.value == known(1) for setting in every_step):
        yield passed("logging_steps=1 logs every step", getattr(every_step[0].node, "lineno", None) if every_step[0] else None)
    else:
        yield from outcomes_for(context, EXPECTED)

"""The model is pushed to a repository that the script does not name.

Without `hub_model_id` the repository is named after the output folder: "out" or "trainer_output" in the account whose token
the job has. The next run overwrites it.

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out", push_to_hub=True), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/demo")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, passed
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

MODES = ("jobs",)

EXPECTED = Expectation(
    "hub_model_id",
    good=lambda value: isinstance(value, str) and bool(value),
    default=None,
    wrong="the repository is named after the output folder",
    fix='write hub_model_id="user/name"',
)


def check(context: ScriptContext) -> Outcomes:
    if context.smoke is not None:
        yield passed(f"smoke run of {context.smoke[0]} steps: exempt", context.smoke[1])
        return
    uploads = context.methods("push_to_hub", "upload_folder", "upload_large_folder")
    named = [call for call in uploads if call.args or call.keywords]
    if named and not any(context.value(run, "push_to_hub", False).value is True for run in context.runs):
        yield passed(f"`{context.source.segment(named[0])}`", named[0].lineno)
    else:
        yield from outcomes_for(context, EXPECTED)

"""The trained model stays on the job's disk.

A job's container and its disk are deleted when the job ends, however it ends, and hours of training are lost. A smoke run (a
step limit of at most 50 in the script) is exempt.

Bad:

    from trl import SFTConfig, SFTTrainer

    SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/demo")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, passed
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

MODES = ("jobs",)

EXPECTED = Expectation(
    "push_to_hub",
    good=lambda value: value is True,
    default=False,
    wrong="a job's disk is deleted with the job, and the model with it",
    fix='write push_to_hub=True, hub_model_id="user/name"',
)


def check(context: ScriptContext) -> Outcomes:
    if context.smoke is not None:
        yield passed(f"smoke run of {context.smoke[0]} steps: exempt", context.smoke[1])
        return
    by_hand = _pushed_by_hand(context)
    outcomes = list(outcomes_for(context, EXPECTED)) if context.runs else []
    if by_hand is not None and all(outcome.state == "fail" for outcome in outcomes):
        yield by_hand
    elif context.runs:
        yield from outcomes
    else:
        fix = "push in the script: model.push_to_hub(…) or HfApi().upload_folder(…)"
        yield failed(EXPECTED.wrong, fix, context.training.line)


def _pushed_by_hand(context: ScriptContext) -> Outcome | None:
    """`trainer.push_to_hub()`, an upload of the folder, or a bucket mounted where the model is written."""
    for call in context.methods("push_to_hub", "upload_folder", "upload_large_folder"):
        return passed(f"`{context.source.segment(call)}`", call.lineno)
    for name, call in context.calls_ending("upload_folder", "upload_large_folder"):
        return passed(f"{name}(…)", call.lineno)
    volumes = (context.header.jobs or {}).get("volumes")
    if isinstance(volumes, list) and any(isinstance(volume, str) and volume.startswith("hf://buckets/") for volume in volumes):
        line = context.header.line_with("volumes")
        return passed(f"a bucket is mounted by {'[tool.hf-jobs] volumes' if line else '--volume'}", line)
    return None

"""The model is pushed to another repository than the user agreed to, or becomes public.

A repository is public unless `hub_private_repo=True` is set. A model that was agreed to stay private, or on this machine,
must not be uploaded otherwise.

Bad:

    from trl import SFTConfig, SFTTrainer  # agreed: "hub": {"model_id": "me/demo", "private": true}

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/other")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "hub": {"model_id": "me/demo", "private": true}

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/demo", hub_private_repo=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.agreement import compare_setting
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes


def check(context: ScriptContext) -> Outcomes:
    if not context.agreed("hub"):
        return
    wanted = context.agreed("hub", "model_id")
    for run in context.runs:
        if not run.tunable:
            continue
        pushes = context.value(run, "push_to_hub", False)
        if wanted is None:
            yield compare_setting(context, run, "push_to_hub", False, False)
        elif pushes != known(False) and context.setting(run, "hub_model_id") is not None:
            yield compare_setting(context, run, "hub_model_id", wanted, None, "hub.model_id")
        if isinstance(wanted, str) and pushes == known(True) and context.agreed("hub", "private") is True:
            yield compare_setting(context, run, "hub_private_repo", True, None, "hub.private")

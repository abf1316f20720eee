"""Nothing is ever saved.

With `save_strategy="no"` no checkpoint is written and `push_to_hub=True` pushes nothing, unless the script calls
`save_model()` or `push_to_hub()` after training.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/demo", save_strategy="no")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/demo", save_strategy="no")
    trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows)
    trainer.train()
    trainer.save_model()
"""

from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, passed
from ml_intern_helpers.preflight.settings import Expectation, outcomes_for

EXPECTED = Expectation(
    "save_strategy",
    good=lambda value: value != "no",
    default="steps",
    wrong="no checkpoint is written, nothing is pushed, and nothing saves the model at the end",
    fix="call trainer.save_model() after training, or delete save_strategy",
)
_SAVING = ("save_model", "save_pretrained", "push_to_hub", "save_state_dict", "save_state", "upload_folder")


def check(context: ScriptContext) -> Outcomes:
    saved = context.methods(*_SAVING) + context.calls.get("torch.save", []) + context.calls.get("safetensors.torch.save_file", [])
    if saved:
        yield passed(f"`{context.source.segment(saved[0])}`", saved[0].lineno)
    elif context.smoke is not None:
        yield passed(f"smoke run of {context.smoke[0]} steps: exempt", context.smoke[1])
    else:
        yield from outcomes_for(context, EXPECTED)

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

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.preflight.asking import Ask, answers, no_config
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.outcome import Outcome, passed

CODE = "SAVE103"
SEVERITY = "error"
MODES = ("jobs", "local")

ASK = Ask(
    "save_strategy",
    good=lambda value: value != "no",
    default="steps",
    wrong="no checkpoint is written, nothing is pushed, and nothing saves the model at the end",
    fix="call trainer.save_model() after training, or drop save_strategy",
)
_SAVING = ("save_model", "save_pretrained", "push_to_hub", "save_state_dict", "save_state", "upload_folder")


def check(facts: Facts) -> Iterator[Outcome]:
    saved = facts.methods(*_SAVING) + facts.calls.get("torch.save", []) + facts.calls.get("safetensors.torch.save_file", [])
    if saved:
        yield passed(f"`{facts.source.segment(saved[0])}`", saved[0].lineno)
    elif facts.smoke is not None:
        yield passed(f"smoke run of {facts.smoke[0]} steps: exempt", facts.smoke[1])
    elif not facts.runs:
        yield no_config(facts)
    else:
        yield from answers(facts, ASK)

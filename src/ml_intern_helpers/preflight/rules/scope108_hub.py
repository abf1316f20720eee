"""The model goes to another place than the user agreed to, or becomes public.

A repository is public unless `hub_private_repo=True`; what was agreed to stay private, or on this machine, must not
be uploaded otherwise.

Bad:

    from trl import SFTConfig, SFTTrainer  # agreed: "hub": {"model_id": "me/demo", "private": true}

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/other")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer  # agreed: "hub": {"model_id": "me/demo", "private": true}

    config = SFTConfig(output_dir="out", push_to_hub=True, hub_model_id="me/demo", hub_private_repo=True)
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.outcome import Outcome
from ml_intern_helpers.preflight.scope import judged

CODE = "SCOPE108"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    if not facts.agreed("hub"):
        return
    for run in facts.runs:
        if run.tunable:
            yield from _judged(facts, run)


def _judged(facts: Facts, run: Run) -> Iterator[Outcome]:
    wanted = facts.agreed("hub", "model_id")
    pushes = facts.value(run, "push_to_hub", False)
    if wanted is None:
        yield judged(facts, run, "push_to_hub", False, False)
    elif pushes != known(False) and facts.setting(run, "hub_model_id") is not None:
        yield judged(facts, run, "hub_model_id", wanted, None, "hub.model_id")
    if isinstance(wanted, str) and pushes == known(True) and facts.agreed("hub", "private") is True:
        yield judged(facts, run, "hub_private_repo", True, None, "hub.private")

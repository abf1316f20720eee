"""Was the script's configuration read at all? Without that no verdict holds, whatever other lines passed."""

from __future__ import annotations

from ml_intern_helpers.preflight.checklist import Item
from ml_intern_helpers.preflight.facts import Facts, Run

#: The arguments that the lines about saving, logging and tracking ask of a config.
_SETTINGS = (
    "push_to_hub",
    "hub_model_id",
    "save_strategy",
    "disable_tqdm",
    "logging_strategy",
    "logging_first_step",
    "report_to",
    "trackio_space_id",
)
#: The lines that code outside a config settles too: loops and trainers of other libraries have no others.
_LINES = frozenset({"push_to_hub", "saved", "tracking"})


def settled_nothing(facts: Facts, checklist: list[Item]) -> bool:
    """No setting was read: a pass would be one for having looked at nothing.

    Where a trainer has a config of the transformers kind, only that config counts: `trainer.save_model()`, the packages or a
    free folder say nothing of how it trains. Elsewhere a line of `_LINES` must have been decided.
    """
    tunable = [run for run in facts.runs if run.tunable]
    if tunable:
        return not any(_read(facts, run, name) for run in tunable for name in _SETTINGS)
    return not any(item.id in _LINES and item.state in ("pass", "fail") for item in checklist)


def _read(facts: Facts, run: Run, name: str) -> bool:
    setting = facts.setting(run, name)
    return setting is None or setting.value.settled


def next_step(reasons: list[str]) -> str:
    """What to do when nothing was settled, as one line; `reasons` are the sentences under "what I could not tell"."""
    for source in ("TrlParser", "HfArgumentParser", "config file"):
        if any(source in reason for reason in reasons):
            return f"next: the settings come through the {source}: give --config FILE, or the command line with --launch '…'"
    return "next: answer the lines above from where the settings stand, or write them into the config's call, and check again"

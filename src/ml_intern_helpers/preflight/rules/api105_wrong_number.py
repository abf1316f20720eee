"""A call that Python cannot bind: too many positional arguments, a required one missing, or one given twice.

`TypeError` at the call. Positions move between releases, and configs and trainers have made most arguments keyword-only.

Bad:

    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer("Qwen/Qwen3-0.6B", SFTConfig(output_dir="out"), args=SFTConfig(output_dir="out"), train_dataset=rows)
    trainer.train()

Good:

    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows)
    trainer.train()
"""

from __future__ import annotations

from ml_intern_helpers.analysis.binding import misfits
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

SEVERITY = "error"
_FIX = {
    "too many": "pass the settings by keyword",
    "missing": "give it by keyword",
    "twice": "give it once",
}


def check(context: ScriptContext) -> Outcomes:
    for made in context.api_calls:
        for one in misfits(made) if context.blamable(made.call) else ():
            line = getattr(one.node, "lineno", made.call.lineno)
            if context.patched_by:
                yield unknown(f"{made.shown}: {one.text}, but {context.patched_by} replaces TRL's classes", line)
            else:
                message = f"{made.shown}: {one.text} ({context.offers.label(made.owner)}): TypeError"
                yield failed(message, f"{_FIX[one.kind]}; `api_lookup {made.name}` lists them", one.node, whole=made.call)

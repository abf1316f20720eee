"""A call has too many positional arguments, lacks a required one, or gives one twice.

Python raises `TypeError` at the call. Positions change between releases, and configs and trainers have made most arguments
keyword-only.

Bad:

    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer("Qwen/Qwen3-0.6B", SFTConfig(output_dir="out"), args=SFTConfig(output_dir="out"), train_dataset=rows)
    trainer.train()

Good:

    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows)
    trainer.train()
"""

from ml_intern_helpers.analysis.api_calls import misfits
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

_FIX = {"too many": "pass the settings by keyword", "missing": "give it by keyword", "twice": "give it once"}


def check(context: ScriptContext) -> Outcomes:
    for call in context.api_calls:
        for misfit in misfits(call) if context.error_stops_run(call.call) else ():
            if context.patched_by:
                line = getattr(misfit.node, "lineno", call.call.lineno)
                yield unknown(f"{call.shown}: {misfit.text}, but {context.patched_by} replaces TRL's classes", line)
            else:
                message = f"{call.shown}: {misfit.text} ({context.offers.label(call.owner)}): TypeError"
                fix = f"{_FIX[misfit.kind]}; `api_lookup {call.name}` lists its arguments"
                yield failed(message, fix, misfit.node, whole=call.call)

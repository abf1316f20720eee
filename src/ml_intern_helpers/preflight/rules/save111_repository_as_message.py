"""A trainer's `push_to_hub` gets a repository's name where it expects the commit message.

`model.push_to_hub("me/demo")` names the repository; the first parameter of `trainer.push_to_hub` is `commit_message`. The model
is uploaded nevertheless: to `hub_model_id`, or without one to a repository named after the output folder. The name that the
script gives is found only in the history of commits.

Bad:

    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=SFTConfig(output_dir="out"), train_dataset=rows)
    trainer.train()
    trainer.push_to_hub("me/demo")

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", hub_model_id="me/demo")
    trainer = SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows)
    trainer.train()
    trainer.push_to_hub()
"""

import ast
import re

from ml_intern_helpers.analysis.names import origins
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown
from ml_intern_helpers.preflight.settings import shown

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def check(context: ScriptContext) -> Outcomes:
    for call in context.api_calls:
        first = call.signature.arguments[0].name if call.signature.arguments else ""
        argument = call.given.positional[0] if call.given.positional else None
        if first != "commit_message" or not call.name.endswith(".push_to_hub") or argument is None or context.patched_by:
            continue
        value = context.constant(argument)
        if value.state != "known" or not isinstance(value.value, str) or not _REPOSITORY.fullmatch(value.value):
            continue
        built = origins(context.script, call.call.func.value) if isinstance(call.call.func, ast.Attribute) else []
        for run in (run for run in context.runs if run.trainer.call in built):
            target = context.value(run, "hub_model_id")
            message = f"{call.shown}({shown(value.value)}) sets the commit message: the model goes to"
            fix = f"write hub_model_id={shown(value.value)} in the config and call push_to_hub()"
            if target.state != "known":
                yield unknown(f"which repository the model goes to: {target.reason}", call.call.lineno)
            elif not target.value:
                where = "a repository named after the output folder"
                yield failed(f"{message} {where}", fix, argument, whole=call.call)
            elif target.value != value.value:
                yield failed(f"{message} {shown(target.value)}", fix, argument, severity="warning", whole=call.call)

"""Something is used that the library has deprecated or already ignores.

The library says so in its documentation or in a warning at run time, which is easily overlooked. In the release that it
names, the script stops working. Arguments that huggingface_hub ignores are reported too.

Bad:

    from huggingface_hub import snapshot_download
    from trl import GRPOConfig, SFTConfig

    snapshot_download("Qwen/Qwen3-0.6B", resume_download=True)
    config = GRPOConfig(output_dir="out", use_transformers_paged=True)
    other = SFTConfig(output_dir="out", gradient_checkpointing=True)

Good:

    from huggingface_hub import snapshot_download
    from trl import GRPOConfig, SFTConfig

    snapshot_download("Qwen/Qwen3-0.6B")
    config = GRPOConfig(output_dir="out", use_transformers_continuous_batching=True)
    other = SFTConfig(output_dir="out", activation_checkpointing=True)
"""

import ast
import re
from collections.abc import Iterator

from ml_intern_helpers.analysis.api_calls import ApiCall, is_sure
from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.indexes.lookup import Deprecation, announced_of
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed

SEVERITY = "warning"
_IMPERATIVES = ("use ", "set ", "pass ", "please ", "subclass ", "update ", "configure ")
_NAMED = re.compile(r"`(\w+)`")


def check(context: ScriptContext) -> Outcomes:
    if context.patched_by:
        return
    seen = set()
    for call in context.api_calls:
        for deprecation in announced_of(context.offers, call.signature) if context.error_stops_run(call.call) else ():
            for node, outcome in _deprecated(context, call, deprecation):
                if (node, deprecation.announced.name) not in seen:
                    seen.add((node, deprecation.announced.name))
                    yield outcome


def _deprecated(context: ScriptContext, call: ApiCall, deprecation: Deprecation) -> Iterator[tuple[ast.AST, Outcome]]:
    """(what is deprecated, the failure): the call itself, an argument of it, or a setting of the config that a trainer reads."""
    name = deprecation.announced.name
    if not name:
        message = f"{call.shown} is deprecated ({deprecation.label}), {deprecation.when}"
        yield call.call, failed(message, _fix(call, deprecation), call.call)
    elif name.startswith("args."):  # the library does not warn about a setting that is switched off
        for run in context.runs:
            setting = context.setting(run, name.removeprefix("args.")) if run.trainer.call is call.call else None
            if setting is not None and setting.value.settled and setting.value.value and _concerns(deprecation, setting):
                yield setting.node, _failed_argument(run.config.role.name, call, deprecation, setting)
    elif name in call.signature.names or call.name.endswith(".from_pretrained"):
        setting = call.given.entries.items.get(name)
        if setting is not None and is_sure(setting) and context.error_stops_run(setting.node) and _concerns(deprecation, setting):
            yield setting.node, _failed_argument(call.shown, call, deprecation, setting)


def _concerns(deprecation: Deprecation, setting: Setting) -> bool:
    if setting.value.settled:
        return setting.value.value is not None and deprecation.concerns(setting.value.value)
    return not deprecation.announced.value


def _failed_argument(shown: str, call: ApiCall, deprecation: Deprecation, setting: Setting) -> Outcome:
    announced, fix = deprecation.announced, _fix(call, deprecation)
    name = announced.name.removeprefix("args.") + (f"={announced.value}" if announced.value else "")
    message = f"{name} of {shown} is deprecated ({deprecation.label}), {deprecation.when}"
    if deprecation.ignored:
        message, fix = f"{shown} ignores {name} ({deprecation.label})", f"delete it: {fix}"
    return failed(message, fix, setting.node, whole=call.call)


def _fix(call: ApiCall, deprecation: Deprecation) -> str:
    """The library's own advice, or `write NAME=` where it names one argument of the call."""
    named = _NAMED.findall(deprecation.announced.advice)
    if deprecation.announced.name and len(named) == 1 and named[0] in call.signature.names:
        return f"write {named[0]}="
    advice = deprecation.announced.advice.rstrip(".")
    advice = advice[:1].lower() + advice[1:]
    if advice.startswith(_IMPERATIVES) or deprecation.ignored:
        return advice
    return f"delete it: {advice}" if advice else "delete it"

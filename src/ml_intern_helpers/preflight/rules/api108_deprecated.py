"""Something is used that the library has deprecated or already ignores.

The library says so in a warning at run time, which scrolls past, or in its documentation. With the release that it names the
script stops working. Arguments that huggingface_hub ignores are reported too.

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

import re
from collections.abc import Iterator

from ml_intern_helpers.analysis.api_calls import ApiCall, is_sure
from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.indexes.announced import Deprecation, announced_of
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed

SEVERITY = "warning"
_ORDERS = ("use ", "set ", "pass ", "please ", "subclass ", "update ", "configure ")
_NAMED = re.compile(r"`(\w+)`")


def check(context: ScriptContext) -> Outcomes:
    if context.patched_by:
        return
    seen = set()
    for call in context.api_calls:
        for going in announced_of(context.offers, call.signature) if context.blamable(call.call) else ():
            for setting, outcome in _judged(context, call, going):
                if (setting.node, going.announced.name) not in seen:
                    seen.add((setting.node, going.announced.name))
                    yield outcome


def _judged(context: ScriptContext, call: ApiCall, going: Deprecation) -> Iterator[tuple[Setting, Outcome]]:
    name = going.announced.name
    if not name:
        message = f"{call.shown} is deprecated ({going.label}), {going.when}"
        yield Setting(context.constant(call.call), call.call), failed(message, _fix(call, going), call.call)
    elif name.startswith("args."):  # a setting of the config that the trainer reads; switched off, it is not complained of
        for run in context.runs:
            setting = context.setting(run, name.removeprefix("args.")) if run.trainer.call is call.call else None
            if setting is not None and setting.value.settled and setting.value.value and _concerned(setting, going):
                yield setting, _argument(run.config.role.name, call, going, setting)
    elif name in call.signature.names or call.name.endswith(".from_pretrained"):
        setting = call.given.entries.items.get(name)
        if setting is not None and is_sure(setting) and context.blamable(setting.node) and _concerned(setting, going):
            yield setting, _argument(call.shown, call, going, setting)


def _concerned(setting: Setting, going: Deprecation) -> bool:
    if setting.value.settled:
        return setting.value.value is not None and going.concerns(setting.value.value)
    return not going.announced.value


def _argument(shown: str, call: ApiCall, going: Deprecation, setting: Setting) -> Outcome:
    name = going.announced.name.removeprefix("args.") + (f"={going.announced.value}" if going.announced.value else "")
    if going.ignored:
        return failed(f"{shown} ignores {name} ({going.label})", f"delete it: {_fix(call, going)}", setting.node, whole=call.call)
    message = f"{name} of {shown} is deprecated ({going.label}), {going.when}"
    return failed(message, _fix(call, going), setting.node, whole=call.call)


def _fix(call: ApiCall, going: Deprecation) -> str:
    """The library's own sentence; an argument that the call takes is named as one."""
    named = _NAMED.findall(going.announced.advice)
    if going.announced.name and len(named) == 1 and named[0] in call.signature.names:
        return f"write {named[0]}="
    advice = going.announced.advice.rstrip(".")
    advice = advice[:1].lower() + advice[1:]
    return advice if advice.startswith(_ORDERS) or going.ignored else f"delete it: {advice}" if advice else "delete it"

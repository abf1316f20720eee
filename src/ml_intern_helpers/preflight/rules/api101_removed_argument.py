"""A call passes an argument that the installed release does not accept.

The call raises `TypeError: … got an unexpected keyword argument` after the job has been queued, has installed everything and
has downloaded the dataset. An argument hidden in `**dict`, behind an alias, in a partial or in a subclass fails in the same
way. The rule judges the classes, functions and methods of trl, transformers, peft, accelerate, datasets, trackio and
huggingface_hub that accept a fixed set of arguments; calls that accept any keyword are left alone. It also judges what a
command line or config file gives a TrlParser or HfArgumentParser (--launch, --config FILE).

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", max_seq_length=2048, evaluation_strategy="no")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, tokenizer=tokenizer).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", max_length=2048, eval_strategy="no")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, processing_class=tokenizer).train()
"""

from ml_intern_helpers.analysis.api_calls import ApiCall, Unknown, is_sure, unknown_keywords
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, unknown
from ml_intern_helpers.preflight.parser_names import Refused, refused

SEVERITY = "error"
#: They take any keyword and hand it to a loader that refuses what it does not know: an argument they once had fails there.
_HANDS_ON = frozenset({"datasets.load_dataset", "datasets.load_dataset_builder"})


def check(context: ScriptContext) -> Outcomes:
    seen = set()
    for call in context.api_calls:
        if context.blamable(call.call) and not call.name.endswith("from_pretrained"):  # API104 judges that
            for one in unknown_keywords(call):
                if one.setting.node not in seen and context.blamable(one.setting.node):
                    seen.add(one.setting.node)
                    yield from _judged(context, call, one)
    for name in refused(context) if not context.patched_by else ():
        yield _refused_by_parser(context, name)
    yield from context.not_judged("arguments")


def _judged(context: ScriptContext, call: ApiCall, one: Unknown) -> Outcomes:
    from ml_intern_helpers.analysis.advice import for_argument, is_misspelt

    advice = for_argument(context.offers, call.name, one.name, call.signature)
    line = getattr(one.setting.node, "lineno", call.call.lineno)
    if call.signature.open and not (call.name in _HANDS_ON and advice.existed):
        if is_misspelt(one.name, call.signature):
            yield unknown(f"{call.shown} takes any keyword, {one.name}= too: {advice.fix}", line)
    elif context.patched_by or not is_sure(one.setting):
        why = f"{context.patched_by} replaces TRL's classes" if context.patched_by else one.setting.value.reason
        yield unknown(f"{one.name}= of {call.shown} is not taken by {context.offers.label(call.owner)}, but {why}", line)
    else:
        release = "; ".join(part for part in (context.offers.label(call.owner), advice.since) if part)
        message = f"{call.shown} takes no argument {one.name} ({release}): TypeError"
        yield failed(message, advice.fix, one.setting.node, whole=call.call, rename=advice.rename)


def _refused_by_parser(context: ScriptContext, one: Refused) -> Outcome:
    from ml_intern_helpers.analysis.advice import for_argument

    advices = [for_argument(context.offers, call, one.name, signature) for call, signature in one.library]
    best = next((advice for advice in advices if advice.existed), advices[0] if advices else None)
    release = context.offers.label(one.library[0][1].origin) if one.library else "the script's own"
    what = "".join(f"{call.rpartition('.')[2]}, " for call, _ in one.library)
    message = f"{one.parser} gets {one.name}, which no class of its own takes ({what}{release}): it ends with ValueError"
    return failed(message, one.instead or (best.fix if best else f"delete {one.name}"), one.parse)

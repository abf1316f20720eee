"""`from_pretrained` gets an argument that the release of transformers does not accept.

The argument is passed on to the model's constructor and fails there with a `TypeError`, after the weights have been
downloaded. Accepted are the method's own arguments, the keywords that it takes out of `**kwargs`, and the fields of the
model's configuration. An argument that older releases accepted and this one does not is an error; any other is reported as
unknown.

Bad:

    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", load_in_4bit=True)

Good:

    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen3-0.6B", quantization_config=BitsAndBytesConfig(load_in_4bit=True))
"""

import ast

from ml_intern_helpers.analysis.api_calls import is_sure
from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown


def check(context: ScriptContext) -> Outcomes:
    for name, call in context.calls_ending("from_pretrained"):
        resolved = context.offers.walk(name)
        if context.is_indexed(name.partition(".")[0]) and resolved.state == "found" and context.error_stops_run(call):
            owner = context.offers.shown_name(resolved.origin)
            for word, setting in context.keywords(call).items.items():
                if context.error_stops_run(setting.node):
                    yield from _outcomes(context, call, owner, word, setting)


def _outcomes(context: ScriptContext, call: ast.Call, owner: str, name: str, setting: Setting) -> Outcomes:
    from ml_intern_helpers.analysis.advice import for_argument
    from ml_intern_helpers.indexes.lookup import from_pretrained_keyword, known_names, similar
    from ml_intern_helpers.indexes.signatures import Signature

    taken = from_pretrained_keyword(context.offers, owner, name)
    line = getattr(setting.node, "lineno", call.lineno)
    # It was removed before the run's release, or at an unknown time and the run has the current release.
    gone = context.offers.is_current(owner)
    if not gone and taken.gone is not None and taken.gone.removal is not None:
        gone = context.offers.is_at_least(owner, taken.gone.removal.gone)
    if taken.state == "removed" and gone:
        nothing_named = Signature("", ())  # empty, so that nothing is suggested: any configuration field may be meant
        advice = for_argument(context.offers, "transformers.PreTrainedModel.from_pretrained", name, nothing_named)
        release = advice.release(context.offers.label(owner))
        message = f"from_pretrained takes no argument {name} ({release}): TypeError"
        failure = failed(message, advice.fix, setting.node, whole=call, rename=advice.rename)
        yield failure if is_sure(setting) else unknown(message, line)
    elif taken.state in ("removed", "doubtful"):
        alike = similar(name, sorted(known_names(context.offers, owner)))
        meant = f"; did you mean {alike[0]}=?" if alike else ""
        if meant or owner.startswith("transformers."):  # other libraries pass their keywords on to a class of transformers
            yield unknown(f"whether {owner.rpartition('.')[2]}.from_pretrained takes {name}={meant}", line)

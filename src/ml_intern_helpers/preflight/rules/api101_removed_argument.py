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

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.api_calls import ApiCall, is_sure, subclass_of, unknown_keywords
from ml_intern_helpers.analysis.classes import fields_of, is_dataclass
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.script_arguments import names_given, names_switched_off
from ml_intern_helpers.analysis.values import Setting
from ml_intern_helpers.indexes.signatures import Signature
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, failed, unknown

#: Functions that pass any keyword on to a loader, which rejects unknown ones: an argument they once had fails there.
_FORWARDING = frozenset({"datasets.load_dataset", "datasets.load_dataset_builder"})
#: Arguments of the parsing call with which an unknown option may be no error.
_LENIENT = frozenset({"return_remaining_strings", "fail_with_unknown_args", "allow_extra_keys", "args"})


class Refusal(NamedTuple):
    """An option on the command line or in its config file that no dataclass of the script's parser accepts.

    Attributes:
        name: the option's name.
        parser: the parser's class, such as `TrlParser`.
        parse: the parsing call.
        library: (name, signature) of each dataclass of the parser that comes from an indexed library.
        instead: the correct form of a `--no_name` option, "" for other options.
    """

    name: str
    parser: str
    parse: ast.Call
    library: tuple[tuple[str, Signature], ...]
    instead: str = ""


def check(context: ScriptContext) -> Outcomes:
    seen = set()
    for call in context.api_calls:
        if context.error_stops_run(call.call) and not call.name.endswith("from_pretrained"):  # API104 checks from_pretrained
            for name, setting in unknown_keywords(call):
                if setting.node not in seen and context.error_stops_run(setting.node):
                    seen.add(setting.node)
                    yield from _argument_outcomes(context, call, name, setting)
    for refusal in _refusals(context) if not context.patched_by else ():
        yield _refused_by_parser(context, refusal)
    yield from context.unknown_releases("arguments")


def _argument_outcomes(context: ScriptContext, call: ApiCall, name: str, setting: Setting) -> Outcomes:
    from ml_intern_helpers.analysis.advice import for_argument, is_misspelt

    advice = for_argument(context.offers, call.name, name, call.signature)
    line = getattr(setting.node, "lineno", call.call.lineno)
    if call.signature.open and not (call.name in _FORWARDING and advice.existed):
        if is_misspelt(name, call.signature):
            yield unknown(f"{call.shown} accepts any keyword, so that a misspelt {name}= goes unnoticed: {advice.fix}", line)
    elif context.patched_by or not is_sure(setting):
        why = f"{context.patched_by} replaces TRL's classes" if context.patched_by else setting.value.reason
        yield unknown(f"{name}= of {call.shown} is not accepted by {context.offers.label(call.owner)}, but {why}", line)
    else:
        release = advice.release(context.offers.label(call.owner))
        message = f"{call.shown} takes no argument {name} ({release}): TypeError"
        yield failed(message, advice.fix, setting.node, whole=call.call, rename=advice.rename)


def _refused_by_parser(context: ScriptContext, refusal: Refusal) -> Outcome:
    from ml_intern_helpers.analysis.advice import for_argument

    advices = [for_argument(context.offers, call, refusal.name, signature) for call, signature in refusal.library]
    best = next((advice for advice in advices if advice.existed), advices[0] if advices else None)
    release = context.offers.label(refusal.library[0][1].origin) if refusal.library else "the script's own"
    what = "".join(f"{call.rpartition('.')[2]}, " for call, _ in refusal.library)
    message = f"{refusal.parser} gets {refusal.name}, which none of its classes accepts ({what}{release}): ValueError"
    return failed(message, refusal.instead or (best.fix if best else f"delete {refusal.name}"), refusal.parse)


def _refusals(context: ScriptContext) -> Iterator[Refusal]:
    """The options with which the parser ends the script; none unless all of its dataclasses are known."""
    seen: set[ast.Call] = set()
    for config, parsed in list(context.script.parsed.items()):
        lenient = {word.arg for word in parsed.parse.keywords} & {*_LENIENT, None}
        if parsed.parse in seen or lenient:
            continue
        seen.add(parsed.parse)
        classes = [_accepted(context, type_) for type_ in parsed.types]
        if all(classes):
            accepted = {name for fields in classes if fields for name in fields[0]}
            library = tuple(fields[1] for fields in classes if fields and fields[1])
            switches = {name for type_ in parsed.types for name in _switches(context, type_)}
            switched = names_switched_off(context.script, config) - switches
            for name in names_given(context.script, config):
                if name in switched and f"no_{name}" not in accepted:
                    instead = f"write --{name} False: only options that are on by default have a --no_ form"
                    yield Refusal(f"no_{name}", parsed.parser, parsed.parse, library, instead if name in accepted else "")
                elif name not in accepted and name not in switched:
                    yield Refusal(name, parsed.parser, parsed.parse, library)


def _switches(context: ScriptContext, type_: ast.expr) -> Iterator[str]:
    """The fields that get a `--no_name` option: those with the default True, and those whose default is not known."""
    target = dotted(context.script, type_)
    if target is None:
        return
    name, own = target.name, {}
    if isinstance(target.definition, ast.ClassDef):
        own = fields_of(context.script, target.definition)
        above = subclass_of(context.script, context.offers, target.definition)
        name = context.offers.shown_name(above.origin) if above is not None else ""
    for field in own.values():
        if field.default is not None and (not isinstance(field.default, ast.Constant) or field.default.value is True):
            yield field.name
    fields = _of_library(context, name, frozenset()) if name else None
    for argument in fields[1][1].arguments if fields else ():
        if argument.default == "True" and argument.name not in own:
            yield argument.name


def _accepted(context: ScriptContext, type_: ast.expr) -> tuple[frozenset[str], tuple[str, Signature] | None] | None:
    """(names of a dataclass's fields, its library class if any); None when not all fields are known."""
    target = dotted(context.script, type_)
    if target is None or target.partial:
        return None
    if not isinstance(target.definition, ast.ClassDef):
        return _of_library(context, target.name, frozenset()) if target.definition is None else None
    own = frozenset(fields_of(context.script, target.definition))
    above = subclass_of(context.script, context.offers, target.definition)
    if above is not None:
        return _of_library(context, context.offers.shown_name(above.origin), own)
    plain = is_dataclass(context.script, target.definition) and not target.definition.bases
    return (own, None) if plain else None


def _of_library(context: ScriptContext, name: str, own: frozenset[str]) -> tuple[frozenset[str], tuple[str, Signature]] | None:
    resolved = context.offers.walk(name)
    if resolved.state != "found" or resolved.rest or ":" not in resolved.origin or not context.is_indexed(name.partition(".")[0]):
        return None
    signature = context.offers.call_of(resolved.origin)
    if signature is None or signature.open:
        return None
    return frozenset(signature.names) | own, (context.offers.shown_name(resolved.origin), signature)

"""The script reads a setting that the config no longer has.

Reading it raises `AttributeError`. Scripts derived from the libraries' examples still read `overwrite_output_dir` or
`logging_dir` of the parsed arguments; a setting that the release has removed is no longer an attribute.

Bad:

    from transformers import HfArgumentParser, TrainingArguments

    (args,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()
    if args.do_train and not args.overwrite_output_dir:
        print("may be resumed")

Good:

    from transformers import HfArgumentParser, TrainingArguments

    (args,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()
    if args.do_train:
        print("may be resumed")
"""

import ast
from functools import cache

from ml_intern_helpers.analysis.constructions import Construction
from ml_intern_helpers.analysis.names import origins
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

#: Removed arguments that can still be read, as properties of TrainingArguments (the tests read them).
STILL_THERE = frozenset({"world_size"})


def check(context: ScriptContext) -> Outcomes:
    configs = {config.call: config for config in context.configs}
    texts = {node.value for node in context.script.places if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assigned = {target.attr for target, _ in context.script.attribute_sets} | set(context.loose)
    for node in context.script.places if configs else ():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr not in texts | assigned:
            objects = [configs.get(call) for call in origins(context.script, node.value)]
            if objects and context.error_stops_run(node):
                yield from _outcomes(context, node, [config for config in objects if config is not None], len(objects))


def _outcomes(context: ScriptContext, node: ast.Attribute, configs: list[Construction], candidates: int) -> Outcomes:
    """A failure if every config that the object may be lacks the setting; unknown if it may be something else."""
    for config in configs:
        name = f"{config.role.library}.{config.role.name}"
        resolved = context.offers.walk(name)
        call = context.offers.call_of(resolved.origin) if resolved.state == "found" and not resolved.rest else None
        if call is None or node.attr in {*call.names, *config.declared} or node.attr in STILL_THERE:
            return
        if node.attr not in _ever_removed():  # tested first, because looking for advice is slow
            return
        from ml_intern_helpers.analysis.advice import for_argument

        advice = for_argument(context.offers, name, node.attr, call)
        if not advice.existed:
            return
    if not configs or context.patched_by or len(configs) < candidates or any(config.own_init for config in configs):
        if configs:
            yield unknown(f"whether .{node.attr} is there: {configs[0].role.name} has no such setting", node.lineno)
        return
    shown = f"{configs[0].role.name}.{node.attr}"
    since = advice.release(context.offers.label(resolved.origin))
    fix = f"read .{advice.rename}" if advice.rename else "do not read it: the release has no such setting"
    yield failed(f"{shown} does not exist ({since}): AttributeError", fix, node)


@cache
def _ever_removed() -> frozenset[str]:
    """The last part of every name that transformers or trl has removed."""
    from ml_intern_helpers.indexes.removed import removals_of

    return frozenset(removal.name.rpartition(".")[2] for package in ("transformers", "trl") for removal in removals_of(package))

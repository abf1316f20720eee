"""An overridden method does not accept the call that the library makes.

The Trainer passes `num_items_in_batch` to `compute_loss` and `training_step`, and `start_time` to `log`; each event of a
callback gets the model, the optimizer and more as keywords. An override written for an older release raises TypeError at the
first step, when the model, the data and the GPU are all there.

Bad:

    from transformers import Trainer, TrainingArguments

    class Weighted(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False):
            return model(**inputs).loss * 2

    Weighted(model=model, args=TrainingArguments(output_dir="out"), train_dataset=rows).train()

Good:

    from transformers import Trainer, TrainingArguments

    class Weighted(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None, **kwargs):
            return model(**inputs).loss * 2

    Weighted(model=model, args=TrainingArguments(output_dir="out"), train_dataset=rows).train()
"""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.api_calls import subclass_of
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown


class Given(NamedTuple):
    """An argument that the Trainer passes; `place` counts positions after `self`, None when it is passed by keyword."""

    name: str
    place: int | None


#: Method -> an argument that overrides often lack; the tests run each with such an override.
GIVEN = {
    "compute_loss": Given("num_items_in_batch", None),
    "training_step": Given("num_items_in_batch", 3),
    "log": Given("start_time", 2),
}
_CALLBACK = "transformers.TrainerCallback"


def check(context: ScriptContext) -> Outcomes:
    seen: set[ast.FunctionDef] = set()
    for trainer in context.trainers:
        target = dotted(context.script, trainer.call.func)
        if target is not None and isinstance(target.definition, ast.ClassDef) and context.error_stops_run(trainer.call):
            for override in _functions(target.definition):
                if override.name in GIVEN and override not in seen:
                    seen.add(override)
                    yield from _outcomes(context, target.definition, override)
    for definition in _callbacks(context):
        for override in _functions(definition):
            if override.name.startswith("on_") and override.args.kwarg is None and _inherited(context, definition, override.name):
                message = f"{definition.name}.{override.name} has no **kwargs: the Trainer passes model= and more, TypeError"
                yield failed(message, "add **kwargs to its arguments", override)


def _outcomes(context: ScriptContext, definition: ast.ClassDef, override: ast.FunctionDef) -> Outcomes:
    passed_argument, shown, args = GIVEN[override.name], f"{definition.name}.{override.name}", override.args
    by_place = [argument.arg for argument in (*args.posonlyargs, *args.args)][1:]
    if passed_argument.place is not None:
        takes = len(by_place) >= passed_argument.place or args.vararg is not None
    else:
        takes = args.kwarg is not None or passed_argument.name in {*by_place, *(argument.arg for argument in args.kwonlyargs)}
    if takes:
        return
    inherited = _inherited(context, definition, override.name)
    if inherited is None:
        unseen = f"not every base of {definition.name} can be seen"
        yield unknown(f"whether {shown} needs {passed_argument.name}: {unseen}", override.lineno)
    elif passed_argument.name in inherited:
        message = f"{shown} does not take {passed_argument.name}, which the Trainer passes: TypeError"
        yield failed(message, f"add {passed_argument.name}=None to its arguments", override)


def _functions(definition: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    return (node for node in definition.body if isinstance(node, ast.FunctionDef) and not node.decorator_list)


def _callbacks(context: ScriptContext) -> Iterator[ast.ClassDef]:
    """Callback classes that the script defines and uses, if it builds a trainer."""
    for node in context.script.places if context.trainers else ():
        if isinstance(node, ast.ClassDef) and context.script.names.get(node.name) and context.error_stops_run(node):
            base = subclass_of(context.script, context.offers, node)
            if base is not None and base.origin == context.offers.origin(_CALLBACK):
                yield node


def _inherited(context: ScriptContext, definition: ast.ClassDef, name: str) -> frozenset[str] | None:
    """The arguments of the library's method and of those it overrides (TRL's pass `*args` on); None if a base is unknown."""
    base = subclass_of(context.script, context.offers, definition)
    if base is None:
        return None
    known = [record.methods[name].known for _, record in context.offers.line(base.origin) if name in record.methods]
    return frozenset().union(*known)

"""Judges the settings of a config for the rules: expected values, and the constants that a call certainly passes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.constructions import Construction
from ml_intern_helpers.analysis.guards import expected
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.analysis.values import Setting, known
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, Outcomes, at_run_time, failed, passed, unknown

#: Values of `lr_scheduler_type` that make the loss the metric of the best model.
_LOSS_IS_METRIC = ("reduce_lr_on_plateau", "greedy")


class Expectation(NamedTuple):
    """The value that a line of the checklist expects of one config argument.

    Attributes:
        name: the config's argument.
        good: whether a value is right.
        default: the library's default in the indexed releases.
        wrong: the message when the value is wrong.
        fix: what to write.
    """

    name: str
    good: Callable[[object], bool]
    default: object
    wrong: str
    fix: str


def outcomes_for(context: ScriptContext, expectation: Expectation) -> Outcomes:
    """The distinct outcomes of the script's configs; for a script without a config, unknown with the reason."""
    if not context.runs:
        yield no_config(context)
    outcomes = []
    for run in context.runs:
        if run.tunable:
            outcomes.append(_outcome(context, run, expectation))
        else:
            outcomes.append(unknown(f"the settings of {run.trainer.role.library} are not known to this check", run.trainer.line))
    yield from dict.fromkeys(outcomes)


def no_config(context: ScriptContext) -> Outcome:
    what = context.training.method or "the script"
    return unknown(f"{what}: no trainer config to read", context.training.line)


def _outcome(context: ScriptContext, run: Run, expectation: Expectation) -> Outcome:
    name, good, default, wrong, fix = expectation
    setting = context.setting(run, name)
    if setting is None:
        if good(default):
            return passed(f"{name} is {shown(default)} by default", run.config.line)
        return failed(f"{name} is not set: {wrong}", fix, run.config.call)
    line = line_of(setting, run)
    value = context.value(run, name, default)
    if value.state == "unknown":
        return unknown(value.reason, line)
    if not value.settled:
        return at_run_time(value.reason, line)
    if good(value.value):
        decided = f" by default; {value.reason} decides" if value.state == "default" else ""
        return passed(f"{name}={shown(value.value)}{decided}", line)
    if value.state == "default":
        give = "give" if value.by_option else "set"
        return at_run_time(f"{shown(value.value)} by default: {give} {value.reason}", line)
    return failed(f"{name}={shown(value.value)}: {wrong}", fix, setting.node, whole=run.config.call)


def shown(value: object) -> str:
    """A value as source code, shortened; a string is in double quotes."""
    text = '"' + value + '"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def line_of(setting: Setting | None, run: Run) -> int:
    return getattr(setting.node, "lineno", run.config.line) if setting else run.config.line


class Constant(NamedTuple):
    """One setting given as a constant: its name, its value, and the node that gives it."""

    name: str
    value: Any
    node: ast.expr


def constants(context: ScriptContext, config: Construction, names: Collection[str]) -> Iterator[Constant]:
    """The settings among `names` that the call certainly passes; none if a command line, subclass or patch may change them."""
    if config.parsed or not as_indexed(context, config):
        return
    for name in names:
        setting = config.entries.items.get(name)
        if setting and name not in context.loose and setting.value.state == "known" and isinstance(setting.node, ast.expr):
            # An assignment to a finished config is not validated: `config.seed = "7"`, `setattr(config, "seed", "7")`.
            assigned = isinstance(setting.node, ast.Attribute) and isinstance(setting.node.ctx, ast.Store)
            by_call = isinstance(setting.node, ast.Call) and getattr(setting.node.func, "id", "") == "setattr"
            if not assigned and not by_call:
                yield Constant(name, setting.value.value, setting.node)


def as_indexed(context: ScriptContext, construction: Construction) -> bool:
    """Whether it is Transformers' or TRL's own class, unpatched, in the indexed release, and no `try` handles its failure.

    TRL's experimental trainers do not count, because they have training loops of their own.
    """
    target, library = dotted(context.script, construction.call.func), construction.role.library
    if target is None or target.definition or target.name.startswith("trl.experimental.") or context.patched_by:
        return False
    if library not in ("transformers", "trl") or not context.is_indexed(library):
        return False
    current = context.uses_current("transformers") and context.uses_current(library)
    failure_handled = expected(context.script, construction.call, "ValueError", "AssertionError")
    return current and context.error_stops_run(construction.call) and not failure_handled


def no_best_metric(context: ScriptContext, run: Run) -> bool:
    """Whether `metric_for_best_model` is certainly not set, and no other setting makes it the loss."""
    unnamed = context.value(run, "metric_for_best_model") == known(None)
    best = context.value(run, "load_best_model_at_end", False)
    schedule = context.value(run, "lr_scheduler_type", "linear")
    return unnamed and best == known(False) and schedule.state == "known" and schedule.value not in _LOSS_IS_METRIC


def run_as_indexed(context: ScriptContext, run: Run) -> bool:
    """Whether `as_indexed` holds for the trainer and for its config."""
    return as_indexed(context, run.trainer) and as_indexed(context, run.config)

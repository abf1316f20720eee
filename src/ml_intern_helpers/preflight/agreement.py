"""Compares what a script does with what the user agreed to, for the SCOPE rules."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.names import expressions_of, reaching, returned_values
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Setting, Value
from ml_intern_helpers.analysis.values import unknown as unknown_value
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import Run, ScriptContext
from ml_intern_helpers.preflight.outcome import Outcome, at_run_time, failed, passed, unknown
from ml_intern_helpers.preflight.settings import shown
from ml_intern_helpers.runs.differences import Stated, compare

#: The most names, parameters and calls that are followed to reach the expression behind a name.
_MAX_DEPTH = 12


def not_as_agreed(what: str, actual: object, agreed: object, at: ast.AST | int | None, whole: ast.AST | None = None) -> Outcome:
    """A failure that states the script's value and the agreed one; only the user may change the agreement."""
    message = f"{what} is {_text(actual)}; the user agreed to {_text(agreed)}"
    fix = f"write {_text(agreed)}, or ask the user and record the answer in .ml-intern/task.json"
    return failed(message, fix, at, whole=whole)


def compare_setting(
    context: ScriptContext, run: Run, name: str, agreed: object, default: object, term: str | None = None
) -> Outcome:
    """Compares the config's argument `name` with what was agreed; `default` is the library's default."""
    setting = context.setting(run, name)
    value = context.value(run, name, default)
    at = setting.node if setting else run.config.call
    return compare_value(name, value, agreed, at, run.config.call, term)


def as_agreed(term: str | None, agreed: object, value: object) -> bool:
    """Whether a value is what was agreed, by the same comparison as in the launch guard."""
    return agreed == value if term is None else compare(term, agreed, Stated("known", value)) == "same"


def compare_value(
    what: str, value: Value, agreed: object, at: ast.AST, whole: ast.AST | None = None, term: str | None = None
) -> Outcome:
    """Compares a value with what was agreed (`term` of `runs.differences`); an option's default is decided at run time."""
    line = getattr(at, "lineno", None)
    if value.state == "unknown":
        return unknown(f"{what}: {value.reason}", line)
    if value.state == "runtime":
        return at_run_time(f"{what}: {value.reason}; agreed is {_text(agreed)}", line)
    if as_agreed(term, agreed, value.value):
        return passed(f"{what} {_text(agreed)} as agreed", line)
    if value.state == "default":
        return at_run_time(f"{what} is {_text(value.value)} by default, agreed is {_text(agreed)}: {value.reason} decides", line)
    return not_as_agreed(what, value.value, agreed, at, whole)


def _text(value: object) -> str:
    return clean(value if isinstance(value, str) and "\n" not in value and len(value) < 80 else shown(value), limit=90) or '""'


def leaves(script: Script, expr: ast.expr, depth: int = 0) -> list[ast.expr]:
    """The expressions that `expr` may stand for, through names, conditions, parameters and local functions."""
    if depth > _MAX_DEPTH:
        return [expr]
    sources: list[ast.expr] = []
    if isinstance(expr, ast.IfExp):
        sources = [expr.body, expr.orelse]
    elif isinstance(expr, ast.Name):
        sources = [value for binding in reaching(script, expr) for value in expressions_of(script, binding)]
    elif isinstance(expr, ast.Call):
        sources = returned_values(script, expr)
    return [leaf for source in sources for leaf in leaves(script, source, depth + 1)] if sources else [expr]


def model_of(context: ScriptContext, run: Run) -> Setting | None:
    """The id of the model that a trainer gets, by name or through `from_pretrained`; None without a `model` argument."""
    argument = context.argument(run.trainer, "model")
    if argument is None or argument.value.state == "unknown" or not isinstance(argument.node, ast.expr):
        return argument
    models = []
    for leaf in leaves(context.script, argument.node):
        func = leaf.func if isinstance(leaf, ast.Call) and leaf.args else None
        name = getattr(func, "attr", None) or getattr(func, "id", None)
        # `get_peft_model(model, config)` and `prepare_model_for_kbit_training(model)` return their first argument.
        keeps_model = name in ("get_peft_model", "prepare_model_for_kbit_training")
        models += leaves(context.script, leaf.args[0]) if isinstance(leaf, ast.Call) and keeps_model else [leaf]
    return Setting(_model_id(context, models[0]), models[0]) if len(models) == 1 else argument


def _model_id(context: ScriptContext, expr: ast.expr) -> Value:
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "from_pretrained":
        keywords = context.keywords(expr).items
        for name in ("pretrained_model_name_or_path", "model_name", "model_id"):
            if name in keywords:
                return keywords[name].value
        return context.constant(expr.args[0]) if expr.args else unknown_value("from_pretrained names no model here")
    return context.constant(expr)

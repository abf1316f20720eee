"""Comparing what a script does with what the user agreed to."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.names import dotted, reaching
from ml_intern_helpers.analysis.names import arguments_for
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Setting, Value
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.asking import shown
from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.outcome import Outcome, at_run_time, failed, passed, unknown
from ml_intern_helpers.runs.differences import Stated, compare

_FAR = 12


def departs(what: str, is_: object, agreed: object, at: ast.AST | int | None, whole: ast.AST | None = None) -> Outcome:
    """The script does something else than was agreed: both values, and that it is the user's to change."""
    message = f"{what} is {_text(is_)}; the user agreed to {_text(agreed)}"
    return failed(
        message, f"write {_text(agreed)}, or ask the user and record the answer in .ml-intern/task.json", at, whole=whole
    )


def judged(facts: Facts, run: Run, name: str, agreed: object, default: object, term: str | None = None) -> Outcome:
    """The config's argument `name` against what was agreed; `default` is the library's."""
    setting = facts.setting(run, name)
    value = facts.value(run, name, default)
    at = setting.node if setting else run.config.call
    return compared(name, value, agreed, at, run.config.call, term)


def as_agreed(term: str | None, agreed: object, value: object) -> bool:
    """Whether a value is what was agreed, by the one comparison that the launch guard uses, too."""
    return agreed == value if term is None else compare(term, agreed, Stated("known", value)) == "same"


def compared(
    what: str, value: Value, agreed: object, at: ast.AST, whole: ast.AST | None = None, term: str | None = None
) -> Outcome:
    """A value against what was agreed (`term` of `runs.differences`); what only a default says is the run's to decide."""
    line = getattr(at, "lineno", None)
    if value.state == "unknown":
        return unknown(f"{what}: {value.reason}", line)
    if value.state == "runtime":
        return at_run_time(f"{what}: {value.reason}; agreed is {_text(agreed)}", line)
    if as_agreed(term, agreed, value.value):
        return passed(f"{what} {_text(agreed)} as agreed", line)
    if value.state == "default":
        return at_run_time(f"{what} is {_text(value.value)} by default, agreed is {_text(agreed)}: {value.reason} decides", line)
    return departs(what, value.value, agreed, at, whole)


def _text(value: object) -> str:
    return clean(value if isinstance(value, str) and "\n" not in value and len(value) < 80 else shown(value), limit=90) or '""'


def leaves(script: Script, expr: ast.expr, far: int = 0) -> list[ast.expr]:
    """The expressions that `expr` may stand for, through names, conditions, parameters and local functions."""
    if far > _FAR:
        return [expr]
    if isinstance(expr, ast.IfExp):
        return leaves(script, expr.body, far + 1) + leaves(script, expr.orelse, far + 1)
    found = list(_behind(script, expr))
    return [leaf for one in found for leaf in leaves(script, one, far + 1)] if found else [expr]


def _behind(script: Script, expr: ast.expr) -> Iterator[ast.expr]:
    if isinstance(expr, ast.Name):
        for binding in reaching(script, expr):
            if binding.kind == "assign" and isinstance(binding.value, ast.expr):
                yield binding.value
            elif binding.kind == "param":
                yield from arguments_for(script, binding)
    elif isinstance(expr, ast.Call):
        target = dotted(script, expr.func)
        if target and isinstance(target.definition, ast.FunctionDef):
            yield from (node.value for node in ast.walk(target.definition) if isinstance(node, ast.Return) and node.value)


def model_of(facts: Facts, run: Run) -> Setting | None:
    """The id of the model a trainer gets, by name or from `from_pretrained`; None when its argument cannot be seen."""
    given = facts.argument(run.trainer, "model")
    if given is None or given.value.state == "unknown" or not isinstance(given.node, ast.expr):
        return given
    found = [leaf for leaf in leaves(facts.script, given.node) if not _wraps(leaf)]
    wrapped = [call.args[0] for call in leaves(facts.script, given.node) if isinstance(call, ast.Call) and _wraps(call)]
    found += [leaf for inner in wrapped for leaf in leaves(facts.script, inner)]
    if len(found) != 1:
        return given
    return Setting(_id(facts, found[0]), found[0])


def _wraps(expr: ast.expr) -> bool:
    """`get_peft_model(model, config)` and `prepare_model_for_kbit_training(model)` keep the model."""
    named = expr.func if isinstance(expr, ast.Call) and expr.args else None
    name = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
    return name in ("get_peft_model", "prepare_model_for_kbit_training")


def _id(facts: Facts, expr: ast.expr) -> Value:
    if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr == "from_pretrained":
        named = facts.keywords(expr).items
        for name in ("pretrained_model_name_or_path", "model_name", "model_id"):
            if name in named:
                return named[name].value
        return facts.constant(expr.args[0]) if expr.args else Value("unknown", None, "from_pretrained names no model here")
    return facts.constant(expr)

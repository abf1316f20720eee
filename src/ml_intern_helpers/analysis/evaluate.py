"""What an expression is worth: constants computed, names followed, the environment's defaults kept apart from certainties."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ml_intern_helpers.analysis.evaluation import folding
from ml_intern_helpers.analysis.names import dotted, exported, reaching
from ml_intern_helpers.analysis.neighbours import neighbour, split
from ml_intern_helpers.analysis.parameters import arguments_for
from ml_intern_helpers.analysis.script import Binding, Script, remembered
from ml_intern_helpers.analysis.values import Value, default, known, runtime, unknown

#: Deeper expressions are machine-made; their value is "computed at run time".
_DEEP = 40


@remembered(lambda: runtime("a name that refers to itself"))
def value_of(script: Script, expr: ast.expr, deep: int) -> Value:
    """The value of `expr`, see `Value`."""
    if deep > _DEEP:
        return runtime("a deeply nested expression")
    handler = _HANDLERS.get(type(expr))
    try:
        found = handler(script, expr, deep + 1) if handler else None
    except folding.CannotFold:
        found = None
    return found or runtime(f"computed by `{script.source.segment(expr)}`")


def _constant(script: Script, expr: Any, deep: int) -> Value | None:
    # A number that no setting can be is not computed with: from 4,300 digits on Python refuses to print it.
    return known(folding.bounded(expr.value) if isinstance(expr.value, int) else expr.value)


def _sequence(script: Script, expr: Any, deep: int) -> Value | None:
    return _combine(script, expr.elts, deep, lambda items: tuple(items) if isinstance(expr, ast.Tuple) else list(items))


def _dict(script: Script, expr: ast.Dict, deep: int) -> Value | None:
    keys = [key for key in expr.keys if key is not None]
    if len(keys) != len(expr.keys):
        return None
    half = len(keys)
    return _combine(script, [*keys, *expr.values], deep, lambda items: _paired(items[:half], items[half:]))


def _paired(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    try:
        return dict(zip(keys, values, strict=True))
    except TypeError as err:  # an unhashable key is the script's own crash, not a value
        raise folding.CannotFold from err


def _f_string(script: Script, expr: ast.JoinedStr, deep: int) -> Value | None:
    return _combine(script, expr.values, deep, lambda items: "".join(str(item) for item in items)[:2000])


def _formatted(script: Script, expr: ast.FormattedValue, deep: int) -> Value | None:
    return value_of(script, expr.value, deep) if expr.format_spec is None else None


def _binary(script: Script, expr: ast.BinOp, deep: int) -> Value | None:
    return _combine(script, [expr.left, expr.right], deep, lambda items: folding.binary(expr.op, *items))


def _unary(script: Script, expr: ast.UnaryOp, deep: int) -> Value | None:
    return _combine(script, [expr.operand], deep, lambda items: folding.unary(expr.op, *items))


def _comparison(script: Script, expr: ast.Compare, deep: int) -> Value | None:
    if len(expr.ops) != 1:
        return None
    if isinstance(expr.ops[0], (ast.In, ast.NotIn)) and _called(script, expr.comparators[0]) == "os.environ":
        name = value_of(script, expr.left, deep)
        return _is_set(script, str(name.value), absent=isinstance(expr.ops[0], ast.NotIn)) if name.settled else None
    return _combine(script, [expr.left, expr.comparators[0]], deep, lambda items: folding.compare(expr.ops[0], *items))


def _is_set(script: Script, name: str, *, absent: bool) -> Value:
    """`"NAME" in os.environ`, or with `absent` the opposite."""
    if name in script.given.environ:
        return known(not absent)
    return known(absent) if script.given.lacks(name) else default(absent, name)


def _boolean(script: Script, expr: ast.BoolOp, deep: int) -> Value | None:
    """`a or b`, `a and b`: decided by the first operand that decides."""
    variables: list[str] = []
    for operand in expr.values:
        value = value_of(script, operand, deep)
        if not value.settled:
            return None
        variables += [value.reason] if value.state == "default" else []
        if bool(value.value) is isinstance(expr.op, ast.Or):
            break
    return with_variables(value.value, variables)


def _conditional(script: Script, expr: ast.IfExp, deep: int) -> Value | None:
    test = value_of(script, expr.test, deep)
    if test.settled:
        chosen = value_of(script, expr.body if test.value else expr.orelse, deep)
        other = value_of(script, expr.orelse if test.value else expr.body, deep)
        if test.state == "known" or not chosen.settled or chosen == other:
            return chosen
        return with_variables(chosen.value, [test.reason, chosen.reason])
    one, other = value_of(script, expr.body, deep), value_of(script, expr.orelse, deep)
    return one if one.settled and one == other else None


def with_variables(value: Any, variables: Sequence[str]) -> Value:
    named = ", ".join(dict.fromkeys(name for name in variables if name))
    return default(value, named) if named else known(value)


def _combine(script: Script, parts: Sequence[ast.expr], deep: int, make: Callable[[list[Any]], Any]) -> Value | None:
    """`make` of the parts' values when all are settled; else what hides the first that is not."""
    values = [value_of(script, part, deep) for part in parts]
    if not all(value.settled for value in values):
        return None
    return with_variables(make([value.value for value in values]), [v.reason for v in values if v.state == "default"])


def _name(script: Script, expr: ast.Name, deep: int) -> Value | None:
    bindings = reaching(script, expr)
    if not bindings:
        return unknown(f"`{expr.id}` is not bound in this file")
    values = [_bound_value(script, expr.id, binding, deep) for binding in bindings]
    if all(value == values[0] for value in values):
        return values[0]
    lines = ", ".join(str(line) for line in sorted({binding.line for binding in bindings})[:4])
    return runtime(f"`{expr.id}` is set at lines {lines}: a condition decides")


def _bound_value(script: Script, name: str, binding: Binding, deep: int) -> Value:
    if binding.kind == "assign" and isinstance(binding.value, ast.expr):
        return value_of(script, binding.value, deep)
    if binding.kind == "import":
        return imported_value(script, binding.target, deep) or runtime(f"`{name}` is imported ({binding.target})")
    if binding.kind == "param":
        values = [value_of(script, given, deep) for given in arguments_for(script, binding)]
        if values and all(value == values[0] for value in values):
            return values[0]
    what = {"param": "a parameter", "def": "a function", "class": "a class"}.get(binding.kind, "bound at run time")
    return runtime(f"`{name}` is {what} (line {binding.line})")


def imported_value(script: Script, target: str, deep: int) -> Value | None:
    """The value of `settings.BATCH` when `settings.py` lies beside the script and says it outright."""
    module, name = split(target)
    there = neighbour(script, module) if module else None
    read = exported(there, name) if there else None
    value = value_of(there, read, deep) if there and read else None
    return value if value and value.settled else None


def _called(script: Script, expr: ast.expr) -> str:
    target = dotted(script, expr)
    return target.name if target and target.definition is None else ""


def _attribute(script: Script, expr: ast.Attribute, deep: int) -> Value | None:
    from ml_intern_helpers.analysis.evaluation.attributes import attribute_value  # attributes asks values back

    return attribute_value(script, expr, deep)


def _subscript(script: Script, expr: ast.Subscript, deep: int) -> Value | None:
    if _called(script, expr.value) == "os.environ":
        name = value_of(script, expr.slice, deep)
        given = script.given.environ.get(str(name.value)) if name.settled else None
        return known(given) if given is not None else runtime(f"the environment variable {name.value or ''}".rstrip())
    from ml_intern_helpers.analysis.dicts import entries_of  # mappings asks values back

    key = value_of(script, expr.slice, deep)
    entries = entries_of(script, expr.value, deep) if key.settled and isinstance(key.value, str) else None
    if entries is not None and not entries.open and key.value in entries.items:
        return entries.items[key.value].value
    return _combine(script, [expr.value, expr.slice], deep, _indexed)


def _indexed(items: list[Any]) -> Any:
    try:
        return items[0][items[1]]
    except (TypeError, LookupError) as err:
        raise folding.CannotFold from err


def _call(script: Script, expr: ast.Call, deep: int) -> Value | None:
    name = _called(script, expr.func)
    if name in ("os.environ.get", "os.getenv"):
        return _environment(script, expr, deep)
    if expr.keywords or any(isinstance(argument, ast.Starred) for argument in expr.args):
        return None
    if folding.can_call(name):
        return _combine(script, expr.args, deep, lambda items: folding.call(name, items))
    if isinstance(expr.func, ast.Attribute):
        attr = expr.func.attr
        return _combine(script, [expr.func.value, *expr.args], deep, lambda items: folding.method(items[0], attr, items[1:]))
    return None


def _environment(script: Script, expr: ast.Call, deep: int) -> Value | None:
    """`os.environ.get("MAX_STEPS", "-1")`: the default, and the variable that may change it."""
    if not expr.args:
        return None
    name = value_of(script, expr.args[0], deep)
    fallback = [*expr.args[1:], *(word.value for word in expr.keywords if word.arg == "default")]
    value = value_of(script, fallback[0], deep) if fallback else known(None)
    if not name.settled:
        return None
    variable, environ = str(name.value), script.given.environ
    if variable in environ:
        given = environ[variable]
        return known(given) if given is not None else runtime(f"the environment variable {variable}")
    if not value.settled:
        return None
    return with_variables(value.value, [*([] if script.given.lacks(variable) else [variable]), value.reason])


def _walrus(script: Script, expr: ast.NamedExpr, deep: int) -> Value | None:
    return value_of(script, expr.value, deep)


_HANDLERS: dict[type[ast.expr], Callable[[Script, Any, int], Value | None]] = {
    ast.Constant: _constant,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _dict,
    ast.JoinedStr: _f_string,
    ast.FormattedValue: _formatted,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _comparison,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.NamedExpr: _walrus,
}

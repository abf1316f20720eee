"""What a function's parameter stands for, when every call of the function is in sight."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.names import dotted, is_dead
from ml_intern_helpers.analysis.script import Binding, Script


def arguments_for(script: Script, binding: Binding) -> list[ast.expr]:
    """The expressions that calls give for a parameter, its default among them; [] when not every caller can be seen.

    A function that is decorated, a method, or handed on as a value (`Fire(main)`) has callers elsewhere.
    """
    key = ("arguments_for", binding.node)
    if key not in script.memo:
        script.memo[key] = []  # a function that calls itself with its own parameter says nothing new
        script.memo[key] = _arguments(script, binding)
    found: list[ast.expr] = script.memo[key]
    return found


def _arguments(script: Script, binding: Binding) -> list[ast.expr]:
    function = script.places[binding.node].scope.node
    if not isinstance(binding.node, ast.arg) or not isinstance(function, ast.FunctionDef) or not _plain(script, function):
        return []
    calls = _calls(script, function)
    given = [_given(call, function, binding.node.arg) for call in calls or []]
    found = [expr for expr in given if expr is not None]
    return found if len(found) == len(given) else []


def _plain(script: Script, function: ast.FunctionDef) -> bool:
    return not function.decorator_list and not isinstance(script.places[function].scope.node, ast.ClassDef)


def _calls(script: Script, function: ast.FunctionDef) -> list[ast.Call] | None:
    """Every live call; None when the function is mentioned in another way."""
    found = []
    script.spend(len(script.names[function.name]))
    for name in script.names[function.name]:
        target = dotted(script, name)
        if target is None or target.definition is not function or is_dead(script, script.places[name].guards):
            continue
        call = script.places[name].parent
        if not isinstance(call, ast.Call) or call.func is not name:
            return None
        found.append(call)
    return found


def _given(call: ast.Call, function: ast.FunctionDef, name: str) -> ast.expr | None:
    """What one call gives; None when it is hidden in `*args` or `**kwargs`."""
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(word.arg is None for word in call.keywords):
        return None
    named = [word.value for word in call.keywords if word.arg == name]
    positional = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if name in positional and positional.index(name) < len(call.args):
        return call.args[positional.index(name)]
    return named[0] if named else _default(function.args, name)


def _default(arguments: ast.arguments, name: str) -> ast.expr | None:
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    pairs = [*zip(with_default, arguments.defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return next((value for one, value in pairs if one.arg == name), None)

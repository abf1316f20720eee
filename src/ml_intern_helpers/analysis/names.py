"""Resolves names: the bindings that reach a use, the dotted name of an alias, and the calls that created an object.

Objects are followed through assignments, branches, local functions and their parameters, tuples, and the dataclasses that a
`TrlParser` or `HfArgumentParser` fills.
"""

from __future__ import annotations

import ast
import builtins
from typing import NamedTuple

from ml_intern_helpers.analysis.guards import certain, is_dead
from ml_intern_helpers.analysis.script import Binding, Guards, ParsedObject, Script, Surroundings, remembered

#: The longest chain of aliases that is followed.
_FAR = 12
_BUILTINS = frozenset(dir(builtins))
_PARSERS = frozenset({"TrlParser", "HfArgumentParser"})
_PARSES = frozenset({"parse_args_and_config", "parse_args_into_dataclasses", "parse_yaml_file", "parse_json_file", "parse_dict"})


class Target(NamedTuple):
    """What an expression refers to.

    Attributes:
        name: the dotted name (`trl.SFTConfig`, `dict`), or the bare name of a local class or function.
        definition: the local class or function; None for an imported one.
        partial: the `functools.partial(…)` calls around it, innermost first.
    """

    name: str
    definition: ast.AST | None = None
    partial: tuple[ast.Call, ...] = ()


def reaching(script: Script, name: ast.Name) -> list[Binding]:
    """The bindings that may apply where `name` is read: several when a condition decides, none when it is unbound."""
    place = script.places[name]
    scope = place.scope.owner_of(name.id)
    if scope is None and name.id in place.scope.globals:
        scope = script.module
    if scope is None:
        return []
    bindings = script.once(
        f"bindings of {name.id}",
        scope.node,
        lambda: sorted((b for b in scope.bindings[name.id] if not is_dead(script, b.guards)), key=_position),
    )
    script.spend(len(bindings))
    if scope is not place.scope:
        return _since_last_certain(bindings, ())
    before = [binding for binding in bindings if _position(binding) < (name.lineno, name.col_offset)]
    bound_for_next_round = any(_in_loop(binding, place.guards) for binding in bindings[len(before) :])
    latest = _since_last_certain(before, place.guards)
    if not bound_for_next_round or (latest and _in_loop(latest[0], place.guards)):
        return latest or bindings
    return bindings


def _position(binding: Binding) -> tuple[int, int]:
    """The position where the binding takes effect: the right side of `data = data.map(f)` still reads the previous one."""
    if binding.kind in ("assign", "unpack") and binding.value is not None:
        return getattr(binding.value, "end_lineno", 0), getattr(binding.value, "end_col_offset", 0)
    return binding.line, getattr(binding.node, "col_offset", 0)


def _in_loop(binding: Binding, guards: Guards) -> bool:
    """Whether the binding is in a loop that also contains the code under `guards`."""
    loops = {guard.node for guard in guards if guard.kind == "loop"}
    return any(guard.kind == "loop" and guard.node in loops for guard in binding.guards)


def _since_last_certain(bindings: list[Binding], guards: Guards) -> list[Binding]:
    for index in range(len(bindings) - 1, -1, -1):
        if certain(bindings[index].guards, guards):
            return bindings[index:]
    return bindings


def exported(script: Script, name: str) -> ast.Name | None:
    """A read of `name` at the end of the module, as an importer sees it; None when the module does not bind it."""
    if name not in script.module.bindings:
        return None
    read = ast.Name(name, ast.Load(), lineno=len(script.source.lines) + 1, col_offset=0, end_lineno=0, end_col_offset=0)
    script.places[read] = Surroundings(script.module, (), script.source.tree)
    return read


@remembered(lambda: None)
def dotted(script: Script, expr: ast.expr, depth: int) -> Target | None:
    """The target of `expr`: `C` -> `trl.SFTConfig` after `from trl import SFTConfig as C`."""
    if depth > _FAR:
        return None
    match expr:
        case ast.Name():
            return _name_target(script, expr, depth)
        case ast.Attribute(value=base, attr=attr):
            return _member(script, base, attr, depth)
        case ast.Call(func=func, args=[ast.Constant(value=str(module))]) if _is(script, func, "importlib.import_module", depth):
            return Target(module)
        case ast.Call(func=func, args=[base, ast.Constant(value=str(attr)), *_]) if _is(script, func, "getattr", depth):
            return _member(script, base, attr, depth)
        case ast.Call(func=func, args=[inner, *_]) if _is(script, func, "functools.partial", depth):
            target = dotted(script, inner, depth + 1)
            return target._replace(partial=(*target.partial, expr)) if target else None
    return None


def _member(script: Script, base: ast.expr, attr: str, depth: int) -> Target | None:
    target = dotted(script, base, depth + 1)
    return Target(f"{target.name}.{attr}") if target and target.definition is None else None


def _is(script: Script, func: ast.expr, name: str, depth: int) -> bool:
    target = dotted(script, func, depth + 1)
    return target is not None and target.name == name


def _name_target(script: Script, name: ast.Name, depth: int) -> Target | None:
    bindings = reaching(script, name)
    if not bindings:
        return Target(name.id) if name.id in _BUILTINS else _from_star(script, name.id)
    for binding in bindings:  # `try: from trl import X / except ImportError: from old import X`: the first one counts
        if binding.kind == "import":
            return Target(binding.target)
        if binding.kind in ("def", "class"):
            return Target(name.id, binding.value)
        if binding.kind == "assign" and isinstance(binding.value, ast.expr):
            target = dotted(script, binding.value, depth + 1)
            if target:
                return target
    return None


def _from_star(script: Script, name: str) -> Target | None:
    """The target of an unbound name: from the last star import that offers it, or from the only one if it is not indexed."""
    modules = [binding.target.removesuffix(".*") for binding in script.module.bindings.get("*", [])]
    for module in reversed(modules):
        offered = script.offers(module, name)
        if offered or (offered is None and len(modules) == 1):
            return Target(f"{module}.{name}")
        if offered is None:
            return None
    return None


def base_names(script: Script, definition: ast.AST, depth: int = 0) -> list[str]:
    """The dotted names of a local class's bases; a local base is replaced by its own bases."""
    if not isinstance(definition, ast.ClassDef) or depth > _FAR:
        return []
    names: list[str] = []
    for base in definition.bases:
        target = dotted(script, base)
        if target is not None:
            names += base_names(script, target.definition, depth + 1) if target.definition else [target.name]
    return names


@remembered(list)
def origins(script: Script, expr: ast.expr, depth: int) -> list[ast.Call]:
    """The calls that may have created the object `expr`: `cfg` -> `SFTConfig(…)`, through names, branches and functions."""
    return list(dict.fromkeys(_origins(script, expr, depth)))


def _origins(script: Script, expr: ast.expr, depth: int) -> list[ast.Call]:
    if depth > _FAR:
        return []
    match expr:
        case ast.Call():
            # A call of a local function leads to what it returns; any other call creates the object itself.
            return [call for value in returned_values(script, expr) for call in origins(script, value, depth + 1)] or [expr]
        case ast.Name():
            calls = []
            for binding in reaching(script, expr):
                if binding.kind == "unpack" and isinstance(binding.value, ast.expr):
                    calls += _item_origins(script, binding.value, int(binding.target), depth)
                for value in expressions_of(script, binding):
                    calls += origins(script, value, depth + 1)
            return calls
        case ast.Subscript(value=base, slice=ast.Constant(value=int(index))) if index >= 0 and not isinstance(index, bool):
            return _item_origins(script, base, index, depth)
        case ast.IfExp(body=body, orelse=orelse):
            return origins(script, body, depth + 1) + origins(script, orelse, depth + 1)
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            script.spend(len(script.attribute_sets))
            others = [(target, value) for target, value in script.attribute_sets if target is not expr and target.attr == attr]
            values = [value for target, value in others if isinstance(target.value, ast.Name) and target.value.id == "self"]
            return [call for value in values for call in origins(script, value, depth + 1)]
    return []


def _item_origins(script: Script, expr: ast.expr, index: int, depth: int) -> list[ast.Call]:
    """The calls that created item `index` of `expr`: of a parsing call, or of a tuple that a local function returns."""
    if isinstance(expr, (ast.Tuple, ast.List)):
        return origins(script, expr.elts[index], depth + 1) if index < len(expr.elts) else []
    calls = []
    for call in origins(script, expr, depth + 1):
        parsed = _parsed_at(script, call, index)
        if parsed:
            calls.append(parsed)
        else:
            tuples = [value for value in returned_values(script, call) if isinstance(value, ast.Tuple)]
            calls += [item for value in tuples for item in _item_origins(script, value, index, depth)]
    return calls


def returned_values(script: Script, call: ast.Call) -> list[ast.expr]:
    """The expressions that the called local function returns, one per `return`; [] when it is not a local function."""
    target = dotted(script, call.func)
    if target is None or not isinstance(target.definition, ast.FunctionDef):
        return []
    return [node.value for node in ast.walk(target.definition) if isinstance(node, ast.Return) and node.value]


def parsed_objects(script: Script) -> list[ast.Call]:
    """One artificial construction call, placed at the parsing call, for each dataclass object that the script parses."""
    return [parsed for call in script.calls for index in range(8) if (parsed := _parsed_at(script, call, index))]


def _parsed_at(script: Script, call: ast.Call, index: int) -> ast.Call | None:
    """The object at `index` in the result of a parsing call; None for another call or an index out of range."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in _PARSES):
        return None
    base = call.func.value
    return script.once(f"parsed {index}", call, lambda: _parsed_object(script, call, base, index))


def _parsed_object(script: Script, call: ast.Call, parser_expr: ast.expr, index: int) -> ast.Call | None:
    for parser in origins(script, parser_expr):
        target = dotted(script, parser.func)
        name = target.name.rpartition(".")[2] if target else ""
        types = _dataclass_types(script, parser) if name in _PARSERS else []
        if index < len(types):
            construction = ast.copy_location(ast.Call(types[index], [], []), call)
            script.places[construction] = script.places[call]
            script.parsed[construction] = ParsedObject(name, call, tuple(types))
            return construction
    return None


def _dataclass_types(script: Script, parser: ast.Call) -> list[ast.expr]:
    """The dataclasses that a parser is built with: one, or a tuple or list of them, given directly or by a name."""
    arguments = [*parser.args[:1], *(word.value for word in parser.keywords if word.arg == "dataclass_types")]
    if not arguments:
        return []
    if isinstance(arguments[0], (ast.Tuple, ast.List)):
        return arguments[0].elts
    if isinstance(arguments[0], ast.Name):
        values = [binding.value for binding in reaching(script, arguments[0]) if binding.kind == "assign"]
        if len(values) == 1 and isinstance(values[0], (ast.Tuple, ast.List)):
            return values[0].elts
    return arguments[:1]


def expressions_of(script: Script, binding: Binding) -> list[ast.expr]:
    """The expressions that a binding may give its name: the assigned one, or a parameter's arguments; [] when unknown."""
    if binding.kind == "assign" and isinstance(binding.value, ast.expr):
        return [binding.value]
    return arguments_for(script, binding) if binding.kind == "param" else []


def arguments_for(script: Script, binding: Binding) -> list[ast.expr]:
    """The expressions that calls give for a parameter, including its default; [] when not every caller is visible.

    A function that is decorated, a method, or passed as a value (`Fire(main)`) has callers elsewhere.
    """
    # A function that calls itself with its own parameter adds no expression.
    return script.once("arguments_for", binding.node, lambda: _arguments(script, binding), meanwhile=[])


def _arguments(script: Script, binding: Binding) -> list[ast.expr]:
    function = script.places[binding.node].scope.node
    if not isinstance(binding.node, ast.arg) or not isinstance(function, ast.FunctionDef):
        return []
    if function.decorator_list or isinstance(script.places[function].scope.node, ast.ClassDef):
        return []
    arguments = []
    script.spend(len(script.names[function.name]))
    for name in script.names[function.name]:
        target = dotted(script, name)
        if target is None or target.definition is not function or is_dead(script, script.places[name].guards):
            continue
        call = script.places[name].parent
        argument = _argument(call, function, binding.node.arg) if isinstance(call, ast.Call) and call.func is name else None
        if argument is None:  # unknown, or the function is used other than by a call
            return []
        arguments.append(argument)
    return arguments


def _argument(call: ast.Call, function: ast.FunctionDef, name: str) -> ast.expr | None:
    """The argument of one call for the parameter, or its default; None when `*args` or `**kwargs` may contain it."""
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(word.arg is None for word in call.keywords):
        return None
    declared = function.args
    positional = [parameter.arg for parameter in (*declared.posonlyargs, *declared.args)]
    if name in positional and positional.index(name) < len(call.args):
        return call.args[positional.index(name)]
    for word in call.keywords:
        if word.arg == name:
            return word.value
    keyword_only = [parameter.arg for parameter in declared.kwonlyargs]
    defaults = dict(zip(keyword_only, declared.kw_defaults, strict=True))
    defaults |= zip(positional[len(positional) - len(declared.defaults) :], declared.defaults, strict=True)
    return defaults.get(name)

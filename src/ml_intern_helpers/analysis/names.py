"""What a name stands for: the binding that reaches its use, the dotted name behind an alias, the call that made an object."""

from __future__ import annotations

import ast
import builtins
from typing import NamedTuple

from ml_intern_helpers.analysis.script import Binding, Guards, Place, Scope, Script, remembered

#: Following aliases further than this finds loops, not meanings.
_FAR = 12
_BUILTINS = frozenset(dir(builtins))


class Target(NamedTuple):
    """What is called.

    Attributes:
        name: dotted name (`trl.SFTConfig`, `dict`), or the bare name of a local class or function.
        definition: the local class or function, None for what is imported.
        partial: `functools.partial(…)` calls on the way, innermost first.
    """

    name: str
    definition: ast.AST | None = None
    partial: tuple[ast.Call, ...] = ()


def reaching(script: Script, name: ast.Name) -> list[Binding]:
    """The bindings that may hold when `name` is read: one when it is plain, several when a condition decides, none if unbound."""
    place = script.places[name]
    scope = place.scope.owner_of(name.id)
    if scope is None and name.id in place.scope.globals:
        scope = script.module
    if scope is None:
        return []
    bindings = _alive(script, scope, name.id)
    script.spend(len(bindings))
    if scope is not place.scope:
        return _since_last_certain(bindings, ())
    before = [b for b in bindings if _position(b) < (name.lineno, name.col_offset)]
    again = _bound_again(bindings[len(before) :], place.guards)
    latest = _since_last_certain(before, place.guards)
    if not again or (latest and _in_loop(latest[0], place.guards)):
        return latest or bindings
    return bindings


def _alive(script: Script, scope: Scope, name: str) -> list[Binding]:
    key = (name, scope.node)
    if key not in script.memo:
        script.memo[key] = sorted((b for b in scope.bindings[name] if not is_dead(script, b.guards)), key=_position)
    found: list[Binding] = script.memo[key]
    return found


def _position(binding: Binding) -> tuple[int, int]:
    """Where the binding takes effect: in `data = data.map(f)` the right side still reads the old one."""
    if binding.kind in ("assign", "unpack") and binding.value is not None:
        return getattr(binding.value, "end_lineno", 0), getattr(binding.value, "end_col_offset", 0)
    return binding.line, getattr(binding.node, "col_offset", 0)


def _bound_again(later: list[Binding], guards: Guards) -> bool:
    """Something further down in the same loop binds the name for the next round."""
    return any(_in_loop(binding, guards) for binding in later)


def _in_loop(binding: Binding, guards: Guards) -> bool:
    loops = {guard.node for guard in guards if guard.kind == "loop"}
    return any(guard.kind == "loop" and guard.node in loops for guard in binding.guards)


def _since_last_certain(bindings: list[Binding], guards: Guards) -> list[Binding]:
    for index in range(len(bindings) - 1, -1, -1):
        if certain(bindings[index].guards, guards):
            return bindings[index:]
    return bindings


def exported(script: Script, name: str) -> ast.Name | None:
    """`name` as it stands once the module has run, for those who import it; None when the module does not bind it."""
    if name not in script.module.bindings:
        return None
    read = ast.Name(name, ast.Load(), lineno=len(script.source.lines) + 1, col_offset=0, end_lineno=0, end_col_offset=0)
    script.places[read] = Place(script.module, (), script.source.tree)
    return read


def certain(guards: Guards, seen_from: Guards) -> bool:
    """What stands under `guards` has surely run when the place under `seen_from` runs; a `try` body counts as run."""
    needed = tuple(guard for guard in guards if guard.kind != "try")
    held = tuple(guard for guard in seen_from if guard.kind != "try")
    return needed == held[: len(needed)]


def is_dead(script: Script, guards: Guards) -> bool:
    """True under `if False:`, `if TYPE_CHECKING:` and the other branch of `if True:`."""
    return any(_never(script, guard.node, guard.kind) for guard in guards)


def _never(script: Script, node: ast.AST, kind: str) -> bool:
    if isinstance(node, ast.While):
        return kind == "loop" and _constant_truth(script, node.test) is False
    if not isinstance(node, (ast.If, ast.IfExp)):
        return False
    truth = _constant_truth(script, node.test)
    return truth is (kind == "else") if truth is not None else False


def _constant_truth(script: Script, test: ast.expr) -> bool | None:
    """Only what is written out: `False`, `0`, `not True`, `TYPE_CHECKING`. A constant under a name is `values`' business."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _constant_truth(script, operand)
            return None if truth is None else not truth
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Name(id=name):
            return _named_constant(script, name)
    return None


def _named_constant(script: Script, name: str) -> bool | None:
    """A module constant bound once, without condition (`USE_OLD_API = False`)."""
    bindings = script.module.bindings.get(name, [])
    if len(bindings) == 1 and not bindings[0].guards and isinstance(bindings[0].value, ast.Constant):
        return bool(bindings[0].value.value)
    return None


def _no_target() -> Target | None:
    return None


@remembered(_no_target)
def dotted(script: Script, expr: ast.expr, far: int) -> Target | None:
    """The name behind `expr`: `C` -> `trl.SFTConfig` after `from trl import SFTConfig as C`."""
    if far > _FAR:
        return None
    match expr:
        case ast.Name():
            return _name_target(script, expr, far)
        case ast.Attribute(value=base, attr=attr):
            target = dotted(script, base, far + 1)
            return Target(f"{target.name}.{attr}") if target and target.definition is None else None
        case ast.Call(func=func, args=[ast.Constant(value=str(module))]) if _is(script, func, "importlib.import_module", far):
            return Target(module)
        case ast.Call(func=func, args=[base, ast.Constant(value=str(attr)), *_]) if _is(script, func, "getattr", far):
            target = dotted(script, base, far + 1)
            return Target(f"{target.name}.{attr}") if target and target.definition is None else None
        case ast.Call(func=func, args=[inner, *_]) if _is(script, func, "functools.partial", far):
            target = dotted(script, inner, far + 1)
            return target._replace(partial=(*target.partial, expr)) if target else None
    return None


def _is(script: Script, func: ast.expr, name: str, far: int) -> bool:
    target = dotted(script, func, far + 1)
    return target is not None and target.name == name


def _name_target(script: Script, name: ast.Name, far: int) -> Target | None:
    bindings = reaching(script, name)
    if not bindings:
        return Target(name.id) if name.id in _BUILTINS else _from_star(script, name.id)
    for binding in bindings:  # `try: from trl import X / except ImportError: from old import X`: what the try asks for
        target = _binding_target(script, binding, name.id, far)
        if target:
            return target
    return None


def _from_star(script: Script, name: str) -> Target | None:
    """An unbound name comes from the last star import that offers it; one that cannot be asked counts when it is alone."""
    modules = [binding.target.removesuffix(".*") for binding in script.module.bindings.get("*", [])]
    for module in reversed(modules):
        offered = script.offers(module, name)
        if offered or (offered is None and len(modules) == 1):
            return Target(f"{module}.{name}")
        if offered is None:
            return None
    return None


def _binding_target(script: Script, binding: Binding, name: str, far: int) -> Target | None:
    if binding.kind == "import":
        return Target(binding.target)
    if binding.kind in ("def", "class"):
        return Target(name, binding.value)
    if binding.kind == "assign" and isinstance(binding.value, ast.expr):
        return dotted(script, binding.value, far + 1)
    return None


def _no_calls() -> list[ast.Call]:
    return []


@remembered(_no_calls)
def origins(script: Script, expr: ast.expr, far: int) -> list[ast.Call]:
    """The calls that may have made the object `expr`: `cfg` -> `SFTConfig(…)`, through names, branches and local functions."""
    return list(dict.fromkeys(_origins(script, expr, far)))


def _origins(script: Script, expr: ast.expr, far: int) -> list[ast.Call]:
    if far > _FAR:
        return []
    match expr:
        case ast.Call():
            return _call_origins(script, expr, far)
        case ast.Name():
            return [call for binding in reaching(script, expr) for call in _bound_origins(script, binding, far)]
        case ast.Subscript(value=base, slice=ast.Constant(value=int(index))) if index >= 0 and not isinstance(index, bool):
            return _item_origins(script, base, index, far)
        case ast.IfExp(body=body, orelse=orelse):
            return origins(script, body, far + 1) + origins(script, orelse, far + 1)
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            return [call for value in _set_on_self(script, expr, attr) for call in origins(script, value, far + 1)]
    return []


def _bound_origins(script: Script, binding: Binding, far: int) -> list[ast.Call]:
    if binding.kind == "assign" and isinstance(binding.value, ast.expr):
        return origins(script, binding.value, far + 1)
    if binding.kind == "unpack":
        return _item_origins(script, binding.value, int(binding.target), far)
    if binding.kind == "param":
        from ml_intern_helpers.analysis.parameters import arguments_for  # parameters asks names back

        return [call for given in arguments_for(script, binding) for call in origins(script, given, far + 1)]
    return []


def _item_origins(script: Script, expr: ast.AST | None, index: int, far: int) -> list[ast.Call]:
    from ml_intern_helpers.analysis.parsers import unpacked  # parsers asks names back

    return unpacked(script, expr, index, far, origins)


def _call_origins(script: Script, call: ast.Call, far: int) -> list[ast.Call]:
    """A call of a local function leads to what it returns; any other call made the object itself."""
    target = dotted(script, call.func)
    if target is None or not isinstance(target.definition, ast.FunctionDef):
        return [call]
    returned = [node for node in ast.walk(target.definition) if isinstance(node, ast.Return) and node.value]
    found = [made for node in returned if node.value for made in origins(script, node.value, far + 1)]
    return found or [call]


def _set_on_self(script: Script, expr: ast.Attribute, attr: str) -> list[ast.expr]:
    script.spend(len(script.attribute_sets))
    return [
        value
        for target, value in script.attribute_sets
        if target is not expr and target.attr == attr and isinstance(target.value, ast.Name) and target.value.id == "self"
    ]


def base_names(script: Script, definition: ast.AST, far: int = 0) -> list[str]:
    """The dotted names of a local class's bases, through local bases."""
    if not isinstance(definition, ast.ClassDef) or far > _FAR:
        return []
    found: list[str] = []
    for base in definition.bases:
        target = dotted(script, base)
        if target is not None:
            found += base_names(script, target.definition, far + 1) if target.definition else [target.name]
    return found


def outer(scope: Scope) -> str:
    """`main()` or `the module`, for messages."""
    return f"{scope.node.name}()" if isinstance(scope.node, (ast.FunctionDef, ast.AsyncFunctionDef)) else "the module"

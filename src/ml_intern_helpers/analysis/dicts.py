"""What a dict holds when it is unpacked: literals, `dict(…)`, merges, and what is set on it or taken from it before."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.names import certain, dotted, exported, is_dead, reaching
from ml_intern_helpers.analysis.neighbours import neighbour, split
from ml_intern_helpers.analysis.parameters import arguments_for
from ml_intern_helpers.analysis.script import Binding, Script, remembered
from ml_intern_helpers.analysis.values import Entries, Setting, runtime

_DEEP = 12
#: Methods that leave a dict as it is.
_READING = frozenset({"get", "items", "keys", "values", "copy"})


@remembered(lambda: Entries({}, "a dict that holds itself"))
def entries_of(script: Script, expr: ast.expr, deep: int) -> Entries:
    """The entries of a dict expression; `open` says why there may be more."""
    if deep > _DEEP:
        return _hidden(script, expr)
    match expr:
        case ast.Dict():
            return _literal(script, expr, deep)
        case ast.Call():
            return _call(script, expr, deep)
        case ast.Name():
            return _named(script, expr, deep)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return merged(entries_of(script, left, deep + 1), entries_of(script, right, deep + 1))
        case ast.IfExp(body=body, orelse=orelse):
            return _either(script, entries_of(script, body, deep + 1), entries_of(script, orelse, deep + 1), expr)
        case ast.BoolOp(op=ast.Or(), values=[first, ast.Dict(keys=[])]):  # `options or {}`
            return entries_of(script, first, deep + 1)
    return _hidden(script, expr)


def merged(first: Entries, second: Entries) -> Entries:
    """`{**first, **second}`."""
    return Entries({**first.items, **second.items}, first.open or second.open)


def _hidden(script: Script, expr: ast.expr) -> Entries:
    return Entries({}, f"`{script.source.segment(expr)}` (line {script.line_of(expr)}) is not a dict this file spells out")


def _literal(script: Script, expr: ast.Dict, deep: int) -> Entries:
    found = Entries({})
    for key, value in zip(expr.keys, expr.values, strict=True):
        found = merged(found, entries_of(script, value, deep + 1) if key is None else _pair(script, key, value))
    return found


def _pair(script: Script, key: ast.expr, value: ast.expr) -> Entries:
    name = value_of(script, key)
    if name.settled and isinstance(name.value, str):
        return Entries({name.value: Setting(value_of(script, value), value)})
    return Entries({}, f"the key `{script.source.segment(key)}` (line {script.line_of(key)}) is computed")


def _call(script: Script, expr: ast.Call, deep: int) -> Entries:
    target = dotted(script, expr.func)
    if target is not None and target.name == "dict":
        return _dict_call(script, expr, deep)
    if isinstance(expr.func, ast.Attribute) and expr.func.attr == "copy" and not expr.args:
        return entries_of(script, expr.func.value, deep + 1)
    if target is not None and isinstance(target.definition, ast.FunctionDef):
        return _returned(script, target.definition, expr, deep)
    return _hidden(script, expr)


def _dict_call(script: Script, expr: ast.Call, deep: int) -> Entries:
    found = Entries({})
    for argument in expr.args:
        found = merged(found, entries_of(script, argument, deep + 1))
    return merged(found, keywords_of(script, expr.keywords, deep))


def keywords_of(script: Script, keywords: list[ast.keyword], deep: int = 0) -> Entries:
    """The keyword arguments of a call, `**dict` included."""
    found = Entries({})
    for word in keywords:
        if word.arg is None:
            found = merged(found, entries_of(script, word.value, deep + 1))
        else:
            found = merged(found, Entries({word.arg: Setting(value_of(script, word.value), word.value)}))
    return found


def _returned(script: Script, function: ast.FunctionDef, expr: ast.Call, deep: int) -> Entries:
    """What a local function with one `return` returns."""
    returns = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
    return entries_of(script, returns[0], deep + 1) if len(returns) == 1 else _hidden(script, expr)


def _either(script: Script, one: Entries, other: Entries, expr: ast.expr) -> Entries:
    """Either dict: what both hold alike is certain, the rest is decided at run time."""
    items: dict[str, Setting] = {}
    for name in {**one.items, **other.items}:
        first, second = one.items.get(name), other.items.get(name)
        setting = first or second
        if setting is None:
            continue
        same = first is not None and second is not None and first.value == second.value
        why = runtime(f"`{script.source.segment(expr)}` decides (line {script.line_of(expr)})")
        items[name] = setting if same else Setting(why, setting.node)
    return Entries(items, one.open or other.open)


def _named(script: Script, expr: ast.Name, deep: int) -> Entries:
    bindings = _without_merges(script, reaching(script, expr))
    value = _only_value(script, bindings[0]) if len(bindings) == 1 else None
    if value is None:
        return _imported(script, expr, bindings, deep)
    found = entries_of(script, value, deep + 1)
    for use in sorted(_uses_before(script, expr), key=lambda node: (node.lineno, node.col_offset)):
        found = _after_use(script, found, use, expr, deep)
    return found


def _without_merges(script: Script, bindings: list[Binding]) -> list[Binding]:
    """What bound the name to its dict: `common |= {…}` binds it again, to the same dict (`_after_use` adds what it brings)."""
    for _ in range(_DEEP):
        rest = [binding for binding in bindings if not _merges(script, binding)]
        if rest or not bindings:
            return rest
        node = bindings[0].node
        bindings = reaching(script, node) if isinstance(node, ast.Name) else []
    return []


def _merges(script: Script, binding: Binding) -> bool:
    statement = script.places[binding.node].parent if binding.kind == "other" and binding.node in script.places else None
    return isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.BitOr)


def _only_value(script: Script, binding: Binding) -> ast.expr | None:
    """The expression a name stands for: assigned, or what the only call of a function gives for its parameter."""
    if binding.kind == "assign" and isinstance(binding.value, ast.expr):
        return binding.value
    given = arguments_for(script, binding) if binding.kind == "param" else []
    return given[0] if len(given) == 1 else None


def _imported(script: Script, expr: ast.Name, bindings: list[Binding], deep: int) -> Entries:
    """A dict that a module beside the script spells out; its settings stand where the script uses it."""
    if len(bindings) == 1 and bindings[0].kind == "import":
        module, name = split(bindings[0].target)
        there = neighbour(script, module) if module else None
        read = exported(there, name) if there else None
        if there and read:
            found = entries_of(there, read, deep + 1)
            return Entries({key: Setting(item.value, expr) for key, item in found.items.items()}, found.open)
    return _hidden(script, expr)


def _uses_before(script: Script, expr: ast.Name) -> list[ast.Name]:
    """Other mentions of the same variable that may run before `expr` does."""
    place = script.places[expr]
    owner = place.scope.owner_of(expr.id)
    script.spend(len(script.names[expr.id]))
    uses = [name for name in script.names[expr.id] if name is not expr and script.places[name].scope.owner_of(name.id) is owner]
    alive = [name for name in uses if not is_dead(script, script.places[name].guards)]
    return [name for name in alive if script.places[name].scope is not place.scope or name.lineno <= expr.lineno]


def _after_use(script: Script, found: Entries, use: ast.Name, expr: ast.Name, deep: int) -> Entries:
    """The dict after one statement that mentions it."""
    place = script.places[use]
    sure = place.scope is script.places[expr].scope and certain(place.guards, script.places[expr].guards)
    match place.parent:
        case ast.Subscript(ctx=ast.Store(), slice=key) as target:
            return _after_set(script, found, key, _assigned(script, target), sure)
        case ast.Subscript(ctx=ast.Del(), slice=key):
            return _without(script, found, key, sure)
        case ast.Attribute(attr=attr) as method if isinstance(script.places[method].parent, ast.Call):
            call = script.places[method].parent
            return _after_method(script, found, attr, call, sure, deep) if isinstance(call, ast.Call) else found
        case ast.Call(func=func, args=args) if use in args and _is_local(script, func):
            return Entries(found.items, found.open or f"`{script.source.segment(func)}` may change it (line {use.lineno})")
        case ast.AugAssign(target=target, op=ast.BitOr(), value=value) if target is use:
            return _maybe(script, found, entries_of(script, value, deep + 1), use, sure)
    return found


def _assigned(script: Script, target: ast.expr) -> ast.expr | None:
    statement = script.places[target].parent
    return statement.value if isinstance(statement, ast.Assign) else None


def _is_local(script: Script, func: ast.expr) -> bool:
    target = dotted(script, func)
    return target is None or isinstance(target.definition, (ast.FunctionDef, ast.AsyncFunctionDef))


def _after_set(script: Script, found: Entries, key: ast.expr, value: ast.expr | None, sure: bool) -> Entries:
    if value is None:
        return Entries(found.items, found.open or f"line {key.lineno} changes it")
    return _maybe(script, found, _pair(script, key, value), key, sure)


def _maybe(script: Script, found: Entries, more: Entries, node: ast.expr, sure: bool) -> Entries:
    """`more` laid over `found`; what only a condition sets is decided at run time."""
    if sure:
        return merged(found, more)
    why = runtime(f"a condition decides (line {script.line_of(node)})")
    items = {name: Setting(why, item.node) for name, item in more.items.items()}
    kept = {name: item for name, item in items.items() if found.items.get(name, item).value != more.items[name].value}
    return merged(found, Entries(kept, more.open))


def _without(script: Script, found: Entries, key: ast.expr, sure: bool) -> Entries:
    name = value_of(script, key)
    if not (name.settled and isinstance(name.value, str)):
        return Entries(found.items, found.open or f"line {key.lineno} removes a computed key")
    if name.value not in found.items:
        return found
    rest = {key_: item for key_, item in found.items.items() if key_ != name.value}
    gone = Setting(runtime(f"a condition removes it (line {key.lineno})"), found.items[name.value].node)
    return Entries(rest if sure else {**rest, name.value: gone}, found.open)


def _after_method(script: Script, found: Entries, attr: str, call: ast.Call, sure: bool, deep: int) -> Entries:
    if attr in _READING:
        return found
    if attr == "update":
        return _maybe(script, found, _dict_call(script, call, deep + 1), call, sure)
    if attr == "pop" and call.args:
        return _without(script, found, call.args[0], sure)
    if attr == "setdefault" and len(call.args) == 2:
        more = _pair(script, *call.args)
        return found if more.items.keys() <= found.items.keys() and more.items else _maybe(script, found, more, call, sure)
    return Entries(found.items, found.open or f"`.{attr}()` changes it (line {call.lineno})")

"""Evaluates expressions without running them: computes constants, follows names, and reads dicts and objects.

Values that the environment may change are kept apart as defaults. The functions are in one module because they call each other (a
dict holds values, and a value may come from a dict or an object). `folding` computes with constants, and `argument_parser` reads
a command line as argparse does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from ml_intern_helpers.analysis import argument_parser, folding
from ml_intern_helpers.analysis.classes import fields_of, role_of
from ml_intern_helpers.analysis.guards import certain, is_dead
from ml_intern_helpers.analysis.names import dotted, exported, expressions_of, origins, reaching, returned_values
from ml_intern_helpers.analysis.script import Binding, Script, neighbour, remembered
from ml_intern_helpers.analysis.values import Entries, Setting, Value, computed, default, known, runtime, unknown

#: The deepest expression that is evaluated; the value of a deeper one counts as computed at run time.
_DEEP = 40
_DEEP_DICT = 12
#: Methods that do not change a dict.
_READING = frozenset({"get", "items", "keys", "values", "copy"})


@remembered(lambda: runtime("a name that refers to itself"))
def value_of(script: Script, expr: ast.expr, depth: int) -> Value:
    """The value of `expr`, or the reason why it has none (see `Value`)."""
    if depth > _DEEP:
        return runtime("a deeply nested expression")
    handler = _HANDLERS.get(type(expr))
    try:
        value = handler(script, expr, depth + 1) if handler else None
    except folding.CannotFold:
        value = None
    return value or runtime(f"computed by `{script.source.segment(expr)}`")


# --- expressions ------------------------------------------------------------------------------------------------------------


def _combine(script: Script, parts: Sequence[ast.expr], depth: int, make: Callable[[list[Any]], Any]) -> Value | None:
    """The result of `make` on the values of the parts; None unless all are settled."""
    values = [value_of(script, part, depth) for part in parts]
    if not all(value.settled for value in values):
        return None
    return computed(make([value.value for value in values]), values)


def _operation(script: Script, operator: ast.AST, operands: Sequence[ast.expr], depth: int) -> Value | None:
    return _combine(script, operands, depth, lambda items: folding.operate(operator, *items))


def _dict(script: Script, expr: ast.Dict, depth: int) -> Value | None:
    keys = [key for key in expr.keys if key is not None]
    half = len(keys)
    if half != len(expr.keys):
        return None
    return _combine(script, [*keys, *expr.values], depth, lambda items: folding.paired(items[:half], items[half:]))


def _comparison(script: Script, expr: ast.Compare, depth: int) -> Value | None:
    if len(expr.ops) != 1:
        return None
    operator, right = expr.ops[0], expr.comparators[0]
    if isinstance(operator, (ast.In, ast.NotIn)) and _called(script, right) == "os.environ":
        name = value_of(script, expr.left, depth)
        variable, absent = str(name.value), isinstance(operator, ast.NotIn)
        if not name.settled:
            return None
        if variable in script.given.environ:
            return known(not absent)
        return known(absent) if not variable or script.given.lacks(variable) else default(absent, variable)
    return _operation(script, operator, [expr.left, right], depth)


def _boolean(script: Script, expr: ast.BoolOp, depth: int) -> Value | None:
    """The value of `a or b` or `a and b`, up to the first operand that decides it."""
    values: list[Value] = []
    for operand in expr.values:
        value = value_of(script, operand, depth)
        if not value.settled:
            return None
        values.append(value)
        if bool(value.value) is isinstance(expr.op, ast.Or):
            break
    return computed(value.value, values)


def _conditional(script: Script, expr: ast.IfExp, depth: int) -> Value | None:
    test = value_of(script, expr.test, depth)
    if test.settled:
        chosen = value_of(script, expr.body if test.value else expr.orelse, depth)
        other = value_of(script, expr.orelse if test.value else expr.body, depth)
        if test.state == "known" or not chosen.settled or chosen == other:
            return chosen
        return computed(chosen.value, [test, chosen])
    first, other = value_of(script, expr.body, depth), value_of(script, expr.orelse, depth)
    return first if first.settled and first == other else None


def _subscript(script: Script, expr: ast.Subscript, depth: int) -> Value | None:
    key = value_of(script, expr.slice, depth)
    if _called(script, expr.value) == "os.environ":
        variable = script.given.environ.get(str(key.value)) if key.settled else None
        return known(variable) if variable is not None else runtime(f"the environment variable {key.value or ''}".rstrip())
    entries = entries_of(script, expr.value, depth) if key.settled and isinstance(key.value, str) else None
    if entries is not None and not entries.open and key.value in entries.items:
        return entries.items[key.value].value
    return _combine(script, [expr.value, expr.slice], depth, lambda items: folding.item(*items))


def _call(script: Script, expr: ast.Call, depth: int) -> Value | None:
    name = _called(script, expr.func)
    if name in ("os.environ.get", "os.getenv"):
        return _environment(script, expr, depth)
    if expr.keywords or any(isinstance(argument, ast.Starred) for argument in expr.args):
        return None
    if name in folding.CALLS:
        return _combine(script, expr.args, depth, lambda items: folding.call(name, items))
    if isinstance(expr.func, ast.Attribute):
        attr = expr.func.attr
        return _combine(script, [expr.func.value, *expr.args], depth, lambda items: folding.method(items[0], attr, items[1:]))
    return None


def _called(script: Script, expr: ast.expr) -> str:
    target = dotted(script, expr)
    return target.name if target and target.definition is None else ""


def _environment(script: Script, expr: ast.Call, depth: int) -> Value | None:
    """The value of `os.environ.get("MAX_STEPS", "-1")`: its default, which the variable may change."""
    if not expr.args:
        return None
    name = value_of(script, expr.args[0], depth)
    fallback = [*expr.args[1:], *(word.value for word in expr.keywords if word.arg == "default")]
    value = value_of(script, fallback[0], depth) if fallback else known(None)
    if not name.settled:
        return None
    variable, environ = str(name.value), script.given.environ
    if variable in environ:
        from_launch = environ[variable]
        return known(from_launch) if from_launch is not None else runtime(f"the environment variable {variable}")
    if not value.settled:
        return None
    return value if not variable or script.given.lacks(variable) else computed(value.value, [default(None, variable), value])


# --- names ------------------------------------------------------------------------------------------------------------------


def _name(script: Script, expr: ast.Name, depth: int) -> Value | None:
    bindings = reaching(script, expr)
    if not bindings:
        return unknown(f"`{expr.id}` is not bound in this file")
    values = []
    for binding in bindings:
        if binding.kind == "import":
            hidden = runtime(f"`{expr.id}` is imported ({binding.target})")
            values.append(_imported_value(script, binding.target, depth) or hidden)
            continue
        bound = [value_of(script, value, depth) for value in expressions_of(script, binding)]
        what = {"param": "a parameter", "def": "a function", "class": "a class"}.get(binding.kind, "bound at run time")
        same = bound and all(value == bound[0] for value in bound)
        values.append(bound[0] if same else runtime(f"`{expr.id}` is {what} (line {binding.line})"))
    if all(value == values[0] for value in values):
        return values[0]
    lines = ", ".join(str(line) for line in sorted({binding.line for binding in bindings})[:4])
    return runtime(f"`{expr.id}` is set at lines {lines}: a condition decides", conditional=True)


def _imported_value(script: Script, target: str, depth: int) -> Value | None:
    """The value of `settings.BATCH` when `settings.py` is beside the script and its value is settled."""
    module_script, read = _imported_name(script, target)
    value = value_of(module_script, read, depth) if module_script and read else None
    return value if value and value.settled else None


def _imported_name(script: Script, target: str) -> tuple[Script | None, ast.Name | None]:
    """The module beside the script that defines `settings.BATCH`, and the name in it; None for each that is not found."""
    module, _, name = target.rpartition(".")
    module_script = neighbour(script, module) if module else None
    return module_script, exported(module_script, name) if module_script else None


# --- attributes -------------------------------------------------------------------------------------------------------------


def _attribute(script: Script, expr: ast.Attribute, depth: int) -> Value | None:
    """The value of `base.attr`: a class attribute, an object's field, an option's value, or a constant of a module beside it."""
    target, attr = dotted(script, expr.value), expr.attr
    if target and isinstance(target.definition, ast.ClassDef):
        return _class_constant(script, target.definition, attr, depth)
    values = [_attribute_of(script, call, attr, depth) for call in origins(script, expr.value)]
    if values:
        return values[0] if all(value == values[0] for value in values) else None
    if target and target.name.startswith("transformers.") and target.name.endswith("Strategy"):
        return known(attr.lower())  # `SaveStrategy.STEPS` is the text `steps`
    return _imported_value(script, f"{target.name}.{attr}", depth) if target else None


def _class_constant(script: Script, definition: ast.ClassDef, attr: str, depth: int) -> Value | None:
    """The value of a class attribute that is set once and nowhere else in the file."""
    script.spend(len(script.attribute_sets) + len(definition.body))
    if any(target.attr == attr for target, _ in script.attribute_sets):
        return None
    values = []
    for item in definition.body:
        targets = item.targets if isinstance(item, ast.Assign) else [item.target] if isinstance(item, ast.AnnAssign) else []
        if isinstance(item, (ast.Assign, ast.AnnAssign)) and item.value:
            values += [item.value for target in targets if isinstance(target, ast.Name) and target.id == attr]
    return value_of(script, values[0], depth) if len(values) == 1 else None


def _attribute_of(script: Script, call: ast.Call, attr: str, depth: int) -> Value | None:
    """The value of an attribute of the object that `call` creates."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "parse_args":
        return _argument(script, attr, depth)
    target = dotted(script, call.func)
    if target is None:
        return None
    script.spend(len(script.attribute_sets))
    for assigned, _ in script.attribute_sets:
        if assigned.attr == attr:
            makers = origins(script, assigned.value)
            if not makers or call in makers:  # assigned later, to this object or to one of unknown origin
                return None
    if isinstance(target.definition, ast.ClassDef):
        return _instance_value(script, call, target.definition, attr, depth)
    if call in script.parsed:
        return script.given.options.value(attr)
    if target.name == "types.SimpleNamespace" or role_of(target.name):  # `config.output_dir` of `SFTConfig(output_dir="out")`
        setting = keywords_of(script, call.keywords).items.get(attr)
        return setting.value if setting else None
    return None


def _instance_value(script: Script, call: ast.Call, definition: ast.ClassDef, attr: str, depth: int) -> Value | None:
    """The value of a local class's attribute: from the command line, the constructor call, or the class."""
    fields = fields_of(script, definition)
    if attr not in fields:
        return _class_constant(script, definition, attr, depth)
    parsed = call in script.parsed
    option = script.given.options.value(attr) if parsed else None
    if option is not None:
        return option
    keywords = keywords_of(script, call.keywords)
    index = list(fields).index(attr)
    if attr in keywords.items:
        return keywords.items[attr].value
    if index < len(call.args):
        starred = any(isinstance(argument, ast.Starred) for argument in call.args)
        return None if starred else value_of(script, call.args[index], depth)
    fallback = fields[attr].default
    if keywords.open or fallback is None:
        return None
    value = value_of(script, fallback, depth)
    return script.given.options.over(attr, value) if parsed and value.settled else value


def _argument(script: Script, name: str, depth: int) -> Value | None:
    """The value of an argument that argparse reads: from the launch, or its default, which the option may change."""
    parsed = argument_parser.parsed(script, value_of)
    if name in parsed.values:
        return parsed.values[name]
    declared = argument_parser.declarations(script, value_of)
    script.spend(len(declared.options))
    option = declared.default(name)
    if option is None:
        return None
    value, type_ = known(option.implied_default), option.default_type
    if option.default is not None:
        value = value_of(script, option.default, depth)
        if not value.settled:
            return None
        if type_ and isinstance(value.value, str):
            value = value._replace(value=folding.call(type_, [value.value]))
    return value if parsed.complete else computed(value.value, [default(None, option.flag, by_option=True), value])


# --- dicts ------------------------------------------------------------------------------------------------------------------


@remembered(lambda: Entries({}, "a dict that holds itself"))
def entries_of(script: Script, expr: ast.expr, depth: int) -> Entries:
    """The entries of a dict where it is used, from literals, `dict(…)`, merges, and earlier changes to it.

    `open` says why there may be more entries.
    """
    if depth > _DEEP_DICT:
        return _hidden(script, expr)
    match expr:
        case ast.Dict():
            entries = Entries({})
            for key, value in zip(expr.keys, expr.values, strict=True):
                entries = entries.merged(entries_of(script, value, depth + 1) if key is None else _pair(script, key, value))
            return entries
        case ast.Call():
            return _called_entries(script, expr, depth)
        case ast.Name():
            return _named_entries(script, expr, depth)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return entries_of(script, left, depth + 1).merged(entries_of(script, right, depth + 1))
        case ast.IfExp(body=body, orelse=orelse):
            why = f"`{script.source.segment(expr)}` decides (line {script.line_of(expr)})"
            return entries_of(script, body, depth + 1).either(entries_of(script, orelse, depth + 1), why)
        case ast.BoolOp(op=ast.Or(), values=[first, ast.Dict(keys=[])]):  # `options or {}`
            return entries_of(script, first, depth + 1)
    return _hidden(script, expr)


def keywords_of(script: Script, keywords: list[ast.keyword], depth: int = 0) -> Entries:
    """The keyword arguments of a call, including `**dict`."""
    entries = Entries({})
    for word in keywords:
        if word.arg is None:
            entries = entries.merged(entries_of(script, word.value, depth + 1))
        else:
            entries = entries.merged(Entries({word.arg: Setting(value_of(script, word.value), word.value)}))
    return entries


def _hidden(script: Script, expr: ast.expr) -> Entries:
    return Entries({}, f"`{script.source.segment(expr)}` (line {script.line_of(expr)}) is not a dict this file spells out")


def _pair(script: Script, key: ast.expr, value: ast.expr) -> Entries:
    name = value_of(script, key)
    if name.settled and isinstance(name.value, str):
        return Entries({name.value: Setting(value_of(script, value), value)})
    return Entries({}, f"the key `{script.source.segment(key)}` (line {script.line_of(key)}) is computed")


def _called_entries(script: Script, call: ast.Call, depth: int) -> Entries:
    target = dotted(script, call.func)
    if target is not None and target.name == "dict":
        return _dict_call(script, call, depth)
    if isinstance(call.func, ast.Attribute) and call.func.attr == "copy" and not call.args:
        return entries_of(script, call.func.value, depth + 1)
    returned = returned_values(script, call)
    return entries_of(script, returned[0], depth + 1) if len(returned) == 1 else _hidden(script, call)


def _dict_call(script: Script, call: ast.Call, depth: int) -> Entries:
    """The entries given by the arguments of `dict(…)` or `.update(…)`."""
    entries = Entries({})
    for argument in call.args:
        entries = entries.merged(entries_of(script, argument, depth + 1))
    return entries.merged(keywords_of(script, call.keywords, depth))


def _named_entries(script: Script, name: ast.Name, depth: int) -> Entries:
    bindings = _without_merges(script, reaching(script, name))
    binding = bindings[0] if len(bindings) == 1 else None
    if binding is None:
        return _hidden(script, name)
    if binding.kind == "import":
        module_script, read = _imported_name(script, binding.target)
        if module_script and read:  # report each setting where the script uses it
            entries = entries_of(module_script, read, depth + 1)
            return Entries({key: Setting(item.value, name) for key, item in entries.items.items()}, entries.open)
        return _hidden(script, name)
    expressions = expressions_of(script, binding)
    if len(expressions) != 1:
        return _hidden(script, name)
    entries = entries_of(script, expressions[0], depth + 1)
    place, mentions = script.places[name], script.names[name.id]
    owner = place.scope.owner_of(name.id)
    script.spend(len(mentions))
    for use in sorted(mentions, key=lambda node: (node.lineno, node.col_offset)):
        here = script.places[use]
        if use is name or here.scope.owner_of(use.id) is not owner or is_dead(script, here.guards):
            continue
        if here.scope is not place.scope or use.lineno <= name.lineno:  # it may run before
            entries = _after_use(script, entries, use, name, depth)
    return entries


def _without_merges(script: Script, bindings: list[Binding]) -> list[Binding]:
    """The bindings that created the dict: `common |= {…}` rebinds the same dict; `_after_use` adds its entries."""
    for _ in range(_DEEP_DICT):
        statements = [script.places[binding.node].parent if binding.kind == "other" else None for binding in bindings]
        merging = [isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.BitOr) for statement in statements]
        if not all(merging):
            return [binding for binding, merges in zip(bindings, merging, strict=True) if not merges]
        if not bindings:
            return []
        node = bindings[0].node
        bindings = reaching(script, node) if isinstance(node, ast.Name) else []
    return []


def _after_use(script: Script, entries: Entries, use: ast.Name, expr: ast.Name, depth: int) -> Entries:
    """The entries after one statement that uses the dict."""
    place = script.places[use]
    sure = place.scope is script.places[expr].scope and certain(place.guards, script.places[expr].guards)
    match place.parent:
        case ast.Subscript(ctx=ast.Store(), slice=key) as target:
            statement = script.places[target].parent
            if not isinstance(statement, ast.Assign):
                return entries.opened(f"line {key.lineno} changes it")
            return entries.updated(_pair(script, key, statement.value), script.line_of(key), certain=sure)
        case ast.Subscript(ctx=ast.Del(), slice=key):
            return _removed(script, entries, key, sure)
        case ast.Attribute(attr=attr) as method:
            call = script.places[method].parent
            return _after_method(script, entries, attr, call, sure, depth) if isinstance(call, ast.Call) else entries
        case ast.Call(func=func, args=args) if use in args:
            called = dotted(script, func)
            if called is None or isinstance(called.definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return entries.opened(f"`{script.source.segment(func)}` may change it (line {use.lineno})")
        case ast.AugAssign(target=target, op=ast.BitOr(), value=value) if target is use:
            return entries.updated(entries_of(script, value, depth + 1), script.line_of(use), certain=sure)
    return entries


def _removed(script: Script, entries: Entries, key: ast.expr, sure: bool) -> Entries:
    name = value_of(script, key)
    if name.settled and isinstance(name.value, str):
        return entries.without(name.value, key.lineno, certain=sure)
    return entries.opened(f"line {key.lineno} removes a computed key")


def _after_method(script: Script, entries: Entries, attr: str, call: ast.Call, sure: bool, depth: int) -> Entries:
    if attr in _READING:
        return entries
    if attr == "update":
        return entries.updated(_dict_call(script, call, depth + 1), call.lineno, certain=sure)
    if attr == "pop" and call.args:
        return _removed(script, entries, call.args[0], sure)
    if attr == "setdefault" and len(call.args) == 2:
        more = _pair(script, *call.args)
        present = bool(more.items) and more.items.keys() <= entries.items.keys()
        return entries if present else entries.updated(more, call.lineno, certain=sure)
    return entries.opened(f"`.{attr}()` changes it (line {call.lineno})")


_Handler = Callable[[Script, Any, int], Value | None]

_HANDLERS: dict[type[ast.expr], _Handler] = {
    # Numbers too large for a setting are rejected: Python cannot print one with more than 4,300 digits.
    ast.Constant: lambda script, expr, depth: known(folding.bounded(expr.value) if isinstance(expr.value, int) else expr.value),
    ast.List: lambda script, expr, depth: _combine(script, expr.elts, depth, list),
    ast.Tuple: lambda script, expr, depth: _combine(script, expr.elts, depth, tuple),
    ast.Set: lambda script, expr, depth: _combine(script, expr.elts, depth, list),
    ast.Dict: _dict,
    ast.JoinedStr: lambda script, expr, depth: _combine(script, expr.values, depth, folding.text),
    ast.FormattedValue: lambda script, expr, depth: None if expr.format_spec else value_of(script, expr.value, depth),
    ast.BinOp: lambda script, expr, depth: _operation(script, expr.op, [expr.left, expr.right], depth),
    ast.UnaryOp: lambda script, expr, depth: _operation(script, expr.op, [expr.operand], depth),
    ast.Compare: _comparison,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.NamedExpr: lambda script, expr, depth: value_of(script, expr.value, depth),
}

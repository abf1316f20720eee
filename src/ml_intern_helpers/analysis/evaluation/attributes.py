"""What an attribute is worth: of a class, of an object this file builds, of what the command line fills in."""

from __future__ import annotations

import ast

from ml_intern_helpers.analysis.classes import role_of
from ml_intern_helpers.analysis.command_line import given_option, options_left
from ml_intern_helpers.analysis.dataclass_fields import Field, fields_of
from ml_intern_helpers.analysis.dicts import keywords_of
from ml_intern_helpers.analysis.evaluate import imported_value, value_of, with_variables
from ml_intern_helpers.analysis.evaluation import folding
from ml_intern_helpers.analysis.evaluation.options import options_of
from ml_intern_helpers.analysis.names import Target, dotted, origins
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.values import Value, known


def attribute_value(script: Script, expr: ast.Attribute, deep: int) -> Value | None:
    """The value of `base.attr`: a class's constant, an object's field, an option's default, a neighbour's constant."""
    target = dotted(script, expr.value)
    if target and isinstance(target.definition, ast.ClassDef):
        return _class_constant(script, target.definition, expr.attr, deep)
    found = [_attribute_of(script, call, expr.attr, deep) for call in origins(script, expr.value)]
    if found:
        return found[0] if all(value == found[0] for value in found) else None
    return _strategy(target, expr.attr) or (imported_value(script, f"{target.name}.{expr.attr}", deep) if target else None)


def _attribute_of(script: Script, call: ast.Call, attr: str, deep: int) -> Value | None:
    """An attribute of the object that `call` made."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "parse_args":
        return _option(script, attr, deep)
    made = dotted(script, call.func)
    if made is None or _set_later(script, call, attr):
        return None
    if isinstance(made.definition, ast.ClassDef):
        return _instance_value(script, call, made.definition, attr, deep)
    if call in script.parsed:
        return given_option(script, attr)
    return _keyword(script, call, attr) if made.name == "types.SimpleNamespace" or role_of(made.name) else None


def _keyword(script: Script, call: ast.Call, attr: str) -> Value | None:
    """`config.output_dir` of `SFTConfig(output_dir="out")`."""
    given = keywords_of(script, call.keywords).items.get(attr)
    return given.value if given else None


def _instance_value(script: Script, call: ast.Call, definition: ast.ClassDef, attr: str, deep: int) -> Value | None:
    """An attribute of an object of a local class: given at its construction, or on the command line, or the class's own."""
    fields = fields_of(script, definition)
    if attr not in fields:
        return _class_constant(script, definition, attr, deep)
    option = given_option(script, attr) if call in script.parsed else None
    if option is not None:
        return option
    given = keywords_of(script, call.keywords)
    index = list(fields).index(attr)
    if attr in given.items:
        return given.items[attr].value
    if index < len(call.args):
        return None if any(isinstance(one, ast.Starred) for one in call.args) else value_of(script, call.args[index], deep)
    return None if given.open else _field_default(script, call, fields[attr], deep)


def _field_default(script: Script, call: ast.Call, field: Field, deep: int) -> Value | None:
    value = value_of(script, field.default, deep) if field.default is not None else None
    if value is None or call not in script.parsed or not value.settled:
        return value
    return with_variables(value.value, [*options_left(script, field.name), value.reason])


def _set_later(script: Script, call: ast.Call, attr: str) -> bool:
    """Something assigns the attribute of this object, or of one that cannot be followed."""
    script.spend(len(script.attribute_sets))
    for target, _ in script.attribute_sets:
        if target.attr == attr:
            made = origins(script, target.value)
            if not made or call in made:
                return True
    return False


def _option(script: Script, name: str, deep: int) -> Value | None:
    """An argparse option: what the launch gives, or its default and the option that may change it."""
    from ml_intern_helpers.analysis.script_arguments import parsed  # it asks values back

    given = parsed(script)
    if name in given.values:
        return given.values[name]
    option = options_of(script).get(name)
    if option is None:
        return None
    flags = [] if given.complete else [option.flag]
    if option.fallback is None:
        return with_variables(option.plain, flags)
    value = value_of(script, option.fallback, deep)
    converted = folding.call(option.convert, [value.value]) if option.convert and isinstance(value.value, str) else value.value
    return with_variables(converted, [*flags, value.reason]) if value.settled else None


def _strategy(target: Target | None, attr: str) -> Value | None:
    """`SaveStrategy.STEPS` of transformers is the text `steps`."""
    if target and target.name.startswith("transformers.") and target.name.endswith("Strategy"):
        return known(attr.lower())
    return None


def _class_constant(script: Script, definition: ast.ClassDef, attr: str, deep: int) -> Value | None:
    """A class attribute that nothing else in the file sets."""
    script.spend(len(script.attribute_sets) + len(definition.body))
    if any(target.attr == attr for target, _ in script.attribute_sets):
        return None
    values = [
        item.value
        for item in definition.body
        for name in (item.targets if isinstance(item, ast.Assign) else [item.target] if isinstance(item, ast.AnnAssign) else [])
        if isinstance(name, ast.Name) and name.id == attr and isinstance(item, (ast.Assign, ast.AnnAssign)) and item.value
    ]
    return value_of(script, values[0], deep) if len(values) == 1 else None

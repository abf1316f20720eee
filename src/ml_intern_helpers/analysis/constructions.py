"""The trainers and configs a script builds, with every setting it gives them, by keyword, dict, position or assignment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.classes import Role, positional_names, role_of
from ml_intern_helpers.analysis.dataclass_fields import fields_of
from ml_intern_helpers.analysis.evaluate import keywords_of, value_of
from ml_intern_helpers.analysis.guards import certain, runs
from ml_intern_helpers.analysis.names import Target, base_names, dotted, origins, parsed_objects, reaching
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.script_arguments import from_command_line, parser_of
from ml_intern_helpers.analysis.values import Entries, Setting, runtime, with_variables


class Construction(NamedTuple):
    """One `SFTConfig(…)` or `SFTTrainer(…)`.

    Attributes:
        role: which class, of which library.
        call: the call.
        entries: its settings; `open` says why there may be more.
        declared: names that a local subclass declares itself: they are its own business.
        own_init: a local subclass with its own `__init__`, or a patched library: its arguments cannot be judged.
        parsed: `TrlParser` when the command line fills the rest: what is not in `entries` is an option with its default.
    """

    role: Role
    call: ast.Call
    entries: Entries
    declared: frozenset[str] = frozenset()
    own_init: bool = False
    parsed: str = ""

    @property
    def line(self) -> int:
        return self.call.lineno

    @property
    def last_line(self) -> int:
        return self.call.end_lineno or self.call.lineno


def constructions(script: Script) -> list[Construction]:
    """Every trainer and config that is built, in source order; dead code left out."""
    calls = [*script.calls, *parsed_objects(script)]
    found = [made for call in calls if runs(script, call) for made in _construction(script, call)]
    return sorted((_with_assignments(script, made) for made in found), key=lambda made: made.line)


def _construction(script: Script, call: ast.Call) -> Iterator[Construction]:
    target = dotted(script, call.func)
    if target is None or _is_partial_call(script, call):
        return
    role, declared, own_init = _role(script, target)
    if role is not None:
        entries = _declared_defaults(script, call, target).merged(_entries(script, call, target, role))
        if call in script.parsed:
            entries = entries.merged(from_command_line(script, call))
        yield Construction(role, call, entries, declared, own_init, parser_of(script, call))


def _declared_defaults(script: Script, call: ast.Call, target: Target) -> Entries:
    """The defaults that a local dataclass built on a config gives its fields, those of the library's arguments among them."""
    if not isinstance(target.definition, ast.ClassDef):
        return Entries({})
    items = {}
    for field in fields_of(script, target.definition).values():
        if field.default is not None:
            value = value_of(script, field.default)
            decides = script.given.options.may_set(field.name) if call in script.parsed and value.settled else []
            items[field.name] = Setting(with_variables(value.value, decides) if decides else value, field.default)
    return Entries(items)


def _is_partial_call(script: Script, call: ast.Call) -> bool:
    """`partial(SFTConfig, …)` builds nothing yet."""
    target = dotted(script, call.func)
    return target is not None and target.name == "functools.partial"


def _role(script: Script, target: Target) -> tuple[Role | None, frozenset[str], bool]:
    if target.definition is None:
        return role_of(target.name), frozenset(), False
    if not isinstance(target.definition, ast.ClassDef):
        return None, frozenset(), False
    roles = [role for name in base_names(script, target.definition) if (role := role_of(name))]
    body = target.definition.body
    own_init = any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in body)
    declared = {item.target.id for item in body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)}
    return (roles[0] if roles else None), frozenset(declared), own_init


def _entries(script: Script, call: ast.Call, target: Target, role: Role) -> Entries:
    found = Entries({})
    for made in (*target.partial, call):
        arguments = made.args[1:] if made is not call else made.args
        found = found.merged(_positional(script, arguments, role))
        found = found.merged(keywords_of(script, made.keywords))
    return found


def _positional(script: Script, arguments: list[ast.expr], role: Role) -> Entries:
    items: dict[str, Setting] = {}
    for name, argument in zip(positional_names(role.name), arguments, strict=False):
        if isinstance(argument, ast.Starred):
            return Entries(items, f"`*{script.source.segment(argument.value)}` (line {argument.lineno}) is not spelt out")
        items[name] = Setting(value_of(script, argument), argument)
    return Entries(items)


def assignments(script: Script) -> Iterator[tuple[ast.expr, str, ast.expr, ast.AST]]:
    """(object, attribute, value, node) of every `object.attribute = value` and `setattr(object, "attribute", value)`."""
    for target, value in script.attribute_sets:
        if runs(script, target):
            yield target.value, target.attr, value, target
    for call in script.calls:
        match call:
            case ast.Call(func=ast.Name(id="setattr"), args=[base, ast.Constant(value=str(name)), value]) if runs(script, call):
                yield base, name, value, call


def _with_assignments(script: Script, made: Construction) -> Construction:
    """`config.push_to_hub = True` after the construction counts like the argument."""
    found = made.entries
    for name, value, node in _assigned_later(script).get(made.call, ()):
        found = found.merged(Entries({name: _assigned(script, made.call, value, node)}))
    return made._replace(entries=found)


def _assigned_later(script: Script) -> dict[ast.Call, list[tuple[str, ast.expr, ast.AST]]]:
    """Call -> (attribute, value, node) assigned to what it made. Once for all: asked for each, 2,000 trainers took 20 s."""
    key = ("assigned later", script.module.node)
    if key not in script.memo:
        found: dict[ast.Call, list[tuple[str, ast.expr, ast.AST]]] = {}
        for base, name, value, node in assignments(script):
            for call in origins(script, base):
                found.setdefault(call, []).append((name, value, node))
        script.memo[key] = found
    later: dict[ast.Call, list[tuple[str, ast.expr, ast.AST]]] = script.memo[key]
    return later


def _assigned(script: Script, made: ast.AST, value: ast.expr, node: ast.AST) -> Setting:
    here, there = script.places[node], script.places[made]
    sure = here.scope is there.scope and certain(here.guards, there.guards)
    if sure:
        return Setting(value_of(script, value), node)
    why = f"set at line {script.line_of(node)}, where a condition or a function decides"
    return Setting(runtime(why, conditional=True), node)


def loose_assignments(script: Script, known: list[Construction]) -> dict[str, int]:
    """Attribute -> line, for assignments to objects this file does not show being built (`trainer.args.x = …`, a parameter's)."""
    calls = {made.call for made in known}
    found: dict[str, int] = {}
    for base, name, _, node in assignments(script):
        own = isinstance(base, ast.Name) and base.id in ("self", "cls")
        if not own and not calls & set(origins(script, base)):
            found.setdefault(name, getattr(node, "lineno", 0))
    return found


def config_of(script: Script, trainer: Construction, configs: list[Construction]) -> list[Construction]:
    """The configs a trainer may run with: those its `args` leads to; its defaults; or one whose settings cannot be seen."""
    setting = trainer.entries.items.get("args")
    if setting is None:
        return [_unseen(trainer, trainer.entries.open)]
    if setting.value.state == "known" and setting.value.value is None:
        return [_unseen(trainer, "")]
    if not isinstance(setting.node, ast.expr):
        return [_unseen(trainer, "its args are assigned later")]
    made = origins(script, setting.node)
    linked = [config for config in configs if config.call in made]
    return linked or [_unseen(trainer, _why_unseen(script, setting.node))]


def _unseen(trainer: Construction, reason: str) -> Construction:
    role = Role("config", trainer.role.library, trainer.role.name.replace("Trainer", "Config"))
    return Construction(role, trainer.call, Entries({}, reason))


def _why_unseen(script: Script, expr: ast.expr) -> str:
    text, line = script.source.segment(expr), getattr(expr, "lineno", 0)
    for call in script.calls:
        target = dotted(script, call.func)
        if target and target.name.rpartition(".")[2] in ("TrlParser", "HfArgumentParser"):
            return f"`{text}` comes from the command line ({target.name.rpartition('.')[2]}, line {call.lineno})"
    where = ""
    if isinstance(expr, ast.Name):
        bindings = reaching(script, expr)
        where = f", set at line {bindings[0].line}" if bindings else ", not bound in this file"
    return f"`{text}` (line {line}{where}) is not built in this file"

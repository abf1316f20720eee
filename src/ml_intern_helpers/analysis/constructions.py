"""Finds the trainers and configs that a script builds, with all their settings, and recognises how it trains."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.classes import LIGHTNING, Role, fields_of, positional_names, role_of
from ml_intern_helpers.analysis.evaluate import keywords_of, value_of
from ml_intern_helpers.analysis.guards import certain, runs
from ml_intern_helpers.analysis.names import base_names, dotted, origins, parsed_objects, reaching
from ml_intern_helpers.analysis.script import Script
from ml_intern_helpers.analysis.script_arguments import from_command_line, parser_of
from ml_intern_helpers.analysis.values import Entries, Setting, known, runtime


class Construction(NamedTuple):
    """One `SFTConfig(…)` or `SFTTrainer(…)`.

    Attributes:
        role: the role of its class.
        call: the call.
        entries: its settings; `open` says why there may be more.
        declared: the fields that a local subclass declares itself, which are not checked.
        own_init: it is of a local subclass with its own `__init__`, so its arguments cannot be checked.
        parsed: the parser (`TrlParser`) that may set options missing from `entries`; "" when none may.
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


def constructions(script: Script) -> list[Construction]:
    """Every trainer and config that is built, in source order, except in dead code."""
    later: dict[ast.Call, list[tuple[str, ast.expr, ast.AST]]] = {}
    for base, name, value, node in _assignments(script):
        for call in origins(script, base):
            later.setdefault(call, []).append((name, value, node))
    built = []
    for call in [*script.calls, *parsed_objects(script)]:
        construction = _construction(script, call) if runs(script, call) else None
        if construction is not None:
            entries = construction.entries
            for name, value, node in later.get(call, ()):  # `config.push_to_hub = True` counts like the argument
                here, there = script.places[node], script.places[call]
                why = f"set at line {script.line_of(node)}, where a condition or a function decides"
                assigned = runtime(why, conditional=True)
                if here.scope is there.scope and certain(here.guards, there.guards):
                    assigned = value_of(script, value)
                entries = entries.merged(Entries({name: Setting(assigned, node)}))
            built.append(construction._replace(entries=entries))
    return sorted(built, key=lambda construction: construction.line)


def _construction(script: Script, call: ast.Call) -> Construction | None:
    target = dotted(script, call.func)
    if target is None or target.name == "functools.partial":  # `partial(SFTConfig, …)` builds nothing yet
        return None
    role, declared, own_init, entries = role_of(target.name), frozenset[str](), False, Entries({})
    if target.definition is not None:
        if not isinstance(target.definition, ast.ClassDef):
            return None
        roles = (role_of(name) for name in base_names(script, target.definition))
        role = next((role for role in roles if role), None)
        body = target.definition.body
        annotated = (item.target for item in body if isinstance(item, ast.AnnAssign))
        declared = frozenset(name.id for name in annotated if isinstance(name, ast.Name))
        own_init = any(isinstance(item, ast.FunctionDef) and item.name == "__init__" for item in body)
        entries = _declared_defaults(script, call, target.definition) if role else entries
    if role is None:
        return None
    for part in (*target.partial, call):
        for name, argument in zip(positional_names(role.name), part.args if part is call else part.args[1:], strict=False):
            if isinstance(argument, ast.Starred):
                entries = entries.opened(f"`*{script.source.segment(argument.value)}` (line {argument.lineno}) is not spelt out")
                break
            entries = entries.merged(Entries({name: Setting(value_of(script, argument), argument)}))
        entries = entries.merged(keywords_of(script, part.keywords))
    if call in script.parsed:
        entries = entries.merged(from_command_line(script, call))
    return Construction(role, call, entries, declared, own_init, parser_of(script, call))


def _declared_defaults(script: Script, call: ast.Call, definition: ast.ClassDef) -> Entries:
    """The defaults of the fields of a local dataclass that extends a config, including those it redeclares."""
    items = {}
    for field in fields_of(script, definition).values():
        if field.default is not None:
            value = value_of(script, field.default)
            if call in script.parsed and value.settled and script.given.options.may_set_more:
                value = script.given.options.over(field.name, known(value.value))
            items[field.name] = Setting(value, field.default)
    return Entries(items)


def _assignments(script: Script) -> Iterator[tuple[ast.expr, str, ast.expr, ast.AST]]:
    """(object, attribute, value, node) of every `object.attribute = value` and `setattr(object, "attribute", value)`."""
    for target, value in script.attribute_sets:
        if runs(script, target):
            yield target.value, target.attr, value, target
    for call in script.calls:
        match call:
            case ast.Call(func=ast.Name(id="setattr"), args=[base, ast.Constant(value=str(name)), value]) if runs(script, call):
                yield base, name, value, call


def loose_assignments(script: Script, known: list[Construction]) -> dict[str, int]:
    """Attribute -> line, for assignments to objects not built in this file (`trainer.args.x = …`, or a parameter)."""
    calls = {construction.call for construction in known}
    lines: dict[str, int] = {}
    for base, name, _, node in _assignments(script):
        own = isinstance(base, ast.Name) and base.id in ("self", "cls")
        if not own and not calls & set(origins(script, base)):
            lines.setdefault(name, getattr(node, "lineno", 0))
    return lines


def config_of(script: Script, trainer: Construction, configs: list[Construction]) -> list[Construction]:
    """The configs a trainer may run with: those that `args` refers to, the defaults, or one with unknown settings."""
    setting = trainer.entries.items.get("args")
    if setting is None:
        hidden = trainer.entries.open
    elif setting.value.state == "known" and setting.value.value is None:
        hidden = ""
    elif not isinstance(setting.node, ast.expr):
        hidden = "its args are assigned later"
    else:
        makers = origins(script, setting.node)
        linked = [config for config in configs if config.call in makers]
        if linked:
            return linked
        hidden = _why_hidden(script, setting.node)
    role = Role("config", trainer.role.library, trainer.role.name.replace("Trainer", "Config"))
    return [Construction(role, trainer.call, Entries({}, hidden))]


def _why_hidden(script: Script, expr: ast.expr) -> str:
    text, line = script.source.segment(expr), script.line_of(expr)
    for call in script.calls:
        target = dotted(script, call.func)
        if target and target.name.rpartition(".")[2] in ("TrlParser", "HfArgumentParser"):
            return f"`{text}` comes from the command line ({target.name.rpartition('.')[2]}, line {call.lineno})"
    where = ""
    if isinstance(expr, ast.Name):
        bindings = reaching(script, expr)
        where = f", set at line {bindings[0].line}" if bindings else ", not bound in this file"
    return f"`{text}` (line {line}{where}) is not built in this file"


_STARTS = frozenset({"train", "fit", "step", "training_loop"})
_PROCESSES = frozenset(
    {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen", "os.system"}
)
_TRL_COMMANDS = {"sft": "SFT", "dpo": "DPO", "grpo": "GRPO", "kto": "KTO", "reward": "reward model", "rloo": "RLOO"}


class Training(NamedTuple):
    """How the script trains.

    Attributes:
        kind: `trainer`, `loop`, `command`, or `none`.
        method: the name shown to people: `SFT`, `accelerate loop`, `trl sft`.
        line: the line of the training; None for `none`.
        why_not: for `none`, what was found instead.
        built: for `trainer`, how many trainers are built.
    """

    kind: str
    method: str
    line: int | None = None
    why_not: str = ""
    built: int = 0


def recognise(script: Script, trainers: list[Construction]) -> Training:
    """The training in the script; its `kind` is `none` when none is recognised."""
    calls = {trainer.call for trainer in trainers}
    if calls and any(runs(script, call) and _starts(script, call, calls) for call in script.calls):
        methods = " + ".join(dict.fromkeys(trainer.role.method for trainer in trainers))
        return Training("trainer", methods, trainers[0].line, built=len(trainers))
    other = _lightning(script) or _loop(script) or _command(script)
    if other is not None:
        return other
    if trainers:
        name, line = trainers[0].role.name, trainers[0].line
        return Training("none", "", why_not=f"{name} is built at line {line} but its .train() is never called")
    return Training("none", "", why_not="no trainer of TRL or Transformers, no loop with .backward(), no `trl` command")


def _starts(script: Script, call: ast.Call, trainers: set[ast.Call]) -> bool:
    """Whether the call starts a training: `trainer.train()`, but not `model.train()`, which only switches a mode."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _STARTS:
        return False
    makers = origins(script, call.func.value)
    if not makers:
        base = call.func.value
        name = (base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else "").lower()
        return call.func.attr == "train" and "model" not in name and name not in ("net", "module", "policy")
    return not trainers.isdisjoint(makers) or any(_hands_on(script, maker, trainers) for maker in makers)


def _hands_on(script: Script, call: ast.Call, trainers: set[ast.Call]) -> bool:
    """Whether a call probably returns a trainer.

    This is so for `build_trainer()` that is imported or cannot be followed, and for a function that is passed a trainer, such
    as `train_on_responses_only(trainer, …)`.
    """
    target = dotted(script, call.func)
    if target is not None and "trainer" in target.name.lower():
        return True
    arguments = (*call.args, *(word.value for word in call.keywords))
    return any(not trainers.isdisjoint(origins(script, argument)) for argument in arguments)


def _lightning(script: Script) -> Training | None:
    for call in script.calls if _methods(script, "fit") else ():
        target = dotted(script, call.func)
        lightning = target is not None and target.name.split(".")[0] in LIGHTNING and target.name.endswith(".Trainer")
        if lightning and runs(script, call):
            return Training("loop", "Lightning", call.lineno)
    return None


def _loop(script: Script) -> Training | None:
    """A loop with `loss.backward()` (or `accelerator.backward(loss)`) and an optimizer's `.step()`."""
    backward = [call for call in _methods(script, "backward") if runs(script, call)]
    if not backward or not _methods(script, "step"):
        return None
    accelerated = any(target.name == "accelerate.Accelerator" for call in script.calls if (target := dotted(script, call.func)))
    return Training("loop", "accelerate loop" if accelerated else "PyTorch loop", backward[0].lineno)


def _methods(script: Script, name: str) -> list[ast.Call]:
    return [call for call in script.calls if isinstance(call.func, ast.Attribute) and call.func.attr == name]


def _command(script: Script) -> Training | None:
    """A process started with `trl sft …`, or with `accelerate launch` or `torchrun`, whose script is not in this file."""
    for call in script.calls:
        target = dotted(script, call.func)
        if target and target.name in _PROCESSES and call.args and runs(script, call):
            words = command_words(script, call.args[0])
            if words[:1] == ["trl"] and len(words) > 1 and words[1] in _TRL_COMMANDS:
                return Training("command", f"{_TRL_COMMANDS[words[1]]} by `trl {words[1]}`", call.lineno)
            if words[:2] == ["accelerate", "launch"] or words[:1] == ["torchrun"]:
                return Training("command", f"`{words[0]}`", call.lineno)
    return None


def command_words(script: Script, expr: ast.expr) -> list[str]:
    """The words of a command given as a string or list; `?` stands for a word that is not constant."""
    if isinstance(expr, (ast.List, ast.Tuple)):
        values = [value_of(script, part) for part in expr.elts]
        return [str(value.value) if value.settled else "?" for value in values]
    value = value_of(script, expr)
    if isinstance(value.value, (list, tuple)):
        return [str(part) for part in value.value]
    try:
        return shlex.split(value.value) if isinstance(value.value, str) else []
    except ValueError:
        return []

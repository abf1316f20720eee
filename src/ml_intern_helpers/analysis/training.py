"""Recognises how a script trains: with a trainer, a loop of its own, a training command, or not at all."""

from __future__ import annotations

import ast
import shlex
from typing import NamedTuple

from ml_intern_helpers.analysis.classes import LIGHTNING
from ml_intern_helpers.analysis.constructions import Construction
from ml_intern_helpers.analysis.evaluate import value_of
from ml_intern_helpers.analysis.guards import runs
from ml_intern_helpers.analysis.names import dotted, origins
from ml_intern_helpers.analysis.script import Script

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

"""Translates what Python code starts into command lines: jobs through huggingface_hub, programs through subprocess and os.

The code may also come from `python -c`. A value that is not constant becomes an unset shell variable.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator

#: A text that matches none of these starts nothing; the search is faster than parsing.
_SIGNS = re.compile(
    r"run_job|run_uv_job|create_scheduled_|trigger_scheduled_|resume_scheduled_|Sandbox|subprocess|os\.(?:system|popen|exec|spawn)|Popen|check_(?:call|output)"
)
_JOBS = {
    "run_job": "hf jobs run",
    "run_uv_job": "hf jobs uv run",
    "create_scheduled_job": "hf jobs scheduled run",
    "create_scheduled_uv_job": "hf jobs scheduled uv run",
    "rerun_job": "hf jobs rerun",
    "trigger_scheduled_job": "hf jobs scheduled trigger",
    "resume_scheduled_job": "hf jobs scheduled resume",
}
_SANDBOXES = {"Sandbox.create": "hf sandbox create", "SandboxPool": "hf sandbox pool create"}
_OPTIONS = {"flavor": "--flavor", "timeout": "--timeout", "namespace": "--namespace", "python": "--python", "name": "--name"}
_TEXT_PROGRAMS = frozenset({"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"})
_IMPORTED = frozenset({"call", "check_call", "check_output", "Popen"})
_LIST_PROGRAMS = frozenset({"subprocess.run", *_IMPORTED, *(f"subprocess.{name}" for name in _IMPORTED)})
_MOST_CHARACTERS, _MOST_LINES = 256 * 1024, 20


def starts_in(text: str) -> list[str]:
    """The command lines of what `text` starts; empty when it is not valid Python."""
    if len(text) > _MOST_CHARACTERS or not _SIGNS.search(text):
        return []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [line for node in ast.walk(tree) if isinstance(node, ast.Call) for line in _line(node, constants)][:_MOST_LINES]


def _line(call: ast.Call, constants: dict[str, ast.expr]) -> Iterator[str]:
    name = ast.unparse(call.func) if isinstance(call.func, ast.Name | ast.Attribute) else ""
    last = name.rpartition(".")[2]
    if last in _JOBS:
        yield " ".join([_JOBS[last], *_job(last, call, constants)])
    elif name.rpartition("huggingface_hub.")[2] in _SANDBOXES:
        yield _SANDBOXES[name.rpartition("huggingface_hub.")[2]]
    elif name in _TEXT_PROGRAMS and call.args:
        yield _text(call.args[0], constants)
    elif name in _LIST_PROGRAMS and call.args:
        yield _command(call, constants)


def _command(call: ast.Call, constants: dict[str, ast.expr]) -> str:
    command = _resolved(call.args[0], constants)
    shell = next((keyword.value for keyword in call.keywords if keyword.arg == "shell"), None)
    if isinstance(command, ast.List | ast.Tuple):
        return " ".join(_word(item, constants) for item in command.elts)
    if isinstance(command, ast.Call) and ast.unparse(command.func) == "shlex.split" and command.args:
        return _text(command.args[0], constants)
    return _text(command, constants) if shell is not None else _word(command, constants)


def _job(name: str, call: ast.Call, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The words after `hf jobs …`, in the order that the client expects."""
    arguments = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for word, option in _OPTIONS.items():
        if word in arguments:
            yield f"{option} {_word(arguments[word], constants)}"
    for word, option in (("env", "--env"), ("secrets", "--secrets")):
        mapping = _resolved(arguments[word], constants) if word in arguments else None
        for key in mapping.keys if isinstance(mapping, ast.Dict) else []:
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                yield f"{option} {key.value}=$set_in_python"
    uv = "uv" in name
    if uv:
        yield from (f"--with {item}" for item in _items(arguments.get("dependencies"), constants))
        yield from (f"--image {_word(arguments['image'], constants)}" for _ in range("image" in arguments))
    if any(keyword.arg is None for keyword in call.keywords):
        yield "$options_in_python"
    yield from (_word(arguments["schedule"], constants) for _ in range("schedule" in arguments))
    first, rest = ("script", "script_args") if uv else ("image", "command")
    places = [name for name in (first, rest) if name not in arguments]
    arguments |= dict(zip(places, call.args, strict=False))
    yield _word(arguments[first], constants) if first in arguments else f"${first}"
    yield from _items(arguments.get(rest), constants)


def _items(node: ast.expr | None, constants: dict[str, ast.expr]) -> Iterator[str]:
    items = _resolved(node, constants) if node is not None else None
    if isinstance(items, ast.List | ast.Tuple):
        yield from (_word(item, constants) for item in items.elts)
    elif items is not None:
        yield "$words_in_python"


def _resolved(node: ast.expr, constants: dict[str, ast.expr]) -> ast.expr:
    return constants.get(node.id, node) if isinstance(node, ast.Name) else node


def _word(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """The expression as a quoted word: `sys.executable` becomes python, a value that is not constant an unset variable."""
    expr = _resolved(node, constants)
    if isinstance(expr, ast.Constant) and isinstance(expr.value, str | int | float):
        return shlex.quote(str(expr.value))
    return "python" if ast.unparse(expr) == "sys.executable" else "$set_in_python"


def _text(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """The expression as shell text; the parts of an f-string that are not constant become unset variables."""
    expr = _resolved(node, constants)
    if isinstance(expr, ast.Constant) and isinstance(expr.value, str):
        return expr.value
    if isinstance(expr, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "$set_in_python" for part in expr.values)
    return "$set_in_python"

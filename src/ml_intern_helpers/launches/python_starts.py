"""Finds what a Python text starts itself, as command lines: jobs through huggingface_hub, programs through subprocess and os.

This finds launches inside `python -c`, too. A value that is not constant becomes a shell variable that is not set.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Iterator

#: Texts without any of these start nothing; looking for them costs less than parsing.
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
    """Command lines for what `text` starts; none where it is no Python."""
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
    given = _resolved(call.args[0], constants)
    shell = next((keyword.value for keyword in call.keywords if keyword.arg == "shell"), None)
    if isinstance(given, ast.List | ast.Tuple):
        return " ".join(_word(item, constants) for item in given.elts)
    if isinstance(given, ast.Call) and ast.unparse(given.func) == "shlex.split" and given.args:
        return _text(given.args[0], constants)
    return _text(given, constants) if shell is not None else _word(given, constants)


def _job(name: str, call: ast.Call, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The words behind `hf jobs …`, in the order in which the client wants them."""
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for word, option in _OPTIONS.items():
        if word in given:
            yield f"{option} {_word(given[word], constants)}"
    for word, option in (("env", "--env"), ("secrets", "--secrets")):
        found = _resolved(given[word], constants) if word in given else None
        for key in found.keys if isinstance(found, ast.Dict) else []:
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
                yield f"{option} {key.value}=$set_in_python"
    uv = "uv" in name
    if uv:
        yield from (f"--with {item}" for item in _items(given.get("dependencies"), constants))
        yield from (f"--image {_word(given['image'], constants)}" for _ in range("image" in given))
    if any(keyword.arg is None for keyword in call.keywords):
        yield "$options_in_python"
    yield from (_word(given["schedule"], constants) for _ in range("schedule" in given))
    first, rest = ("script", "script_args") if uv else ("image", "command")
    places = [name for name in (first, rest) if name not in given]
    given |= dict(zip(places, call.args, strict=False))
    yield _word(given[first], constants) if first in given else f"${first}"
    yield from _items(given.get(rest), constants)


def _items(node: ast.expr | None, constants: dict[str, ast.expr]) -> Iterator[str]:
    found = _resolved(node, constants) if node is not None else None
    if isinstance(found, ast.List | ast.Tuple):
        yield from (_word(item, constants) for item in found.elts)
    elif found is not None:
        yield "$words_in_python"


def _resolved(node: ast.expr, constants: dict[str, ast.expr]) -> ast.expr:
    return constants.get(node.id, node) if isinstance(node, ast.Name) else node


def _word(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """A quoted word; `sys.executable` is python, and a value that is not constant is an unset variable."""
    found = _resolved(node, constants)
    if isinstance(found, ast.Constant) and isinstance(found.value, str | int | float):
        return shlex.quote(str(found.value))
    return "python" if ast.unparse(found) == "sys.executable" else "$set_in_python"


def _text(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """A text for a shell; the parts of an f-string that are not constant are variables of it."""
    found = _resolved(node, constants)
    if isinstance(found, ast.Constant) and isinstance(found.value, str):
        return found.value
    if isinstance(found, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "$set_in_python" for part in found.values)
    return "$set_in_python"

"""Whether a line can be blamed: not where the script itself provides for the other case."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.names import is_dead
from ml_intern_helpers.analysis.script import Guard, Guards, Script

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "RuntimeError"})
_CALL_ERRORS = frozenset({"TypeError"})
_BROAD = frozenset({"Exception", "BaseException", ""})
#: A test that mentions one of these asks which release is installed, or what it offers.
_ASKS_RELEASE = ("version", "signature", "hasattr", "find_spec", "is_available", "available", "fields", "parameters", "getattr")


def runs(script: Script, node: ast.AST) -> bool:
    """The node is not dead code."""
    return not is_dead(script, script.places[node].guards)


def blamable(script: Script, node: ast.AST, *, importing: bool = False) -> bool:
    """A fault at `node` would really stop the run.

    No for dead code, for a `try` whose handler provides for it, for the handler itself (the fallback), and under a test that
    asks for the installed release.
    """
    guards = script.places[node].guards
    return not is_dead(script, guards) and not any(_provides(guard, importing) for guard in guards)


def expected(script: Script, node: ast.AST, *errors: str) -> bool:
    """A `try` around the node names one of `errors`: the script is written for it to fail so."""
    tries = [guard.node for guard in script.places[node].guards if guard.kind == "try"]
    return any(not names.isdisjoint(errors) for one in tries for names in _handled(one))


def optional(script: Script, node: ast.AST) -> bool:
    """An import that may be skipped: provided for, or under a condition."""
    guards = script.places[node].guards
    return not blamable(script, node, importing=True) or any(guard.kind in ("if", "else") for guard in guards)


def asks_release(test: ast.AST) -> bool:
    """`Version(trl.__version__) >= Version("0.12")`, `"tokenizer" in inspect.signature(…).parameters` and the like."""
    words = [node.id for node in ast.walk(test) if isinstance(node, ast.Name)]
    words += [node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)]
    return any(part in word.lower() for word in words for part in _ASKS_RELEASE if word != "is_available")


def _provides(guard: Guard, importing: bool) -> bool:
    if guard.kind == "except":
        return True
    if guard.kind == "try":
        return any(_catches(names, importing) for names in _handled(guard.node))
    test = getattr(guard.node, "test", None)
    return guard.kind in ("if", "else") and test is not None and _asks(test)


def _asks(test: ast.AST) -> bool:
    # `torch.cuda.is_available()` asks for hardware, not for a release.
    hardware = {"cuda", "mps", "xpu", "accelerator", "is_bf16_supported"}
    words = {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    return asks_release(test) and not words & hardware


def _handled(node: ast.AST) -> Iterator[set[str]]:
    """The names of the errors that each handler of a `try`, or a `with suppress(…)`, takes."""
    for handler in getattr(node, "handlers", []):
        yield _caught(handler.type)
    for item in node.items if isinstance(node, ast.With) else []:
        match item.context_expr:
            case ast.Call(func=ast.Attribute(attr="suppress" | "raises") | ast.Name(id="suppress" | "raises"), args=args):
                yield {name for argument in args for name in _caught(argument)}


def _catches(names: set[str], importing: bool) -> bool:
    if importing:
        return bool(names & (_IMPORT_ERRORS | _BROAD))
    # A broad handler around a whole run reports the crash, it does not prevent it.
    return bool(names & _CALL_ERRORS)


def _caught(kind: ast.expr | None) -> set[str]:
    if kind is None:
        return {""}
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return {
        part.attr if isinstance(part, ast.Attribute) else part.id for part in parts if isinstance(part, (ast.Name, ast.Attribute))
    }


def guards_of(script: Script, node: ast.AST) -> Guards:
    return script.places[node].guards

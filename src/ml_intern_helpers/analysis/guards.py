"""Determines whether a statement runs and whether an error in it would stop the run.

This takes into account dead code, exception handlers, and conditions that test for a release.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.analysis.script import Guards, Script

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "RuntimeError"})
_CALL_ERRORS = frozenset({"TypeError"})
_BROAD = frozenset({"Exception", "BaseException", ""})
#: A condition that mentions one of these tests for a release or for what it offers.
_ASKS_RELEASE = ("version", "signature", "hasattr", "find_spec", "available", "fields", "parameters", "getattr")
#: A condition that mentions one of these tests for hardware (`torch.cuda.is_available()`), not for a release.
_ASKS_HARDWARE = frozenset({"cuda", "mps", "xpu", "accelerator", "is_bf16_supported"})


def runs(script: Script, node: ast.AST) -> bool:
    """The node is not dead code."""
    return not is_dead(script, script.places[node].guards)


def is_dead(script: Script, guards: Guards) -> bool:
    """True under `if False:`, `if TYPE_CHECKING:` and the other branch of `if True:`."""
    for guard in guards:
        if isinstance(guard.node, ast.While):
            if guard.kind == "loop" and _constant_truth(script, guard.node.test) is False:
                return True
        elif isinstance(guard.node, (ast.If, ast.IfExp)):
            truth = _constant_truth(script, guard.node.test)
            if truth is not None and truth is (guard.kind == "else"):
                return True
    return False


def _constant_truth(script: Script, test: ast.expr) -> bool | None:
    """The truth of a literal (`False`, `0`, `not True`), `TYPE_CHECKING`, or a module constant bound once; None for the rest."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _constant_truth(script, operand)
            return None if truth is None else not truth
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Name(id=name):
            bindings = script.module.bindings.get(name, [])
            if len(bindings) == 1 and not bindings[0].guards and isinstance(bindings[0].value, ast.Constant):
                return bool(bindings[0].value.value)
    return None


def certain(guards: Guards, seen_from: Guards) -> bool:
    """Whether code under `guards` has certainly run before code under `seen_from`; a `try` body counts as run."""
    needed = tuple(guard for guard in guards if guard.kind != "try")
    present = tuple(guard for guard in seen_from if guard.kind != "try")
    return needed == present[: len(needed)]


def error_stops_run(script: Script, node: ast.AST, *, importing: bool = False) -> bool:
    """Whether an error at `node` would stop the run.

    False for dead code, for a `try` whose handler catches the error, for the handler itself (the fallback), and under a
    condition that tests for the installed release.
    """
    guards = script.places[node].guards
    if is_dead(script, guards):
        return False
    # A broad handler around a whole run only reports the crash, so it does not count for calls.
    errors = _IMPORT_ERRORS | _BROAD if importing else _CALL_ERRORS
    for guard in guards:
        test = getattr(guard.node, "test", None)
        if guard.kind == "except" or (guard.kind in ("if", "else") and test is not None and _asks_release(test)):
            return False
        if guard.kind == "try" and any(names & errors for names in _handled(guard.node)):
            return False
    return True


def expected(script: Script, node: ast.AST, *errors: str) -> bool:
    """Whether a `try` around the node catches one of `errors` by name, so that the script expects this failure."""
    tries = [guard.node for guard in script.places[node].guards if guard.kind == "try"]
    return any(not names.isdisjoint(errors) for statement in tries for names in _handled(statement))


def optional(script: Script, node: ast.AST) -> bool:
    """Whether an import may fail or be skipped: its error is handled, or it is under a condition."""
    guards = script.places[node].guards
    return not error_stops_run(script, node, importing=True) or any(guard.kind in ("if", "else") for guard in guards)


def _asks_release(test: ast.AST) -> bool:
    """`Version(trl.__version__) >= Version("0.12")`, `"tokenizer" in inspect.signature(…).parameters` and the like."""
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(test) if isinstance(node, ast.Attribute)}
    words = (names | attributes) - {"is_available"}
    return not attributes & _ASKS_HARDWARE and any(part in word.lower() for word in words for part in _ASKS_RELEASE)


def _handled(node: ast.AST) -> Iterator[set[str]]:
    """The names of the errors that each handler of a `try`, or a `with suppress(…)`, catches."""
    for handler in getattr(node, "handlers", []):
        yield _error_names(handler.type)
    for item in node.items if isinstance(node, ast.With) else []:
        match item.context_expr:
            case ast.Call(func=ast.Attribute(attr="suppress" | "raises") | ast.Name(id="suppress" | "raises"), args=args):
                yield {name for argument in args for name in _error_names(argument)}


def _error_names(kind: ast.expr | None) -> set[str]:
    """The errors of `except (ValueError, errors.TypeError):`; "" for a bare `except:`."""
    if kind is None:
        return {""}
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    names = (getattr(part, "attr", None) or getattr(part, "id", None) for part in parts)
    return {name for name in names if name}

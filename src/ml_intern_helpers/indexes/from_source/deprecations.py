"""Extracts deprecations from a module's warnings, decorators and docstrings, by the class or function they concern.

The texts read like `` `pad_token` is deprecated and will be removed in v2.0.0. Set … ``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ml_intern_helpers.indexes.from_source.exports import flat_statements, string_of
from ml_intern_helpers.indexes.from_source.read_records import Function, decorators
from ml_intern_helpers.indexes.signatures import Announced

_WARNERS = frozenset({"warn", "warning", "warning_once", "warn_once", "deprecate", "deprecation_warning"})
_CONSTRUCTORS = ("__init__", "__post_init__", "__new__")
_OF = r"(?: (?:argument|parameter|keyword))?(?: directly)?(?: (?:of|in|to) `?[\w.]+`?)?,?"
_SUBJECT = re.compile(
    r"(?:^|[.] )(?:The |Passing |Parameter |Argument |Using )?"
    rf"(?P<tick>`?)(?P<name>[a-zA-Z]\w*)(?:=(?P<value>[^`]+))?(?P=tick){_OF}"
    r" (?:is|are|was) (?:now )?(?:deprecated|ignored)(?P<rest>.*)",
    re.DOTALL,
)
_PATH = re.compile(r"This import path is deprecated(?P<rest>.*)", re.DOTALL)
_GOES = re.compile(r"remov|ignored in ")
_UNTIL = re.compile(r"removed (?:in|after) (?:the )?(?:version |release )?(?:[A-Z]\w+ )?v?(\d[\d.\-]*\d|\d+)")
_IDENTIFIER = re.compile(r"_|[a-z0-9][A-Z]|[A-Z]{2}")
_SENTENCE = re.compile(r"(?<=[.!]) +(?=[A-Z`])")
_SPACE = re.compile(r"\s+")
_LONGEST = 160
_TELLS = re.compile(r"(Use|Set|Pass|Please|Subclass|Update|Instead|Configure|Run)\b")


def deprecations(module: str, tree: ast.Module) -> dict[str, tuple[Announced, ...]]:
    """Origin (`module:Class`, `module:function`, `module:Class.method`) -> the deprecations announced for it."""
    by_origin: dict[str, dict[tuple[str, str], Announced]] = {}
    for owner, announced in _in_module(tree):
        by_origin.setdefault(f"{module}:{owner}", {}).setdefault((announced.name, announced.value), announced)
    return {origin: tuple(rows.values()) for origin, rows in by_origin.items()}


def _in_module(tree: ast.Module) -> Iterator[tuple[str, Announced]]:
    for node in flat_statements(tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from ((node.name, announced) for announced in _of_function(node, node.name))
        elif isinstance(node, ast.ClassDef):
            # Texts in a constructor concern the class, those in another method that method. Properties are not called.
            yield from ((node.name, announced) for announced in _documented(node))
            for item in node.body:
                if not isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    continue
                if item.name in _CONSTRUCTORS:
                    yield from ((node.name, announced) for announced in _of_function(item, node.name))
                elif not item.name.startswith("_") and not decorators(item) & {"property", "cached_property", "setter"}:
                    yield from ((f"{node.name}.{item.name}", announced) for announced in _of_function(item, item.name))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from _served(node.value)


def _of_function(node: Function, called: str) -> Iterator[Announced]:
    """The deprecations of the function itself (`called`), its arguments, and the settings of its argument `args`."""
    for decorator in node.decorator_list:
        yield from _decorated(decorator)
    yield from _documented(node)
    read = {item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute) and ast.unparse(item.value) == "args"}
    own = {item.arg for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.kwarg) if item}
    for text in _messages(node):
        announced = read_announcement(text)
        if announced is None:
            continue
        if announced.name in read - own:
            yield announced._replace(name=f"args.{announced.name}")
        elif announced.name in (called, ""):
            yield announced._replace(name="")
        elif node.name in _CONSTRUCTORS or {announced.name, "kwargs"} & own:
            yield announced  # any other name is not an argument, but for example a dictionary key


def _documented(node: ast.ClassDef | Function) -> Iterator[Announced]:
    """The deprecations in a docstring's blocks that begin with `Parameter `x` is deprecated`."""
    for part in (ast.get_docstring(node) or "").split("Parameter `")[1:]:
        announced = read_announcement("Parameter `" + part.partition("</Deprecated>")[0].partition("\n\n")[0])
        yield from [announced] if announced is not None else []


def _messages(node: Function) -> Iterator[str]:
    """The texts of a function's warnings; one in a loop over a literal table occurs once per row."""
    for loops, call in _calls(node.body, ()):
        if call.args and ast.unparse(call.func).rpartition(".")[2] in _WARNERS:
            for names in _rows(loops):
                yield _text(call.args[0], names)


def _calls(body: list[ast.stmt], loops: tuple[ast.For, ...]) -> Iterator[tuple[tuple[ast.For, ...], ast.Call]]:
    for statement in body:
        inner = (*loops, statement) if isinstance(statement, ast.For) else loops
        parts = [getattr(statement, part, []) for part in ("body", "orelse", "finalbody")]
        parts += [handler.body for handler in getattr(statement, "handlers", ())]
        for part in parts:
            yield from _calls(part, inner)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield loops, statement.value


def _rows(loops: tuple[ast.For, ...]) -> Iterator[dict[str, str]]:
    """The values of the loop variables, for each row of the innermost loop over literals."""
    tables = [loop for loop in loops if isinstance(loop.iter, (ast.Tuple, ast.List)) and isinstance(loop.target, ast.Tuple)]
    if not tables:
        yield {}
        return
    assert isinstance(tables[-1].target, ast.Tuple)
    names = [ast.unparse(item) for item in tables[-1].target.elts]
    for row in tables[-1].iter.elts:  # type: ignore[attr-defined]
        if isinstance(row, ast.Tuple) and all(isinstance(item, ast.Constant) for item in row.elts):
            yield dict(zip(names, (str(item.value) for item in row.elts if isinstance(item, ast.Constant)), strict=False))


def _text(node: ast.expr, names: dict[str, str]) -> str:
    """The text of an expression, with `…` for parts that are only known at run time."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, names) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return names.get(ast.unparse(node.value), "…")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, names) + _text(node.right, names)
    return "…"


def _decorated(decorator: ast.expr) -> Iterator[Announced]:
    """The deprecation in `@deprecate_kwarg("old", version="5.0", …)` or `@_deprecate_method(version="1.0", …)`."""
    if not isinstance(decorator, ast.Call):
        return
    kind = ast.unparse(decorator.func).rpartition(".")[2]
    by_position = zip(("old_name", "version", "new_name"), decorator.args, strict=False)
    pairs = [*by_position, *((word.arg or "", word.value) for word in decorator.keywords)]
    arguments = {name: text for name, item in pairs if (text := string_of(item)) is not None}
    if kind == "deprecate_kwarg" and "old_name" in arguments:
        new = arguments.get("new_name", "")
        yield Announced(arguments["old_name"], "", arguments.get("version", ""), f"Use `{new}` instead." if new else "")
    elif kind == "_deprecate_method":
        yield Announced("", "", arguments.get("version", ""), arguments.get("message", ""))


def _served(call: ast.Call) -> Iterator[tuple[str, Announced]]:
    """The names that `__getattr__ = deprecate_attr(__name__, rename={"Old": (New, "5.29.0")})` serves until a release."""
    if ast.unparse(call.func).rpartition(".")[2] != "deprecate_attr":
        return
    for word in call.keywords:
        rows = zip(word.value.keys, word.value.values, strict=True) if isinstance(word.value, ast.Dict) else ()
        for key, row in rows:
            if isinstance(key, ast.Constant) and isinstance(row, ast.Tuple) and len(row.elts) == 2:
                until = row.elts[1].value if isinstance(row.elts[1], ast.Constant) else ""
                advice = f"Use `{ast.unparse(row.elts[0])}` instead." if word.arg == "rename" else ""
                yield str(key.value), Announced("", "", str(until), advice)


def read_announcement(text: str) -> Announced | None:
    """The deprecation that a message announces; None for a message that announces no removal."""
    flat = _SPACE.sub(" ", text).strip()
    path = _PATH.match(flat)
    match = path or _SUBJECT.search(flat)
    if match is None or not _GOES.search(match[0]):
        return None
    until = _UNTIL.search(match["rest"])
    name, value = ("", "") if path else (match["name"], match["value"] or "")
    if not path and not match["tick"] and not _IDENTIFIER.search(name):
        return None  # in "This is deprecated", the subject is not a name
    # The first sentence after the announcement that says what to use instead.
    sentences = _SENTENCE.split(match["rest"])[1:]
    advice = next((sentence for sentence in sentences if _TELLS.match(sentence)), sentences[0] if sentences else "")
    advice = advice if len(advice) <= _LONGEST else advice[:_LONGEST].rpartition(" ")[0] + " …"
    return Announced(name, value, until[1] if until else "", advice)

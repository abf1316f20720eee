"""What a module's own warnings, decorators and docstrings announce, by the class or function that it concerns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain

from ml_intern_helpers.indexes.from_source.exports import flat_statements
from ml_intern_helpers.indexes.records import Announced

Function = ast.FunctionDef | ast.AsyncFunctionDef
_WARNERS = frozenset({"warn", "warning", "warning_once", "warn_once", "deprecate", "deprecation_warning"})
_CONSTRUCTORS = ("__init__", "__post_init__", "__new__")


def deprecations(module: str, tree: ast.Module) -> dict[str, tuple[Announced, ...]]:
    """Origin (`module:Class`, `module:function`, `module:Class.method`) -> what is announced of it."""
    found: dict[str, dict[tuple[str, str], Announced]] = {}
    for owner, told in _in_module(tree):
        found.setdefault(f"{module}:{owner}", {}).setdefault((told.name, told.value), told)
    return {origin: tuple(rows.values()) for origin, rows in found.items()}


def _in_module(tree: ast.Module) -> Iterator[tuple[str, Announced]]:
    for node in flat_statements(tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from ((node.name, told) for told in _of_function(node, node.name))
        elif isinstance(node, ast.ClassDef):
            yield from _in_class(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from _served(node.value)


def _in_class(node: ast.ClassDef) -> Iterator[tuple[str, Announced]]:
    """What a constructor says concerns the class; what another method says, that method."""
    for said in _documented(node):
        yield node.name, said
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if item.name in _CONSTRUCTORS:
                yield from ((node.name, told) for told in _of_function(item, node.name))
            elif not item.name.startswith("_") and not _is_property(item):
                yield from ((f"{node.name}.{item.name}", told) for told in _of_function(item, item.name))


def _is_property(node: Function) -> bool:
    """Nobody calls it, and what is read is not followed."""
    return any(
        ast.unparse(decorator).rpartition(".")[2] in ("property", "cached_property", "setter")
        for decorator in node.decorator_list
    )


def _of_function(node: Function, called: str) -> Iterator[Announced]:
    """What it says of itself (`called`), of its arguments, and of the settings of an `args` that it is given."""
    yield from chain.from_iterable(_decorated(decorator) for decorator in node.decorator_list)
    yield from _documented(node)
    read = {item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute) and ast.unparse(item.value) == "args"}
    own = {item.arg for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.kwarg) if item}
    for text in _messages(node):
        told = read_announcement(text)
        if told is not None and told.name in read - own:
            yield told._replace(name=f"args.{told.name}")
        elif told is not None and told.name in (called, ""):
            yield told._replace(name="")
        elif told is not None and (node.name in _CONSTRUCTORS or {told.name, "kwargs"} & own):
            yield told  # what else it speaks of is no argument of it: a dictionary's key, say


def _documented(node: ast.ClassDef | Function) -> Iterator[Announced]:
    """Blocks of a docstring that begin `Parameter `x` is deprecated`."""
    for part in (ast.get_docstring(node) or "").split("Parameter `")[1:]:
        told = read_announcement("Parameter `" + part.partition("</Deprecated>")[0].partition("\n\n")[0])
        if told is not None:
            yield told


def _messages(node: Function) -> Iterator[str]:
    """Texts of the warnings that it gives; one in a loop over a literal table once for each row."""
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
    """What the variables of the innermost loop stand for, when it runs over literals."""
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
    """The text, with what is only known at run time as `…`."""
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
    """`@deprecate_kwarg("old", version="5.0", new_name="new")`, `@_deprecate_method(version="1.0", message="Use …")`."""
    if not isinstance(decorator, ast.Call):
        return
    kind, given = ast.unparse(decorator.func).rpartition(".")[2], _constants(decorator)
    if kind == "deprecate_kwarg" and "old_name" in given:
        new = given.get("new_name", "")
        yield Announced(given["old_name"], "", given.get("version", ""), f"Use `{new}` instead." if new else "")
    elif kind == "_deprecate_method":
        yield Announced("", "", given.get("version", ""), given.get("message", ""))


def _constants(call: ast.Call) -> dict[str, str]:
    """String arguments by name, those by position under the names that `deprecate_kwarg` has for them."""
    places = zip(("old_name", "version", "new_name"), call.args, strict=False)
    given = [*places, *((word.arg or "", word.value) for word in call.keywords)]
    return {name: item.value for name, item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def _served(call: ast.Call) -> Iterator[tuple[str, Announced]]:
    """`__getattr__ = deprecate_attr(__name__, rename={"Old": (New, "5.29.0")})`: names served until that release."""
    if ast.unparse(call.func).rpartition(".")[2] == "deprecate_attr":
        for word in call.keywords:
            if isinstance(word.value, ast.Dict):
                for key, row in zip(word.value.keys, word.value.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(row, ast.Tuple) and len(row.elts) == 2:
                        new = ast.unparse(row.elts[0])
                        until = row.elts[1].value if isinstance(row.elts[1], ast.Constant) else ""
                        yield (
                            str(key.value),
                            Announced("", "", str(until), f"Use `{new}` instead." if word.arg == "rename" else ""),
                        )


# MERGED ml_intern_helpers.indexes.from_source.deprecations: What a library's warning or docstring says will go: `` `pad_token` is deprecated and will be removed in v2.0.0. Set … ``.

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


def read_announcement(text: str) -> Announced | None:
    """What a message announces; None for one that is no announcement, or says not that anything goes."""
    flat = _SPACE.sub(" ", text).strip()
    path = _PATH.match(flat)
    match = path or _SUBJECT.search(flat)
    if match is None or not _GOES.search(match[0]):
        return None
    until = _UNTIL.search(match["rest"])
    name, value = ("", "") if path else (match["name"], match["value"] or "")
    if not path and not match["tick"] and not _IDENTIFIER.search(name):
        return None  # "This is deprecated": a word, not a name
    return Announced(name, value, until[1] if until else "", _advice(match["rest"]))


def _advice(rest: str) -> str:
    """The first sentence after the announcement that tells what to write."""
    sentences = _SENTENCE.split(rest)[1:]
    told = next((one for one in sentences if re.match(r"(Use|Set|Pass|Please|Subclass|Update|Instead|Configure|Run)\b", one)), "")
    told = told or (sentences[0] if sentences else "")
    return told if len(told) <= _LONGEST else told[:_LONGEST].rpartition(" ")[0] + " …"

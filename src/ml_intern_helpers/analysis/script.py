"""Walks a script once, without recursion, and records the scope, guards and parent of each node and what binds each name.

Modules beside the script, whose constants it imports, are walked too; their own imports are not followed.
"""

from __future__ import annotations

import ast
import os
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ml_intern_helpers.analysis.options import NOTHING_GIVEN, GivenToScript
from ml_intern_helpers.analysis.source import MAX_SCRIPT_BYTES, Source, read_source
from ml_intern_helpers.core.errors import BadData, NotFound, Unavailable

E = TypeVar("E", bound=ast.AST)
T = TypeVar("T")

#: The most steps of following names in one script; a 300-line script takes about 2,000.
MAX_STEPS = 200_000


class Guard(NamedTuple):
    """A condition for a statement to run.

    Attributes:
        kind: `if`, `else` (the other branch), `try` (its body, or the body of a `with`), `except`, or `loop`.
        node: the statement that guards.
    """

    kind: str
    node: ast.AST


Guards = tuple[Guard, ...]


class Binding(NamedTuple):
    """One place where a name gets a value.

    Attributes:
        kind: `assign`, `import`, `def`, `class`, `param`, `unpack` (`a, b = f()`), or `other` (loop variable, `with … as`, `+=`).
        value: the expression assigned (`assign`) or unpacked (`unpack`), or the definition (`def`, `class`).
        target: the dotted name imported; for `unpack`, the index of the item.
        node: the node that binds the name.
        guards: the conditions for the binding.
    """

    kind: str
    value: ast.AST | None
    target: str
    node: ast.AST
    guards: Guards

    @property
    def line(self) -> int:
        return getattr(self.node, "lineno", 0)


class Scope:
    """A module, class, function, lambda or comprehension, and the names bound in it."""

    def __init__(self, node: ast.AST, parent: Scope | None) -> None:
        self.node, self.parent = node, parent
        self.bindings: dict[str, list[Binding]] = defaultdict(list)
        self.globals: set[str] = set()

    def owner_of(self, name: str) -> Scope | None:
        """The scope whose `name` is visible here, by Python's rules: methods do not see the names of their class body."""
        scope: Scope | None = self
        while scope is not None:
            seen_from_here = scope is self or not isinstance(scope.node, ast.ClassDef)
            if seen_from_here and name in scope.bindings and name not in scope.globals:
                return scope
            scope = scope.parent
        return None


class Surroundings(NamedTuple):
    """The position of a node: its scope, guards and parent."""

    scope: Scope
    guards: Guards
    parent: ast.AST


class ParsedObject(NamedTuple):
    """A dataclass object that a `TrlParser` or `HfArgumentParser` fills.

    Attributes:
        parser: `TrlParser` or `HfArgumentParser`.
        parse: the call that parses.
        types: the dataclasses that the parser is built with, as the script writes them.
    """

    parser: str
    parse: ast.Call
    types: tuple[ast.expr, ...]


class Script:
    """A walked script.

    Attributes:
        given: the arguments and variables that a launch gives the script.
        places: the position of each node.
        memo: cached answers about nodes, see `remembered`.
        parsed: construction of a dataclass that a parser fills -> the parser; `names` adds to it as it follows objects.
        inspected_columns: `load_dataset` call -> (dataset, its real columns); filled when datasets are inspected.
        uninspected: why columns of some datasets are missing there.
        offers: (module, name) -> whether a star import of the module brings the name; None when that is unknown.
    """

    def __init__(self, source: Source, given: GivenToScript = NOTHING_GIVEN) -> None:
        self.source, self.given, self.module = source, given, Scope(source.tree, None)
        self.places: dict[ast.AST, Surroundings] = {}
        self.calls: list[ast.Call] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self.names: dict[str, list[ast.Name]] = defaultdict(list)
        self.attribute_sets: list[tuple[ast.Attribute, ast.expr]] = []
        self.memo: dict[tuple[str, ast.AST], Any] = {}
        self.parsed: dict[ast.Call, ParsedObject] = {}
        self.is_neighbour = False
        self.inspected_columns: dict[ast.Call, tuple[str, frozenset[str]]] = {}
        self.uninspected: list[str] = []
        self.steps = 0
        self.offers: Callable[[str, str], bool | None] = lambda module, name: None

    def spend(self, steps: int) -> None:
        """Count work, so that a script written to exhaust the analysis is reported as unreadable.

        Raises:
            Unavailable: the script takes more than `MAX_STEPS` steps.
        """
        self.steps += steps
        if self.steps > MAX_STEPS:
            hint = "move the training code into a smaller file, and check that"
            raise Unavailable(f"{self.source.place(None)} is too complex to analyse in reasonable time", hint=hint)

    def once(self, question: str, node: ast.AST, answer: Callable[[], T], *, meanwhile: T | None = None) -> T:
        """`answer()`, computed once per question and node; a nested call for the same pair returns `meanwhile`."""
        key = (question, node)
        if key not in self.memo:
            self.memo[key] = meanwhile
            self.memo[key] = answer()
        cached: T = self.memo[key]
        return cached

    @staticmethod
    def line_of(node: ast.AST) -> int:
        return getattr(node, "lineno", 0)


def remembered(circular: Callable[[], Any]) -> Callable[[Callable[[Script, E, int], T]], Callable[..., T]]:
    """Cache a function's result per node; a nested call for the same node returns `circular()`.

    Without the cache, `x1 = x0 + x0; x2 = x1 + x1; …` would take time exponential in its length.
    """

    def decorate(function: Callable[[Script, E, int], T]) -> Callable[..., T]:
        @wraps(function)
        def ask(script: Script, node: E, depth: int = 0) -> T:
            key = (function.__qualname__, node)
            if key not in script.memo:
                script.memo[key] = circular()
                script.spend(1)
                script.memo[key] = function(script, node, depth)
            cached: T = script.memo[key]
            return cached

        return ask

    return decorate


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = frozenset({*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS})
_WALKED = (ast.expr, ast.stmt, ast.arguments, ast.arg, ast.pattern)
#: Fields that Python evaluates outside the scope that their node opens.
_OUTSIDE = frozenset({"decorator_list", "bases", "keywords", "returns"})
#: (node type, field) -> the kind of guard around the nodes in that field.
_GUARDED = {
    (ast.If, "body"): "if",
    (ast.If, "orelse"): "else",
    (ast.IfExp, "body"): "if",
    (ast.IfExp, "orelse"): "else",
    (ast.Try, "body"): "try",
    (ast.Try, "handlers"): "except",
    (ast.Try, "orelse"): "else",
    (ast.TryStar, "body"): "try",
    (ast.TryStar, "handlers"): "except",
    (ast.For, "body"): "loop",
    (ast.AsyncFor, "body"): "loop",
    (ast.While, "body"): "loop",
    (ast.match_case, "body"): "if",
    (ast.With, "body"): "try",  # `with suppress(ImportError):`
}


def walk(source: Source, given: GivenToScript = NOTHING_GIVEN) -> Script:
    """Walk `source.tree` once; `given` holds the arguments and variables from a launch.

    `Load()` and operators are skipped, because no analysis uses them.
    """
    script = Script(source, given)
    stack: list[tuple[ast.AST, Scope, Guards, ast.AST]] = [(source.tree, script.module, (), source.tree)]
    while stack:
        node, scope, guards, parent = stack.pop()
        script.places[node] = Surroundings(scope, guards, parent)
        note = _NOTES.get(type(node))
        if note is not None:
            note(script, node, scope, guards)
        kind = type(node)
        inner = Scope(node, scope) if kind in _SCOPES else scope
        for name in reversed(kind._fields):  # the stack returns the last one first
            value = getattr(node, name, None)
            if value.__class__ is not list and not isinstance(value, _WALKED):
                continue
            guard = _GUARDED.get((kind, name))
            inner_guards = (*guards, Guard(guard, node)) if guard else guards
            where = scope if inner is not scope and name in _OUTSIDE else inner
            if isinstance(value, list):
                stack.extend((item, where, inner_guards, node) for item in reversed(value) if isinstance(item, ast.AST))
            else:
                stack.append((value, where, inner_guards, node))
    # A binding under `global` in a function is one more, uncertain, binding of the module.
    for scope in {place.scope for place in script.places.values()} - {script.module}:
        for name in scope.globals & scope.bindings.keys():
            moved = [binding._replace(guards=(Guard("if", scope.node), *binding.guards)) for binding in scope.bindings[name]]
            script.module.bindings[name].extend(moved)
    return script


def _note(script: Script, node: ast.AST, scope: Scope, guards: Guards) -> None:
    match node:
        case ast.Call():
            script.calls.append(node)
        case ast.Name(id=name):
            script.names[name].append(node)
        case ast.Import() | ast.ImportFrom():
            script.imports.append(node)
            for alias in node.names:
                if isinstance(node, ast.Import):
                    # `import a.b` binds `a`; `import a.b as c` binds `c` to `a.b`.
                    target = alias.name if alias.asname else alias.name.split(".")[0]
                    name = alias.asname or target
                else:
                    target = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                    name = alias.asname or alias.name
                scope.bindings[name].append(Binding("import", None, target, node, guards))
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            scope.globals.update(names)


def _bind(script: Script, node: ast.AST, scope: Scope, guards: Guards) -> None:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind_target(script, target, value, scope, guards)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            _bind_target(script, target, value, scope, guards)
        case ast.NamedExpr(target=target, value=value):
            while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
                scope = scope.parent  # `:=` in a comprehension binds in the enclosing scope
            _bind_target(script, target, value, scope, guards)
        case ast.AugAssign(target=target):
            _bind_other(target, scope, guards)
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.comprehension(target=target):
            _bind_other(target, scope, guards)


def _bind_definition(script: Script, node: ast.AST, scope: Scope, guards: Guards) -> None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            kind = "class" if isinstance(node, ast.ClassDef) else "def"
            scope.bindings[name].append(Binding(kind, node, "", node, guards))
        case ast.arg(arg=name):
            scope.bindings[name].append(Binding("param", None, "", node, guards))
        case ast.withitem(optional_vars=ast.expr() as target):
            _bind_other(target, scope, guards)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            scope.bindings[name].append(Binding("other", None, "", node, guards))


def _bind_target(script: Script, target: ast.expr, value: ast.expr, scope: Scope, guards: Guards) -> None:
    match target, value:
        case ast.Name(id=name), _:
            scope.bindings[name].append(Binding("assign", value, "", target, guards))
        case ast.Attribute(), _:
            script.attribute_sets.append((target, value))
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), _):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            if len(values) == len(targets):
                for inner, inner_value in zip(targets, values, strict=True):
                    _bind_target(script, inner, inner_value, scope, guards)
                return
            # `script_args, training_args, *_ = parser.parse_args_into_dataclasses()`: items before a star keep their index.
            stars = [index for index, part in enumerate(targets) if isinstance(part, ast.Starred)]
            for index, part in enumerate(targets):
                if isinstance(part, ast.Name) and not (stars and index > stars[0]):
                    scope.bindings[part.id].append(Binding("unpack", value, str(index), part, guards))
                else:
                    _bind_other(part, scope, guards)
        case _:
            _bind_other(target, scope, guards)


def _bind_other(target: ast.AST, scope: Scope, guards: Guards) -> None:
    if isinstance(target, (ast.Attribute, ast.Subscript)):
        return
    for part in ast.walk(target):
        if isinstance(part, ast.Name):
            scope.bindings[part.id].append(Binding("other", None, "", part, guards))


#: Node type -> the function that records it; for other types only the place is kept.
_NOTES: dict[type[ast.AST], Callable[[Script, ast.AST, Scope, Guards], None]] = {
    **dict.fromkeys((ast.Call, ast.Name, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal), _note),
    **dict.fromkeys((ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor, ast.comprehension), _bind),
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.arg, ast.withitem), _bind_definition),
    **dict.fromkeys((ast.ExceptHandler, ast.MatchAs, ast.MatchStar), _bind_definition),
}


def neighbour(script: Script, module: str) -> Script | None:
    """The walked module `module` (`settings`, `.settings`, `package.settings`) beside `script`; None when none can be read.

    A module found this way has no neighbours of its own, so modules that import each other cannot loop.
    """
    if script.is_neighbour:
        return None
    return script.once(f"neighbour {module}", script.source.tree, lambda: _read(script, module))


def _read(script: Script, module: str) -> Script | None:
    parts = module.lstrip(".").split(".")
    if module.startswith("..") or not all(part.isidentifier() for part in parts):
        return None
    stem = script.source.path.parent.joinpath(*parts)
    try:
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            if path.is_file() and path.stat().st_size <= MAX_SCRIPT_BYTES and os.access(path, os.R_OK):
                module_script = walk(read_source(path))
                module_script.is_neighbour = True
                return module_script
    except (OSError, BadData, NotFound, RecursionError):  # an unreadable module provides no values
        pass
    return None


def beside(script: Path, name: str) -> bool:
    """Whether a module `name` exists beside the script."""
    folder = script.parent
    try:
        return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    except (OSError, ValueError):
        return False

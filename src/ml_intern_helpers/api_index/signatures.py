"""The arguments of classes and functions, by syntax: dataclass fields and `__init__`s through their bases, across packages.

A config of TRL inherits most of its fields from transformers, so a signature is only right for a pair of releases; `Library`
holds the trees that belong together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from ml_intern_helpers.api_index.argument_docs import documented
from ml_intern_helpers.api_index.exports import Exports, flat_statements
from ml_intern_helpers.api_index.source_tree import SourceTree

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Argument:
    """One argument. `default` and `type` are source text; a default of None means that it must be given."""

    name: str
    default: str | None
    type: str | None = None
    doc: str | None = None
    keyword_only: bool = False


@dataclass(frozen=True)
class Signature:
    """What a call may pass.

    Attributes:
        origin: `module:name` of the definition.
        arguments: in order, without `self`.
        open: the call takes `**kwargs`, so an unknown name is not an error here.
        positional: how many may be given by position.
    """

    origin: str
    arguments: tuple[Argument, ...]
    open: bool = False
    variadic: bool = False
    doc: str | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(argument.name for argument in self.arguments)


@dataclass
class Library:
    """Trees of packages that run together, by package name."""

    exports: dict[str, Exports] = field(default_factory=dict)

    @classmethod
    def of(cls, *trees: SourceTree) -> Library:
        return cls({tree.package: Exports(tree) for tree in trees})

    def resolve(self, dotted: str) -> str:
        """`trl.SFTConfig` -> `trl.trainer.sft_config:SFTConfig`; the reference itself when it leads out of the trees."""
        module, _, name = dotted.rpartition(".")
        return self.follow(f"{module}:{name}" if module else dotted)

    def follow(self, reference: str) -> str:
        for _ in range(10):
            exports = self.exports.get(reference.partition(":")[0].partition(".")[0])
            target = exports.origin(reference) if exports else reference
            if target == reference:
                return target
            reference = target
        return reference

    def definition(self, origin: str) -> Definition | None:
        """The class or function statement at `module:name`, or None when the trees do not hold one."""
        module, _, name = origin.partition(":")
        exports = self.exports.get(module.partition(".")[0])
        if not exports or not name:
            return None
        return _definitions(exports, module).get(name)

    def signature(self, dotted: str) -> Signature | None:
        """The signature of `package.Name` (or of an origin `module:name`); None when it is no class or function here."""
        origin = self.follow(dotted) if ":" in dotted else self.resolve(dotted)
        definition = self.definition(origin)
        if definition is None:
            return None
        if isinstance(definition, ast.ClassDef):
            return self._class(origin, definition)
        return _callable(origin, definition, method=False)

    def _class(self, origin: str, definition: ast.ClassDef) -> Signature:
        line = list(self.bases(origin))
        for ancestor, node in line:
            init = _method(node, "__init__")
            if init is not None:
                found = _callable(ancestor, init, method=True)
                docs = documented(ast.get_docstring(init)) | documented(ast.get_docstring(node))
                return _with_docs(origin, found, docs)
            if _is_dataclass(node):
                return self._dataclass(origin, line)
        return Signature(origin, (), open=self._leaves_trees(origin))

    def _leaves_trees(self, origin: str) -> bool:
        """A base we cannot read may take anything."""
        return any(self.definition(base) is None for _, node in self.bases(origin) for base in self._base_origins(origin, node))

    def _dataclass(self, origin: str, line: list[tuple[str, ast.ClassDef]]) -> Signature:
        fields: dict[str, Argument] = {}
        for _, node in reversed(line):
            docs = documented(ast.get_docstring(node))
            for argument in _fields(node) if _is_dataclass(node) else ():
                doc = argument.doc or docs.get(argument.name) or getattr(fields.get(argument.name), "doc", None)
                fields[argument.name] = Argument(argument.name, argument.default, argument.type, doc, argument.keyword_only)
            for name in _not_in_init(node):
                fields.pop(name, None)
        return Signature(origin, tuple(fields.values()))

    def bases(self, origin: str) -> Iterator[tuple[str, ast.ClassDef]]:
        """The class and its ancestors that the trees hold, nearest first (depth first, each once)."""
        seen: set[str] = set()
        waiting = [origin]
        while waiting:
            current = waiting.pop(0)
            node = self.definition(current)
            if current in seen or not isinstance(node, ast.ClassDef):
                continue
            seen.add(current)
            yield current, node
            waiting = [*self._base_origins(current, node), *waiting]

    def _base_origins(self, origin: str, node: ast.ClassDef) -> list[str]:
        module = origin.partition(":")[0]
        bases = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
        return [self._local(module, ast.unparse(base)) for base in bases if not _is_plumbing(base)]

    def _local(self, module: str, written: str) -> str:
        """What `written` (a name or a dotted path) means inside `module`."""
        head, _, rest = written.partition(".")
        exports = self.exports[module.partition(".")[0]]
        target = exports.names(module).get(head, f"{module}:{head}")
        if rest:
            return self.resolve(f"{target.replace(':', '.')}.{rest}")
        return self.follow(target)


def _is_plumbing(base: ast.expr) -> bool:
    return ast.unparse(base).rpartition(".")[2] in {"object", "ABC", "Generic", "Protocol"}


@cache
def _definitions(exports: Exports, module: str) -> dict[str, Definition]:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in flat_statements(exports.parsed(module).body) if isinstance(node, kinds)}


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    found = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == name]
    return found[-1] if found else None


def _is_dataclass(node: ast.ClassDef) -> bool:
    called = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return any(ast.unparse(item).rpartition(".")[2] == "dataclass" for item in called)


def _fields(node: ast.ClassDef) -> Iterator[Argument]:
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        kind = ast.unparse(item.annotation)
        if kind.startswith(("ClassVar", "typing.ClassVar")) or item.target.id in _not_in_init(node):
            continue
        default, doc = _field_default(item.value)
        yield Argument(item.target.id, default, kind, doc)


def _not_in_init(node: ast.ClassDef) -> set[str]:
    """Fields declared with `init=False`: a subclass may take an argument of its parent away so."""
    found = set()
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.value, ast.Call) and isinstance(item.target, ast.Name):
            off = _keyword(item.value, "init")
            if isinstance(off, ast.Constant) and off.value is False:
                found.add(item.target.id)
    return found


def _field_default(value: ast.expr | None) -> tuple[str | None, str | None]:
    """(default, doc) of a dataclass field; `field(default_factory=list)` reads `list()`."""
    if not (isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field"):
        return (None if value is None else ast.unparse(value)), None
    plain, factory = _keyword(value, "default"), _keyword(value, "default_factory")
    default = ast.unparse(plain) if plain is not None else _made(factory)
    return default, _help(_keyword(value, "metadata"))


def _made(factory: ast.expr | None) -> str | None:
    if factory is None:
        return None
    return ast.unparse(factory.body) if isinstance(factory, ast.Lambda) else f"{ast.unparse(factory)}()"


def _help(metadata: ast.expr | None) -> str | None:
    if isinstance(metadata, ast.Dict):
        for key, value in zip(metadata.keys, metadata.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "help":
                return _text(value)
    return None


def _text(node: ast.expr) -> str | None:
    """A string, or strings joined by `+` or by standing beside each other."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        value = "".join(parts)
    return " ".join(str(value).split()) or None


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _callable(origin: str, node: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> Signature:
    arguments = list(_positional(node.args))[1 if method else 0 :]
    arguments += [
        Argument(item.arg, _source(default), _source(item.annotation), keyword_only=True)
        for item, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    found = Signature(origin, tuple(arguments), node.args.kwarg is not None, node.args.vararg is not None)
    return _with_docs(origin, found, documented(ast.get_docstring(node)))


def _positional(args: ast.arguments) -> Iterator[Argument]:
    items = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(items) - len(args.defaults))
    defaults += args.defaults
    for item, default in zip(items, defaults, strict=True):
        yield Argument(item.arg, _source(default), _source(item.annotation))


def _source(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)


def _with_docs(origin: str, found: Signature, docs: dict[str, str]) -> Signature:
    arguments = tuple(
        Argument(item.name, item.default, item.type, docs.get(item.name, item.doc), item.keyword_only) for item in found.arguments
    )
    return Signature(origin, arguments, found.open, found.variadic, found.doc)

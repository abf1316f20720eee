"""Finds the names that a module offers to `from module import name`, and where each is defined, without importing it.

These libraries fill a namespace in five ways: plain statements, star imports, a literal `_import_structure` (or
`_SUBMOD_ATTRS`) for a lazy module, transformers' scan of `models/**` for `__all__`, and names that `__getattr__` serves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

_ALL = re.compile(r"^__all__\s*(?::[^=\n]+)?(?:\+)?=\s*(\[[^\]]*\]|\([^)]*\))", re.MULTILINE)
_LAZY_TABLES = ("_import_structure", "_SUBMOD_ATTRS", "_SUBMODULES")
_ALIASES = re.compile(r"_LEGACY_MODULE_ALIASES = (\{[^}]*\})")
_CONVERTED = re.compile(r'^    "(\w+Tokenizer)": ', re.MULTILINE)
_PROCESSOR = re.compile(r"^(transformers\.models\.\w+\.image_processing_(?!pil_)\w+)$")


def flat_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module or class, including those in `if`, `try`, `with` and loops, since any branch may run."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            if isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                yield from flat_statements(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from flat_statements(handler.body)


def string_of(node: ast.AST | None) -> str | None:
    """The text of a string literal; None for everything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class Exports:
    """The names of each module in one tree: `names(module)` maps an importable name to the `module:name` that defines it."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.names = cache(self._names)
        self.own_names = cache(self._own_names)
        self.parsed = cache(self._parsed)
        self.declared = cache(lambda module: _declared_all(tree.text(module)))

    def _parsed(self, module: str) -> ast.Module:
        try:
            return ast.parse(self.tree.text(module))
        except (SyntaxError, ValueError):
            return ast.Module(body=[], type_ignores=[])

    def _names(self, module: str) -> dict[str, str]:
        text = self.tree.text(module)
        offered: dict[str, str] = {"__version__": f"{module}:__version__"} if module == self.tree.package else {}
        # A lazy module that replaces the real one does not have the names that the latter imported for its own use.
        offered.update({} if "sys.modules[__name__] = _LazyModule(" in text else self.own_names(module))
        if module in self.tree.packages:  # `from package import submodule` works even if the package does not name it
            offered.update((name.rpartition(".")[2], name) for name in self.tree.below.get(module, ()))
        lazy: dict[str, str] = {}
        for submodule, names in _lazy_rows(self.parsed(module)):
            lazy.update((name, f"{module}.{submodule}:{name}") for name in names)
            if f"{module}.{submodule}" in self.tree.modules:
                lazy.setdefault(submodule.partition(".")[0], f"{module}.{submodule.partition('.')[0]}")
        offered.update(lazy)
        for folder in _scanned_folders(text, module):
            offered.update(self._scanned(folder))
        for name in _served_names(self.parsed(module).body):
            offered.setdefault(name, f"{module}:{name}")
        if module == "transformers":
            for name, target in list(_fallback_names(self.tree, offered)):
                offered.setdefault(name, target)
        return offered

    def _own_names(self, module: str) -> dict[str, str]:
        """The names that the statements of the module bind."""
        bound: dict[str, str] = {}
        for statement in flat_statements(self.parsed(module).body):
            bound.update(self._from_statement(module, statement))
        return bound

    def _from_statement(self, module: str, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name, f"{module}:{statement.name}"
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for node in (node for target in targets for node in ast.walk(target)):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, f"{module}:{node.id}"
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield bound, alias.name if alias.asname else bound
        elif isinstance(statement, ast.ImportFrom):
            yield from self._from_import(module, statement)

    def _from_import(self, module: str, statement: ast.ImportFrom) -> Iterator[tuple[str, str]]:
        source = statement.module or ""
        if statement.level:
            parts = module.split(".")
            parts = parts[: len(parts) - statement.level + (1 if module in self.tree.packages else 0)]
            source = ".".join([*parts, source] if source else parts)
        for alias in statement.names:
            if alias.name == "*":
                yield from self._star(source)
            elif f"{source}.{alias.name}" in self.tree.modules:
                yield alias.asname or alias.name, f"{source}.{alias.name}"
            else:
                yield alias.asname or alias.name, f"{source}:{alias.name}"

    def _star(self, source: str) -> Iterator[tuple[str, str]]:
        if source not in self.tree.modules:
            return
        names = self.names(source)
        declared = self.declared(source)
        public = declared if declared is not None else [name for name in names if not name.startswith("_")]
        for name in public:
            yield name, names.get(name, f"{source}:{name}")

    def _scanned(self, folder: str) -> dict[str, str]:
        """The names that transformers' `define_import_structure` finds: the `__all__` of every module below `folder`.

        A regular expression reads them in one second; parsing 2,000 model files takes 20 seconds.
        """
        declared_names: dict[str, str] = {}
        for module in self.tree.below.get(folder, ()):
            if module in self.tree.packages:
                declared_names.update(self._scanned(module))
            else:
                declared_names.update((name, f"{module}:{name}") for name in self.declared(module) or [])
        return declared_names


def _declared_all(text: str) -> list[str] | None:
    """The names in `__all__`; None when the module has no literal one."""
    at = text.find("\n__all__") if not text.startswith("__all__") else 0
    matches = _ALL.findall(text, at) if at >= 0 else []  # skip ahead first: `__all__` is at the end of a model file
    if not matches:
        return None
    names: list[str] = []
    for literal in matches:
        try:
            names += [str(name) for name in ast.literal_eval(literal)]
        except (ValueError, SyntaxError):
            continue
    return names


def _lazy_rows(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """(submodule, names) from the tables of lazy packages, in every way in which code fills them."""
    for statement in flat_statements(tree.body):
        if isinstance(statement, (ast.Assign, ast.AugAssign)):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            if isinstance(target, ast.Name) and target.id in _LAZY_TABLES and isinstance(statement.value, ast.Dict):
                pairs = zip(statement.value.keys, statement.value.values, strict=True)
                yield from ((str(key.value), _strings(value)) for key, value in pairs if isinstance(key, ast.Constant))
            elif (row := _row_of(target)) is not None:
                yield row, _strings(statement.value)
        elif isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
            fills = isinstance(call.func, ast.Attribute) and call.func.attr in ("extend", "append", "update") and call.args
            row = _row_of(call.func.value) if isinstance(call.func, ast.Attribute) and fills else None
            if row is not None:  # `_import_structure["x"].extend([...])` and `.append("y")`
                yield row, _strings(call.args[0])


def _row_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in _LAZY_TABLES:
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else None
    return None


def _strings(node: ast.expr) -> list[str]:
    items = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    return [text for item in items if (text := string_of(item)) is not None]


def _scanned_folders(text: str, module: str) -> list[str]:
    """The folders that a lazy package scans for `__all__`."""
    if "define_import_structure(Path(__file__).parent" in text:
        folders = re.findall(r'define_import_structure\(Path\(__file__\)\.parent / "(\w+)"', text)
        return [f"{module}.{folder}" for folder in folders]
    return [module] if "define_import_structure(_file)" in text else []


def _served_names(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module-level `__getattr__` serves: those it compares with, and those of a table that it reads.

    It may also be built from a table: `__getattr__ = deprecate_attr(__name__, rename={"Old": (New, "5.29.0")})`.
    """
    function = next((item for item in body if isinstance(item, ast.FunctionDef) and item.name == "__getattr__"), None)
    assigns = [item for item in body if isinstance(item, (ast.Assign, ast.AnnAssign))]
    if function is None:
        calls = (item.value for item in assigns if isinstance(item, ast.Assign) and "__getattr__" in _targets(item))
        tables = (word.value for call in calls if isinstance(call, ast.Call) for word in call.keywords)
        keys = (key for table in tables if isinstance(table, ast.Dict) for key in table.keys)
        yield from (name for key in keys if (name := string_of(key)) is not None)
        return
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    for part in (function, *(item.value for item in assigns if item.value is not None and _targets(item) & read)):
        names = (string_of(node) for node in ast.walk(part))
        yield from (name for name in names if name is not None and name.isidentifier())


def _targets(item: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = item.targets if isinstance(item, ast.Assign) else [item.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def with_aliases(tree: SourceTree) -> SourceTree:
    """The tree with the module paths that transformers 5 still serves under their old names."""
    text = tree.text("transformers")
    if "_LEGACY_MODULE_ALIASES" not in text:
        return tree
    table = _ALIASES.search(text)
    aliases = {f"transformers.{old}": f"transformers.{new}" for old, new in ast.literal_eval(table[1]).items()} if table else {}
    if "_LEGACY_FAST_IMAGE_PROCESSOR_MODULE" in text:
        aliases.update((f"{module}_fast", module) for module in tree.readers if _PROCESSOR.match(module))
    readers = {old: tree.readers[new] for old, new in aliases.items() if new in tree.readers and old not in tree.readers}
    return replace(tree, readers={**tree.readers, **readers})


def _fallback_names(tree: SourceTree, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Old names in transformers 5: `LlamaTokenizerFast` is `LlamaTokenizer`, and converted tokenizers have both forms."""
    served = tree.text("transformers.utils.import_utils")
    for ending in ("Tokenizer", "ImageProcessor"):
        if f'endswith("{ending}Fast")' in served:
            yield from ((f"{name}Fast", target) for name, target in names.items() if name.endswith(ending))
    if "SLOW_TO_FAST_CONVERTERS" in served:
        table = tree.text("transformers.convert_slow_tokenizer").partition("SLOW_TO_FAST_CONVERTERS")[2]
        for name in _CONVERTED.findall(table):
            yield from ((shown, f"transformers:{shown}") for shown in (name, f"{name}Fast"))

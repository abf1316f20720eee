"""Which names a module offers to `from module import name`, and where each is defined; by syntax alone.

Four ways of filling a namespace occur in these libraries: plain statements, star imports, a literal `_import_structure` (or
`_SUBMOD_ATTRS`) handed to a lazy module, and transformers' scan of `models/**` for `__all__`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

_ALL = re.compile(r"^__all__\s*(?::[^=\n]+)?(?:\+)?=\s*(\[[^\]]*\]|\([^)]*\))", re.MULTILINE)


class Exports:
    """Names by module of one tree. `names(module)` maps each importable name to the `module:name` that defines it."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.names = cache(self._names)
        self.own_names = cache(self._own_names)
        self.parsed = cache(self._parsed)
        self.declared = cache(lambda module: declared_all(tree.text(module)))

    def _parsed(self, module: str) -> ast.Module:
        try:
            return ast.parse(self.tree.text(module))
        except (SyntaxError, ValueError):
            return ast.Module(body=[], type_ignores=[])

    def _names(self, module: str) -> dict[str, str]:
        scanned = [name for folder in scanned_folders(self.tree.text(module), module) for name in self._scanned(folder).items()]
        found: dict[str, str] = {"__version__": f"{module}:__version__"} if module == self.tree.package else {}
        found.update({} if replaces_itself(self.tree.text(module)) else self.own_names(module))
        found.update(self._submodules(module))
        found.update(self._lazy(module))
        found.update(scanned)
        for name in served_names(self.parsed(module).body):
            found.setdefault(name, f"{module}:{name}")
        if module == "transformers":
            for name, target in list(fallback_names(self.tree, found)):
                found.setdefault(name, target)
        return found

    def _own_names(self, module: str) -> dict[str, str]:
        """What the statements of the module bind, for use inside it."""
        found: dict[str, str] = {}
        for statement in flat_statements(self.parsed(module).body):
            found.update(self._from_statement(module, statement))
        return found

    def _from_statement(self, module: str, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name, f"{module}:{statement.name}"
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            for name in assigned_names(statement):
                yield name, f"{module}:{name}"
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield bound, alias.name if alias.asname else bound
        elif isinstance(statement, ast.ImportFrom):
            yield from self._from_import(module, statement)

    def _from_import(self, module: str, statement: ast.ImportFrom) -> Iterator[tuple[str, str]]:
        source = absolute(module, statement, module in self.tree.packages)
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

    def _submodules(self, module: str) -> dict[str, str]:
        """`from package import submodule` works without the package naming it."""
        if module not in self.tree.packages:
            return {}
        return {name.rpartition(".")[2]: name for name in self.tree.below.get(module, ())}

    def _lazy(self, module: str) -> dict[str, str]:
        found = {}
        for submodule, names in lazy_table(self.parsed(module)):
            for name in names:
                found[name] = f"{module}.{submodule}:{name}"
            if f"{module}.{submodule}" in self.tree.modules:
                found.setdefault(submodule.partition(".")[0], f"{module}.{submodule.partition('.')[0]}")
        return found

    def _scanned(self, folder: str) -> dict[str, str]:
        """What transformers' `define_import_structure` finds: the `__all__` of every module below `folder`.

        A regular expression, because parsing 2,000 model files takes 20 seconds and this takes one.
        """
        found: dict[str, str] = {}
        for module in self.tree.below.get(folder, ()):
            if module in self.tree.packages:
                found.update(self._scanned(module))
            else:
                found.update((name, f"{module}:{name}") for name in self.declared(module) or [])
        return found


def absolute(module: str, statement: ast.ImportFrom, is_package: bool) -> str:
    """The module that a `from … import` names, relative dots resolved."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - statement.level + (1 if is_package else 0)]
    return ".".join([*parts, statement.module] if statement.module else parts)


def declared_all(text: str) -> list[str] | None:
    """The names in `__all__`, or None when the module has none that is a literal."""
    at = text.find("\n__all__") if not text.startswith("__all__") else 0
    matches = _ALL.findall(text, at) if at >= 0 else []  # findall alone reads a whole model file for one line at its end
    if not matches:
        return None
    names: list[str] = []
    for literal in matches:
        try:
            names += [str(name) for name in ast.literal_eval(literal)]
        except (ValueError, SyntaxError):
            continue
    return names


# MERGED ml_intern_helpers.indexes.from_source.exports: The tables by which lazy packages say what they offer and where it lies.

_LAZY_TABLES = ("_import_structure", "_SUBMOD_ATTRS", "_SUBMODULES")


def replaces_itself(text: str) -> bool:
    """Whether the module puts a lazy module in its own place: what it imported for its own use is then gone."""
    return "sys.modules[__name__] = _LazyModule(" in text


def lazy_table(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """(submodule, names) of the tables that lazy packages keep, however the code fills them."""
    for statement in flat_statements(tree.body):
        if isinstance(statement, (ast.Assign, ast.AugAssign)):
            yield from _assigned_rows(statement)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield from _called_rows(statement.value)


def _assigned_rows(statement: ast.Assign | ast.AugAssign) -> Iterator[tuple[str, list[str]]]:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if isinstance(target, ast.Name) and target.id in _LAZY_TABLES and isinstance(statement.value, ast.Dict):
        for key, value in zip(statement.value.keys, statement.value.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), _strings(value)
    elif (row := _row_of(target)) is not None:
        yield row, _strings(statement.value)


def _called_rows(call: ast.Call) -> Iterator[tuple[str, list[str]]]:
    """`_import_structure["x"].extend([...])` and `.append("y")`."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("extend", "append", "update") and call.args:
        row = _row_of(call.func.value)
        if row is not None:
            yield row, _strings(call.args[0])


def _row_of(node: ast.expr) -> str | None:
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in _LAZY_TABLES:
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else None
    return None


def _strings(node: ast.expr) -> list[str]:
    items = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def scanned_folders(text: str, module: str) -> Iterator[str]:
    """The folders a lazy package scans for `__all__`."""
    if "define_import_structure(Path(__file__).parent" in text:
        for folder in re.findall(r'define_import_structure\(Path\(__file__\)\.parent / "(\w+)"', text):
            yield f"{module}.{folder}"
    elif "define_import_structure(_file)" in text:
        yield module


# MERGED ml_intern_helpers.indexes.from_source.exports: Names that a module serves at run time: by a `__getattr__` of its own, or by transformers' fallbacks for names of version 4.

_ALIASES = re.compile(r"_LEGACY_MODULE_ALIASES = (\{[^}]*\})")
_CONVERTED = re.compile(r'^    "(\w+Tokenizer)": ', re.MULTILINE)
_PROCESSOR = re.compile(r"^(transformers\.models\.\w+\.image_processing_(?!pil_)\w+)$")


def with_aliases(tree: SourceTree) -> SourceTree:
    """The tree with the module paths that transformers 5 still serves under their old names."""
    text = tree.text("transformers")
    if "_LEGACY_MODULE_ALIASES" not in text:
        return tree
    found = _ALIASES.search(text)
    aliases = {f"transformers.{old}": f"transformers.{new}" for old, new in ast.literal_eval(found[1]).items()} if found else {}
    if "_LEGACY_FAST_IMAGE_PROCESSOR_MODULE" in text:
        aliases.update((f"{module}_fast", module) for module in tree.readers if _PROCESSOR.match(module))
    readers = {old: tree.readers[new] for old, new in aliases.items() if new in tree.readers and old not in tree.readers}
    return replace(tree, readers={**tree.readers, **readers})


def fallback_names(tree: SourceTree, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """`LlamaTokenizerFast` is `LlamaTokenizer` in transformers 5, and tokenizers that share a converter stand for each other."""
    served = tree.text("transformers.utils.import_utils")
    for ending in ("Tokenizer", "ImageProcessor"):
        if f'endswith("{ending}Fast")' in served:
            yield from ((f"{name}Fast", target) for name, target in names.items() if name.endswith(ending))
    if "SLOW_TO_FAST_CONVERTERS" in served:
        table = tree.text("transformers.convert_slow_tokenizer").partition("SLOW_TO_FAST_CONVERTERS")[2]
        for name in _CONVERTED.findall(table):
            yield from ((shown, f"transformers:{shown}") for shown in (name, f"{name}Fast"))


def served_names(body: list[ast.stmt]) -> Iterator[str]:
    """Identifiers that a module-level `__getattr__` compares with, or finds in a table that it reads."""
    function = next((item for item in body if isinstance(item, ast.FunctionDef) and item.name == "__getattr__"), None)
    if function is None:
        yield from _served_by_table(body)
        return
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    tables = (item for item in body if isinstance(item, (ast.Assign, ast.AnnAssign)) and _targets(item) & read)
    for part in (function, *(table.value for table in tables if table.value is not None)):
        for node in ast.walk(part):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                yield node.value


def _served_by_table(body: list[ast.stmt]) -> Iterator[str]:
    """`__getattr__ = deprecate_attr(__name__, rename={"Old": (New, "5.29.0")})`."""
    for item in body:
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Call) and "__getattr__" in _targets(item):
            for word in item.value.keywords:
                for key in word.value.keys if isinstance(word.value, ast.Dict) else ():
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.value


def _targets(item: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = item.targets if isinstance(item, ast.Assign) else [item.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


# MERGED ml_intern_helpers.indexes.from_source.exports: Statements of a module or class body.


def flat_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Module-level statements, also those inside `if`, `try` and `with`: any branch may be the one that runs."""
    for statement in body:
        yield statement
        for part in ("body", "orelse", "finalbody"):
            if isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                yield from flat_statements(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from flat_statements(handler.body)


def assigned_names(statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id

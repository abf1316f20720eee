"""Reads a release from its files on demand, as a complete but slow `signatures.Release`, and writes its index.

An index holds the names of every module, records of what scripts call, the fields of model configurations, and deprecations.
"""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ml_intern_helpers.indexes.from_source.deprecations import deprecations
from ml_intern_helpers.indexes.from_source.exports import Exports, flat_statements, with_aliases
from ml_intern_helpers.indexes.from_source.read_records import (
    Function,
    decorators,
    legacy_arguments,
    read_function,
    read_record,
    with_legacy,
)
from ml_intern_helpers.indexes.from_source.source_tree import SourceTree
from ml_intern_helpers.indexes.signatures import Announced, ClassRecord, Record, to_json
from ml_intern_helpers.indexes.stored_release import packed_names, write_tables

#: Modules indexed by names only, so that imports are found: model code, and others that no training script calls.
_NAMES_ONLY = re.compile(
    r"^transformers\.models\.(?!auto\b)|(^|\.)(tests?|testing_utils|commands|cli)(\.|$)"
    r"|\.dummy_\w+_objects$|^transformers\.(kernels|integrations\.(?!peft|integration_utils))|^huggingface_hub\.inference\._generated"
)
#: Templates of model files; nothing imports them, and they would be a sixth of the index.
_TEMPLATE = re.compile(r"\.modular_\w+$")
_CONFIGURATION = re.compile(r"\.configuration_\w+$")
# The names that a module binds are read line by line: parsing transformers' 2,000 model files takes ten times as long.
_DEFINED = re.compile(r"(?:class|def|async def)\s+(\w+)")
_ASSIGNED = re.compile(r"([A-Za-z_][\w, ]*?)\s*(?::[^=]+)?=(?!=)")
#: Indented classes and functions that are not methods, such as those under a module's `if` or `try`; matches a few too many.
_INDENTED = re.compile(r"^    (?:class|def|async def) (\w+)(?!\(\s*(?:self|cls)\b)", re.MULTILINE)
#: `__getattr__ = deprecate_attr(__name__, rename={"Old": (New, "5.29.0")})`; `_KEY` matches the names that it serves.
_SERVED = re.compile(r"^__getattr__ = deprecate_attr\((.*?)\)$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"[\"'](\w+)[\"']: \(")
_IMPORT = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\s+(.*)")


class TreeRelease:
    """A `signatures.Release` that is read from a `SourceTree`."""

    def __init__(self, tree: SourceTree) -> None:
        tree = with_aliases(tree)
        self.package, self.version = tree.package, tree.version
        self.tree = tree
        self.exports = Exports(tree)
        self.record = cache(self._record)
        self._statements = cache(self._read_statements)

    def has_module(self, module: str) -> bool:
        return module in self.tree.modules

    def is_package(self, module: str) -> bool:
        return module in self.tree.packages

    def modules(self) -> list[str]:
        return sorted(self.tree.modules)

    def may_hold(self, module: str, name: str) -> bool:
        """False, because every name of a module is read."""
        return False

    def is_config_field(self, name: str) -> bool:
        return name in self._config_fields

    def deprecated(self, origin: str) -> tuple[Announced, ...]:
        return self.deprecations(origin.partition(":")[0]).get(origin, ())

    def deprecations(self, module: str) -> dict[str, tuple[Announced, ...]]:
        """The deprecations of one module, by origin."""
        text = self.tree.text(module) if self.has_module(module) else ""
        return deprecations(module, self.exports.parsed(module)) if "eprecat" in text or "ignored in" in text else {}

    @cached_property
    def _legacy(self) -> dict[str, str]:
        return legacy_arguments(self.tree)

    @cached_property
    def _config_fields(self) -> set[str]:
        return config_fields(self.tree)

    def names(self, module: str) -> Mapping[str, str]:
        return self.exports.names(module) if self.has_module(module) else {}

    def _record(self, origin: str) -> Record | None:
        module, _, name = origin.partition(":")
        if not name or not self.has_module(module):
            return None
        node = self._statements(module).get(name)
        if isinstance(node, ast.Attribute):
            # `run_job = api.run_job` with `api = HfApi()`, as huggingface_hub defines its functions.
            instance = node.value.id if isinstance(node.value, ast.Name) else ""
            for statement in flat_statements(self.exports.parsed(module).body):
                if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
                    continue
                if instance in {target.id for target in statement.targets if isinstance(target, ast.Name)}:
                    owner = self.record(self._local(module, ast.unparse(statement.value.func)))
                    return owner.methods.get(node.attr) if isinstance(owner, ClassRecord) else None
            return None
        if node is None:
            return None
        record = read_record(node, lambda written: self._local(module, written))
        return with_legacy(node, record, self._legacy) if self._legacy else record

    def _read_statements(self, module: str) -> dict[str, ast.ClassDef | Function | ast.Attribute]:
        statements: dict[str, ast.ClassDef | Function | ast.Attribute] = {}
        for node in flat_statements(self.exports.parsed(module).body):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                statements[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and isinstance(node.targets[0], ast.Name):
                statements[node.targets[0].id] = node.value
        return statements

    def _local(self, module: str, written: str) -> str:
        """The origin that `written` (a name or a dotted path) refers to inside `module`."""
        head, _, rest = written.partition(".")
        target = self.exports.own_names(module).get(head, f"{module}:{head}")
        if not rest:
            return target
        path, _, name = f"{target.replace(':', '.')}.{rest}".rpartition(".")
        return f"{path}:{name}"


def save(release: TreeRelease, path: Path) -> None:
    """Write the index of `release`; the same release gives the same bytes."""
    was_on = gc.isenabled()
    gc.disable()  # collecting garbage among live syntax trees takes twice as long as the work itself
    try:
        tables = describe(release)
    finally:
        if was_on:
            gc.enable()
    write_tables(path, {"package": release.package, "version": release.version}, tables)


def describe(release: TreeRelease) -> dict[str, dict[str, Any]]:
    """The tables of an index."""
    modules = sorted(release.tree.modules)
    shallow = [module for module in modules if not names_only(module)]
    names = {module: release.names(module) for module in shallow}
    plain = [module for module in modules if names_only(module) and not _TEMPLATE.search(module)]
    plain = [module for module in plain if module.startswith("transformers.models.") and module not in release.tree.packages]
    deep = {module: _deep_names(release, module) for module in modules if names_only(module)}
    origins = {origin for offered in names.values() for origin in offered.values() if not names_only(origin.partition(":")[0])}
    records = {origin: record for origin in origins if (record := release.record(origin)) is not None}
    # Functions that are bound methods (in huggingface_hub, those of `HfApi()`) are stored once, as the method.
    classes = ((origin, record) for origin, record in records.items() if isinstance(record, ClassRecord))
    methods = {id(method): f"{origin}.{name}" for origin, record in classes for name, method in record.methods.items()}
    # Imported and private names of plain modules: too many to store by module, so none is reported as missing there.
    loose: set[str] = set()
    for holder in plain:
        text = release.tree.text(holder)
        loose.update(_imported_names(text), _INDENTED.findall(text))
        loose.update(name for name in _bound_names(text) if name.startswith("_"))
    return {
        "modules": {module: packed_names(module, offered, names[release.package]) for module, offered in names.items()},
        "deep": {module: packed_names(module, offered, {}) for module, offered in deep.items()},
        "loose": dict.fromkeys(loose, 1),
        "records": {origin: methods.get(id(record)) or to_json(record) for origin, record in records.items()},
        "deprecated": {origin: rows for module in shallow for origin, rows in release.deprecations(module).items()},
        "config_fields": dict.fromkeys(config_fields(release.tree), 1),
    }


def names_only(module: str) -> bool:
    """Whether the index stores only the names of `module`, without arguments."""
    return _NAMES_ONLY.search(module) is not None


def config_fields(tree: SourceTree) -> set[str]:
    """The fields of all model configurations and their base, which `from_pretrained` accepts and passes on.

    They are annotated fields (transformers 5), constructor arguments with popped ones (transformers 4), and properties.
    """
    fields: set[str] = set()
    bodies = (ast.parse(tree.text(module)).body for module in tree.modules if _CONFIGURATION.search(module))
    for item in (item for body in bodies for node in body if isinstance(node, ast.ClassDef) for item in node.body):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            fields.add(item.target.id)
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            fields |= read_function(item, method=True).known
        elif isinstance(item, ast.FunctionDef) and "setter" in decorators(item):
            fields.add(item.name)
    return fields


def _deep_names(release: TreeRelease, module: str) -> dict[str, str]:
    """The names of a module indexed by names only; plain model modules are read without a parser, ten times faster."""
    if _TEMPLATE.search(module):
        return {}
    if module in release.tree.packages or not module.startswith("transformers.models."):
        return dict(release.names(module))
    text = release.tree.text(module)
    served = {name for table in _SERVED.findall(text) for name in _KEY.findall(table)}
    return {name: f"{module}:{name}" for name in _bound_names(text) | served if not name.startswith("_")}


def _bound_names(text: str) -> set[str]:
    """The names that the unindented statements define."""
    names: set[str] = set()
    for line in text.splitlines():
        if line[:1].isalpha() or line[:1] == "_":
            defined = _DEFINED.match(line)
            assigned = None if defined else _ASSIGNED.match(line)
            names.update([defined[1]] if defined else (assigned[1].split(",") if assigned else ()))
    return {name for name in map(str.strip, names) if name.isidentifier()}


def _imported_names(text: str) -> set[str]:
    """The names that import statements bind, including those inside functions."""
    names: set[str] = set()
    lines = iter(text.splitlines())
    for line in lines:
        match = _IMPORT.match(line) if "import" in line else None
        if match is None:
            continue
        clause = match[1].partition("#")[0]
        while clause.lstrip().startswith("(") and ")" not in clause:
            clause += next(lines, ")").partition("#")[0]
        for item in clause.strip().strip("()").split(","):
            names.add(item.rpartition(" as ")[2].strip().partition(".")[0])
    return {name for name in names if name.isidentifier()}

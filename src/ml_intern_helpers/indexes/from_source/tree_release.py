"""A release read from its files on demand: the slow, complete form of `signatures.Release`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache, cached_property

from ml_intern_helpers.indexes.from_source.config_fields import config_fields
from ml_intern_helpers.indexes.from_source.deprecations import deprecations
from ml_intern_helpers.indexes.from_source.dynamic_names import with_aliases
from ml_intern_helpers.indexes.from_source.exports import Exports
from ml_intern_helpers.indexes.from_source.legacy_arguments import legacy_arguments, with_legacy
from ml_intern_helpers.indexes.from_source.read_records import Function, read_record
from ml_intern_helpers.indexes.from_source.source_tree import SourceTree
from ml_intern_helpers.indexes.from_source.statements import flat_statements
from ml_intern_helpers.indexes.records import Announced, ClassRecord, Record


class TreeRelease:
    """`signatures.Release` over a `SourceTree`."""

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
        """Never: everything was read."""
        return False

    def is_config_field(self, name: str) -> bool:
        return name in self._config_fields

    def deprecated(self, origin: str) -> tuple[Announced, ...]:
        return self.deprecations(origin.partition(":")[0]).get(origin, ())

    def deprecations(self, module: str) -> dict[str, tuple[Announced, ...]]:
        """By origin, of one module."""
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
            return self._bound_method(module, node)
        if node is None:
            return None
        record = read_record(node, lambda written: self._local(module, written))
        return with_legacy(node, record, self._legacy) if self._legacy else record

    def _read_statements(self, module: str) -> dict[str, ast.ClassDef | Function | ast.Attribute]:
        found: dict[str, ast.ClassDef | Function | ast.Attribute] = {}
        for node in flat_statements(self.exports.parsed(module).body):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                found[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = node.value
        return found

    def _bound_method(self, module: str, node: ast.Attribute) -> Record | None:
        """`run_job = api.run_job` with `api = HfApi()`: how huggingface_hub makes its functions."""
        for statement in flat_statements(self.exports.parsed(module).body):
            if (
                isinstance(statement, ast.Assign)
                and isinstance(statement.value, ast.Call)
                and isinstance(node.value, ast.Name)
                and node.value.id in {target.id for target in statement.targets if isinstance(target, ast.Name)}
            ):
                owner = self.record(self._local(module, ast.unparse(statement.value.func)))
                return owner.methods.get(node.attr) if isinstance(owner, ClassRecord) else None
        return None

    def _local(self, module: str, written: str) -> str:
        """What `written` (a name or a dotted path) means inside `module`, as an origin."""
        head, _, rest = written.partition(".")
        target = self.exports.own_names(module).get(head, f"{module}:{head}")
        if not rest:
            return target
        path, _, name = f"{target.replace(':', '.')}.{rest}".rpartition(".")
        return f"{path}:{name}"

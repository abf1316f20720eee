"""What an index stores of a release: names of every module, records of what scripts call, fields of model configurations."""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import Any

from ml_intern_helpers.indexes.from_source.config_fields import config_fields
from ml_intern_helpers.indexes.from_source.plain_modules import bound_names, imported_names, indented_names, served_until
from ml_intern_helpers.indexes.from_source.tree_release import TreeRelease
from ml_intern_helpers.indexes.records import ClassRecord, Record, to_json
from ml_intern_helpers.indexes.stored.stored_release import packed_names
from ml_intern_helpers.indexes.stored.table_file import write_tables

#: Names matter here (an import must be found), arguments do not: model code, and what no training script calls.
_NAMES_ONLY = re.compile(
    r"^transformers\.models\.(?!auto\b)|(^|\.)(tests?|testing_utils|commands|cli)(\.|$)"
    r"|\.dummy_\w+_objects$|^transformers\.(kernels|integrations\.(?!peft|integration_utils))|^huggingface_hub\.inference\._generated"
)
#: What model files are generated from; nothing imports them, and they would be a sixth of the index.
_TEMPLATE = re.compile(r"\.modular_\w+$")


def save(release: TreeRelease, path: Path) -> None:
    """Write the index of `release`; the same release always gives the same bytes."""
    was_on = gc.isenabled()
    gc.disable()  # syntax trees are all live objects: looking for garbage in them takes twice as long as the work
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
    origins = {origin for found in names.values() for origin in found.values() if not names_only(origin.partition(":")[0])}
    records = {origin: record for origin in origins if (record := release.record(origin)) is not None}
    return {
        "modules": {module: packed_names(module, found, names[release.package]) for module, found in names.items()},
        "deep": {module: packed_names(module, found, {}) for module, found in deep.items()},
        "loose": dict.fromkeys(_loose(release, plain), 1),
        "records": _packed_records(records),
        "deprecated": {origin: rows for module in shallow for origin, rows in release.deprecations(module).items()},
        "config_fields": dict.fromkeys(config_fields(release.tree), 1),
    }


def _packed_records(records: dict[str, Record]) -> dict[str, Any]:
    """Functions that are an object's methods (all of huggingface_hub's are `HfApi()`'s) are stored once, as the method."""
    classes = ((origin, record) for origin, record in records.items() if isinstance(record, ClassRecord))
    methods = {id(method): f"{origin}.{name}" for origin, record in classes for name, method in record.methods.items()}
    return {origin: methods.get(id(record)) or to_json(record) for origin, record in records.items()}


def names_only(module: str) -> bool:
    """Whether the index holds no arguments for what `module` defines."""
    return _NAMES_ONLY.search(module) is not None


def _deep_names(release: TreeRelease, module: str) -> dict[str, str]:
    """Packages are few and may be lazy; the plain modules are read without a parser, which takes a tenth of the time."""
    if _TEMPLATE.search(module):
        return {}
    if module in release.tree.packages or not module.startswith("transformers.models."):
        return dict(release.names(module))
    text = release.tree.text(module)
    return {name: f"{module}:{name}" for name in bound_names(text) | served_until(text) if not name.startswith("_")}


def _loose(release: TreeRelease, plain: list[str]) -> set[str]:
    """What some plain module imports or keeps private: too much to store by module, so never called missing there."""
    found: set[str] = set()
    for module in plain:
        text = release.tree.text(module)
        found.update(imported_names(text), indented_names(text), (name for name in bound_names(text) if name.startswith("_")))
    return found

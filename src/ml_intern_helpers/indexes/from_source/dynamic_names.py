"""Names that a module serves at run time: by a `__getattr__` of its own, or by transformers' fallbacks for names of version 4."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from ml_intern_helpers.indexes.from_source.source_tree import SourceTree

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

"""An import that today's releases no longer offer.

`ImportError` in the first second of the run: after the queue, the image and the installation have been paid for.

Bad:

    from trl import DataCollatorForCompletionOnlyLM, PPOTrainer, setup_chat_format

Good:

    from trl import SFTConfig, SFTTrainer
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts, Imported
from ml_intern_helpers.preflight.guards import blamable
from ml_intern_helpers.preflight.knowledge.classes import RELEASES
from ml_intern_helpers.preflight.knowledge.removed import IMPORTS
from ml_intern_helpers.preflight.names import dotted
from ml_intern_helpers.preflight.outcome import Outcome, failed, unknown

CODE = "API102"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for item in facts.imports:
        gone = _gone(item)
        if gone and item.blamable:
            yield _judged(facts, gone, item.node)
    yield from _attributes(facts)


def _gone(item: Imported) -> str | None:
    """The row of the table that an import hits: the module itself, one above it, or the name."""
    parts = item.module.split(".")
    modules = [".".join(parts[:count]) for count in range(2, len(parts) + 1)]
    names = [f"{item.module}.{item.name}"] if item.name else []
    return next((name for name in [*modules, *names] if name in IMPORTS), None)


def _attributes(facts: Facts) -> Iterator[Outcome]:
    """`import trl` … `trl.PPOTrainer`."""
    tops = {item.module for item in facts.imports if not item.name}
    for node in facts.script.places:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            target = dotted(facts.script, node)
            if (
                target
                and target.name in IMPORTS
                and target.name.split(".")[0] in tops
                and blamable(facts.script, node, importing=True)
            ):
                yield _judged(facts, target.name, node)


def _judged(facts: Facts, gone: str, node: ast.AST) -> Outcome:
    library = gone.split(".")[0]
    if not facts.uses_current(library):
        return unknown(f"{gone}: the script pins another {library} than {RELEASES[library]}", getattr(node, "lineno", None))
    error = "AttributeError" if isinstance(node, ast.Attribute) else "ImportError"
    return failed(f"{gone} does not exist in {library} {RELEASES[library]}: {error}", f"instead: {IMPORTS[gone]}", node)

"""Constants that a config's own call gives it, where the library alone decides what becomes of them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.constructions import Construction
from ml_intern_helpers.analysis.guards import expected
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.preflight.facts import Facts, Run


class Written(NamedTuple):
    """One setting: its name, its value, and the node that gives it."""

    name: str
    value: Any
    node: ast.expr


def written(facts: Facts, config: Construction, names: Collection[str]) -> Iterator[Written]:
    """The settings `names` that the call surely passes; none when a command line, a subclass or a patch may change them."""
    if config.parsed or not as_indexed(facts, config):
        return
    for name in names:
        setting = config.entries.items.get(name)
        if setting and name not in facts.loose and setting.value.state == "known" and _passed(setting.node):
            assert isinstance(setting.node, ast.expr)
            yield Written(name, setting.value.value, setting.node)


def as_indexed(facts: Facts, made: Construction) -> bool:
    """The library's own class, unpatched, of the release that the tables know; and no `try` expects the call to fail."""
    provided = expected(facts.script, made.call, "ValueError", "AssertionError")
    return _known_class(facts, made) and facts.blamable(made.call) and not provided


def _known_class(facts: Facts, made: Construction) -> bool:
    """Of Transformers or TRL; TRL's experimental trainers have loops of their own."""
    target, library = dotted(facts.script, made.call.func), made.role.library
    if target is None or target.definition or target.name.startswith("trl.experimental.") or facts.patched_by:
        return False
    ours = library in ("transformers", "trl") and facts.judges(library)
    return ours and facts.uses_current("transformers") and facts.uses_current(library)


def run_as_indexed(facts: Facts, run: Run) -> bool:
    """Both the trainer and its config are."""
    return as_indexed(facts, run.trainer) and as_indexed(facts, run.config)


def _passed(node: ast.AST) -> bool:
    """Not assigned to the finished config (`config.seed = "7"`, `setattr(config, "seed", "7")`), which checks nothing then."""
    assigned = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    by_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr"
    return isinstance(node, ast.expr) and not assigned and not by_call

"""Constants that a config's own call gives it, where the library alone decides what becomes of them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from ml_intern_helpers.preflight.facts import Facts, Run
from ml_intern_helpers.preflight.knowledge.classes import TRANSFORMERS_STYLE
from ml_intern_helpers.preflight.naming.guards import expected
from ml_intern_helpers.preflight.naming.names import dotted
from ml_intern_helpers.preflight.naming.objects import Construction


class Written(NamedTuple):
    """One setting: its name, its value, and the node that gives it."""

    name: str
    value: Any
    node: ast.expr


def written(facts: Facts, config: Construction, names: Collection[str]) -> Iterator[Written]:
    """The settings `names` that the call surely passes; none when a command line, a subclass or a patch may change them."""
    if not (config.role.library in TRANSFORMERS_STYLE and as_indexed(facts, config) and not config.parsed):
        return
    for name in names:
        setting = config.entries.items.get(name)
        if setting and name not in facts.loose and setting.value.state == "known" and _passed(setting.node):
            assert isinstance(setting.node, ast.expr)
            yield Written(name, setting.value.value, setting.node)


def as_indexed(facts: Facts, made: Construction) -> bool:
    """The library's own class, unpatched, of the release that the tables know; and no `try` expects the call to fail."""
    target = dotted(facts.script, made.call.func)
    own = target is not None and target.definition is None and not facts.patched_by
    current = facts.uses_current("transformers") and (made.role.library != "trl" or facts.uses_current("trl"))
    provided = expected(facts.script, made.call, "ValueError", "AssertionError")
    return own and current and facts.blamable(made.call) and not provided


def run_as_indexed(facts: Facts, run: Run) -> bool:
    """Both the trainer and its config are, and the config is one of transformers' kind."""
    return run.tunable and as_indexed(facts, run.trainer) and as_indexed(facts, run.config)


def _passed(node: ast.AST) -> bool:
    """Not assigned to the finished config (`config.seed = "7"`, `setattr(config, "seed", "7")`), which checks nothing then."""
    assigned = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    by_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr"
    return isinstance(node, ast.expr) and not assigned and not by_call

"""A trainer or config gets an argument that today's releases do not take.

The call raises `TypeError: … got an unexpected keyword argument` after the job has been queued, has installed
everything and has downloaded the dataset. An argument hidden in `**dict`, behind an alias or in a partial fails the
same way.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", max_seq_length=2048, evaluation_strategy="no")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, tokenizer=tokenizer).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out", max_length=2048, eval_strategy="no")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows, processing_class=tokenizer).train()
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.knowledge.classes import RELEASES
from ml_intern_helpers.preflight.knowledge.removed import ALL_CONFIGS, ALL_TRAINERS, CONFIGS, TRAINERS, Row
from ml_intern_helpers.preflight.objects import Construction
from ml_intern_helpers.preflight.outcome import Outcome, failed, unknown
from ml_intern_helpers.preflight.values import Setting

CODE = "API101"
SEVERITY = "error"
MODES = ("jobs", "local")


def check(facts: Facts) -> Iterator[Outcome]:
    for made in (*facts.trainers, *facts.configs):
        rows = _rows(made)
        for name, setting in made.entries.items.items():
            if name in rows and name not in made.declared and not _assigned(made, setting):
                yield from _judged(facts, made, name, setting, rows[name])


def _rows(made: Construction) -> dict[str, Row]:
    library, name = made.role.library, made.role.name
    if library not in ("trl", "transformers"):
        return {}
    if made.role.kind == "trainer":
        return ALL_TRAINERS | TRAINERS.get(name, {})
    return ALL_CONFIGS | CONFIGS.get(name, {})


def _assigned(made: Construction, setting: Setting) -> bool:
    """`config.max_seq_length = …` after construction raises nothing."""
    return isinstance(setting.node, ast.Attribute) and isinstance(setting.node.ctx, ast.Store)


def _judged(facts: Facts, made: Construction, name: str, setting: Setting, row: Row) -> Iterator[Outcome]:
    if made.own_init or not facts.blamable(made.call) or not facts.blamable(setting.node):
        return
    line = getattr(setting.node, "lineno", made.line)
    maybe = setting.value.state == "runtime" and "condition" in setting.value.reason
    for library in ("trl", "transformers"):
        if (library == made.role.library or library == "transformers") and not facts.uses_current(library):
            yield unknown(f"{name}= of {made.role.name}: the script pins another {library} than {RELEASES[library]}", line)
            return
    if facts.patched_by or maybe:
        why = f"{facts.patched_by} replaces TRL's classes" if facts.patched_by else setting.value.reason
        yield unknown(f"{name}= of {made.role.name} is gone from today's releases, but {why}", line)
        return
    message = f"{made.role.name} takes no argument {name} ({made.role.library} {RELEASES[made.role.library]}): TypeError"
    yield failed(message, row.hint, setting.node, whole=made.call)

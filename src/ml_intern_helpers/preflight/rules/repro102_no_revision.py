"""A model or dataset is loaded without a revision.

The name alone loads the newest state, and authors push new weights and rows under old names. Note the commit that
was used, or pin it with `revision=`, so that a later run uses the same. For information only.

Bad:

    from datasets import load_dataset
    from trl import SFTTrainer

    rows = load_dataset("trl-lib/Capybara", split="train")
    SFTTrainer("Qwen/Qwen3-0.6B", train_dataset=rows).train()

Good:

    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("trl-lib/Capybara", split="train", revision="0673b0b")
    config = SFTConfig(output_dir="out", model_init_kwargs={"revision": "c1899de"})
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()
"""

import ast
from collections.abc import Iterator

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.datasets import BUILDERS, loaded
from ml_intern_helpers.preflight.outcome import Outcomes, failed

SEVERITY = "info"


def check(context: ScriptContext) -> Outcomes:
    unpinned: list[tuple[str, ast.AST]] = []
    for load in loaded(context):
        keywords = context.keywords(load.call)
        builder = bool(load.call.args) and context.constant(load.call.args[0]).value in BUILDERS
        local = load.id.startswith((".", "/", "~")) or "/" not in load.id or builder
        if load.value.state == "known" and not local and "revision" not in keywords.items and not keywords.open:
            unpinned.append((load.id, load.call))
    unpinned += _models(context)
    names = list(dict.fromkeys(name for name, _ in unpinned))
    if names:
        message = f"no revision for {clean(', '.join(names), limit=160)}: a later run may load something else"
        yield failed(message, "note the commit in the plan, or pin it with revision=", unpinned[0][1], severity="info")


def _models(context: ScriptContext) -> Iterator[tuple[str, ast.AST]]:
    for call in context.methods("from_pretrained"):
        keywords = context.keywords(call)
        name = context.constant(call.args[0]) if call.args else None
        if name and name.state == "known" and _is_remote(name.value) and "revision" not in keywords.items and not keywords.open:
            yield name.value, call
    for run in context.runs:
        model = context.argument(run.trainer, "model")
        if model is not None and model.value.state == "known" and _is_remote(model.value.value):
            loading = context.setting(run, "model_init_kwargs")
            entries = context.entries(loading.node) if loading and isinstance(loading.node, ast.expr) else None
            if entries is None or ("revision" not in entries.items and not entries.open):
                yield model.value.value, model.node


def _is_remote(name: object) -> bool:
    """`Qwen/Qwen3-0.6B`, not a folder."""
    return isinstance(name, str) and name.count("/") == 1 and not name.startswith((".", "/", "~"))
